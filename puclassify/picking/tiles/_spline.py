"""Cubic B-spline interpolation of images at fractional positions."""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import spline_filter
from torch.nn.functional import grid_sample

__all__ = ["sample_spline", "spline_coefficients"]


def spline_coefficients(values: np.ndarray) -> np.ndarray:
    """Return the cubic B-spline coefficients of an image, mirrored at its borders, as float32."""
    return spline_filter(np.asarray(values, np.float64), 3, mode="mirror", output=np.float32)


def sample_spline(coefficients: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    r"""Evaluate the cubic B-splines of n images at positions (x and y, n, h, w).

    ``coefficients`` are (n, height, width); positions keep at least two pixels from the borders.
    The result is (n, h, w).

    Unlike the cubic convolution of PyTorch, which mixes neighbours with weights of a fixed kernel,
    a spline hardly damps the finest details (Unser, IEEE Signal Process. Mag. 16, 22, 1999): a
    turned tile has the noise that the network will see in a micrograph.

    The four weights along an axis are paired, so that each pair is one linear interpolation
    (Sigg & Hadwiger, GPU Gems 2, chapter 20), and four bilinear lookups give the sum over 16
    coefficients. With t the fraction beyond the pixel at ``floor``, the weights of that pixel and
    its neighbours from -1 to 2 are

    .. math:: \frac{(1 - t)^3}{6},\quad \frac{4 - 6 t^2 + 3 t^3}{6},\quad
              \frac{1 + 3 t + 3 t^2 - 3 t^3}{6},\quad \frac{t^3}{6},

    and the two to the right have the sum :math:`(1 + 3 t + 3 t^2 - 2 t^3) / 6`.
    """
    positions = positions.to(coefficients.dtype)
    floor = positions.floor()
    # In place wherever a value is not needed again: memory limits the speed.
    t = positions - floor
    t2 = t * t
    t3 = t2 * t
    right = t.add_(t2).sub_(t3, alpha=2 / 3).add_(1 / 3)  # twice the two weights there
    left = 2 - right
    # Where a pair's lookup lies, between the first and the second pixel of the pair.
    at_left = torch.addcdiv(floor, t2.mul_(-2).add_(t3).add_(4 / 3), left)
    at_right = floor.addcdiv_(t3, right, value=1 / 3)
    # Planes x left, x right, y left and y right, in units of grid_sample: any x with any y is then
    # a slice with a step, and no grid has to be put together.
    at = torch.empty(2, 2, *positions.shape[1:], dtype=positions.dtype, device=positions.device)
    for axis, size in enumerate(coefficients.shape[:0:-1]):
        scale = 2 / (size - 1)
        torch.mul(at_left[axis], scale, out=at[axis, 0]).sub_(1 + scale)
        torch.mul(at_right[axis], scale, out=at[axis, 1]).sub_(1 - scale)
    planes = at.flatten(0, 1)

    def lookup(*, x, y):
        grid = planes[x :: y - x][:2].permute(1, 2, 3, 0)
        return grid_sample(coefficients[:, None], grid, align_corners=True)[:, 0]

    share = right.div_(2)
    upper, lower = (torch.lerp(lookup(x=0, y=y), lookup(x=1, y=y), share[0]) for y in (2, 3))
    return torch.lerp(upper, lower, share[1])
