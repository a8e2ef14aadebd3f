"""Cubic B-spline interpolation of images at fractional positions."""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import spline_filter
from torch.nn.functional import grid_sample

__all__ = ["sample_spline", "spline_coefficients"]


def spline_coefficients(values: np.ndarray) -> np.ndarray:
    """Compute the coefficients of the cubic B-spline through the pixels of an image.

    Parameters
    ----------
    values : ndarray of shape (height, width)
        The image, which goes on beyond its borders as in a mirror.

    Returns
    -------
    ndarray of shape (height, width), float32
        The coefficients.
    """
    return spline_filter(np.asarray(values, np.float64), 3, mode="mirror", output=np.float32)


def sample_spline(coefficients: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    r"""Evaluate cubic B-splines.

    Parameters
    ----------
    coefficients : Tensor of shape (n, height, width)
        Of n images.
    positions : Tensor of shape (n, h, w, 2)
        Column and row in each, at least two pixels away from the borders.

    Returns
    -------
    Tensor of shape (n, h, w)
        The interpolated pixels.

    Notes
    -----
    Unlike the cubic convolution of PyTorch, which mixes neighbours with weights of a fixed kernel,
    a spline hardly damps the finest details (Unser, IEEE Signal Process. Mag. 16, 22, 1999): noise
    in a turned tile is the noise that the network will meet in a micrograph.

    The four weights along an axis are paired, so that each pair is one linear interpolation
    (Sigg & Hadwiger, GPU Gems 2, chapter 20), and four bilinear lookups give the sum over 16
    coefficients.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from puclassify.picking._spline import sample_spline, spline_coefficients
    >>> ramp = np.add.outer(10.0 * np.arange(20), np.arange(20.0))
    >>> coefficients = torch.from_numpy(spline_coefficients(ramp))
    >>> round(sample_spline(coefficients[None], torch.tensor([[[[7.25, 9.5]]]])).item(), 2)
    102.25
    """
    positions = positions.to(coefficients.dtype)
    size = positions.new_tensor(coefficients.shape[:0:-1])
    floor = positions.floor()
    t = positions - floor
    low = 1 - t
    # The weights of the pixels at floor - 1, floor, floor + 1 and floor + 2, times 6.
    w0, w1 = low**3, 4 - 6 * t**2 + 3 * t**3
    w2, w3 = 4 - 6 * low**2 + 3 * low**3, t**3
    near, far = (w0 + w1) / 6, (w2 + w3) / 6
    at_near, at_far = floor - 1 + w1 / (w0 + w1), floor + 1 + w3 / (w2 + w3)

    def lookup(x, y):
        at = torch.stack([x, y], dim=-1) * (2 / (size - 1)) - 1
        return grid_sample(coefficients[:, None], at, align_corners=True)[:, 0]

    rows = [
        near[..., 0] * lookup(at_near[..., 0], y) + far[..., 0] * lookup(at_far[..., 0], y)
        for y in (at_near[..., 1], at_far[..., 1])
    ]
    return near[..., 1] * rows[0] + far[..., 1] * rows[1]
