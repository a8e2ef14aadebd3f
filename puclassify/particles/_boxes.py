"""Boxes around positions, cut out of a micrograph."""

from __future__ import annotations

import numpy as np

__all__ = ["boxes_at", "inside", "touching", "whole_pixels"]


def whole_pixels(xy: np.ndarray) -> np.ndarray:
    """Return the pixels (k, 2) that positions lie on; halves are rounded up."""
    return np.floor(xy + 0.5).astype(np.int64)


def inside(pixels: np.ndarray, box_size: int, shape: tuple[int, int]) -> np.ndarray:
    """Tell which boxes (k,) lie within an image of this height and width."""
    first = pixels - box_size // 2
    return np.all((first >= 0) & (first + box_size <= shape[::-1]), axis=1)


def touching(pixels: np.ndarray, box_size: int, shape: tuple[int, int]) -> np.ndarray:
    """Tell which boxes (k,) have a pixel in common with an image of this height and width."""
    first = pixels - box_size // 2
    return np.all((first + box_size > 0) & (first < shape[::-1]), axis=1)


def boxes_at(values: np.ndarray, pixels: np.ndarray, box_size: int) -> np.ndarray:
    """Return boxes (k, box_size, box_size) as float64; pixel box_size // 2 is the given one.

    Pixels beyond an edge are those nearest to them on it.
    """
    height, width = values.shape
    steps = np.arange(box_size) - box_size // 2
    columns = (pixels[:, :1] + steps).clip(0, width - 1)
    rows = (pixels[:, 1:] + steps).clip(0, height - 1)
    return np.asarray(values[rows[:, :, None], columns[:, None, :]], dtype=np.float64)
