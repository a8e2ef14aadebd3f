"""The half grid of a real Fourier transform: filters by frequency, and noise made in place."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

from puclassify.datasets._simulator._optics import FREQUENCIES

__all__ = ["HalfGrid", "half_grid"]


class HalfGrid:
    """The grid of `torch.fft.rfft2` for one shape on one device."""

    def __init__(self, shape: tuple[int, int], device: torch.device) -> None:
        height, width = shape
        self.shape = shape
        ky = np.fft.fftfreq(height)[:, None]
        kx = np.fft.rfftfreq(width)[None, :]
        length = np.hypot(ky, kx)
        nearest = np.rint(length * ((len(FREQUENCIES) - 1) / FREQUENCIES[-1])).astype(np.int32)
        alone = [0, width // 2] if width % 2 == 0 else [0]  # columns that are their own mirror
        twice = np.full(nearest.shape, 2.0)
        twice[:, alone] = 1.0
        counts = np.bincount(nearest.ravel(), twice.ravel(), len(FREQUENCIES))
        self.weight = counts / counts.sum()
        self._nearest = torch.from_numpy(nearest.ravel()).to(device)
        # Of a complex column that is its own mirror, the inverse transform uses half the power.
        self._alone = alone
        self._device = device

    def table(self, values: np.ndarray) -> torch.Tensor:
        """Spread values at `FREQUENCIES` over the grid."""
        short = torch.from_numpy(values.astype(np.float32)).to(self._device)
        return short.index_select(0, self._nearest).view(self.shape[0], -1)

    def noise(self, amplitude: np.ndarray, generator: torch.Generator) -> torch.Tensor:
        """Draw the transform of Gaussian noise with this amplitude spectrum."""
        size = (self.shape[0], self.shape[1] // 2 + 1)
        noise = torch.randn(size, dtype=torch.complex64, device=self._device, generator=generator)
        noise *= self.table(amplitude * np.sqrt(self.shape[0] * self.shape[1]))
        noise[:, self._alone] *= 2**0.5
        return noise


@lru_cache(maxsize=8)
def half_grid(shape: tuple[int, int], device: torch.device) -> HalfGrid:
    """Return the grid, made once for each shape and device."""
    return HalfGrid(shape, device)
