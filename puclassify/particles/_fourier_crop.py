"""Boxes of fewer pixels, by cropping their Fourier transforms."""

from __future__ import annotations

import numpy as np
import scipy.fft

__all__ = ["fourier_crop"]


def fourier_crop(boxes: np.ndarray, size: int) -> np.ndarray:
    """Resample boxes (k, n, n) to (k, size, size), both even: pixel n / 2 becomes size / 2.

    The frequency of the new grid's shortest wave is kept as the mean of its two signs.
    """
    n = boxes.shape[-1]
    if size == n:
        return boxes
    spectrum = scipy.fft.rfft2(boxes)
    half = size // 2
    cropped = np.concatenate([spectrum[:, :half], spectrum[:, -half:]], axis=1)[:, :, : half + 1]
    cropped[:, half] = (spectrum[:, half, : half + 1] + spectrum[:, -half, : half + 1]) / 2
    return scipy.fft.irfft2(cropped, s=(size, size)) * (size / n) ** 2
