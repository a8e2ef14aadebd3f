"""What people do to micrographs before they pick: filters, 8 bit, clipping."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from puclassify.datasets._simulator._optics import FREQUENCIES

__all__ = ["PROCESSES", "high_pass", "low_pass", "process", "wiener"]

# In the order in which they are applied; the first three are filters by frequency.
PROCESSES = ("low_pass", "high_pass", "wiener", "median", "local_contrast", "clipped", "eight_bit")
_SAMPLE = 7  # every 7th pixel is enough for quantiles


def low_pass(cutoff: float, order: int) -> np.ndarray:
    """Return a Butterworth filter, of half amplitude squared at the cut-off, at `FREQUENCIES`."""
    return 1 / np.sqrt(1 + (FREQUENCIES / cutoff) ** (2 * order))


def high_pass(wavelength: float) -> np.ndarray:
    """Return a Gaussian filter that takes away what is much longer, at `FREQUENCIES`."""
    return 1 - np.exp(-np.square(FREQUENCIES * wavelength) / 2)


def wiener(signal_power: np.ndarray, noise_amplitude: np.ndarray) -> np.ndarray:
    """Return the filter that is best for a signal in noise of known spectra."""
    return signal_power / (signal_power + np.square(noise_amplitude) + 1e-12)


def process(image: torch.Tensor, steps: dict[str, float], diameter: float) -> torch.Tensor:
    """Apply what is not a filter by frequency, each with its strength."""
    if "median" in steps:
        image = _median(image)
    if "local_contrast" in steps:
        image = _even_contrast(image, steps["local_contrast"] * diameter)
    if "clipped" in steps:
        image = _between_quantiles(image, steps["clipped"])
    if "eight_bit" in steps:
        image = _between_quantiles(image, steps["eight_bit"])
        low, high = image.aminmax()
        image = ((image - low) * (255 / (high - low).clamp_min(1e-12))).round_()
    return image


def _between_quantiles(image: torch.Tensor, share: float) -> torch.Tensor:
    some = image.flatten()[::_SAMPLE].sort().values
    cut = int(share * (len(some) - 1))
    return torch.minimum(torch.maximum(image, some[cut]), some[len(some) - 1 - cut])


def _even_contrast(image: torch.Tensor, window: float) -> torch.Tensor:
    """Subtract the local mean and divide by the local standard deviation."""
    size = max(2, min(round(window / 2), min(image.shape) // 2))
    image4 = image[None, None]
    moments = torch.cat([image4, image4.square()], dim=1)
    blocks = functional.avg_pool2d(moments, size, ceil_mode=True, count_include_pad=False)
    blocks = functional.avg_pool2d(blocks, 3, 1, padding=1, count_include_pad=False)
    spread = (blocks[:, 1] - blocks[:, 0].square()).clamp_min(1e-12).sqrt()
    both = torch.stack([blocks[:, 0], spread], dim=1)
    mean, spread = functional.interpolate(both, image.shape, mode="bilinear", align_corners=False)[
        0
    ]
    return (image - mean) / spread


def _median(image: torch.Tensor) -> torch.Tensor:
    """Return the median of 3 x 3 pixels, by comparisons of whole images."""
    padded = functional.pad(image[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
    height, width = image.shape
    p = [padded[i : i + height, j : j + width] for i in range(3) for j in range(3)]
    # Columns sorted; then the median of: largest of the lows, middle of the middles, lowest of
    # the highs.
    rows = []
    for i in range(3):
        a, b, c = p[3 * i : 3 * i + 3]
        low, high = torch.minimum(a, b), torch.maximum(a, b)
        rows.append(
            (
                torch.minimum(low, c),
                torch.maximum(low, torch.minimum(high, c)),
                torch.maximum(high, c),
            )
        )
    low = torch.maximum(torch.maximum(rows[0][0], rows[1][0]), rows[2][0])
    middle = _middle(rows[0][1], rows[1][1], rows[2][1])
    high = torch.minimum(torch.minimum(rows[0][2], rows[1][2]), rows[2][2])
    return _middle(low, middle, high)


def _middle(a, b, c):
    return torch.maximum(torch.minimum(a, b), torch.minimum(torch.maximum(a, b), c))
