"""Augmentation of training tiles: a random rotation, reflection and magnification of each."""

from __future__ import annotations

import numpy as np

__all__ = ["LARGEST_MAGNIFICATION", "draw_turns", "largest_stretch"]

LARGEST_MAGNIFICATION = 1.05  # of a tile, and its inverse the smallest


def draw_turns(steps: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw the augmentation of tiles, as matrices (..., 2, 2) from tile to micrograph offsets.

    Any angle, with or without a reflection, and a magnification that is even on a scale of
    ratios. Offsets are (row, column) in pixels of the grid. ``steps`` (..., 2) are the stored
    pixels per grid pixel along the rows' and the columns' axis of each tile's micrograph: where
    they differ, it is the stored pixels that are turned.
    """
    shape = steps.shape[:-1]
    angle = rng.uniform(0, 2 * np.pi, size=shape)
    largest = np.log(LARGEST_MAGNIFICATION)
    magnification = np.exp(rng.uniform(-largest, largest, size=shape))
    reflected = magnification * rng.choice([-1.0, 1.0], size=shape)
    cosine, sine = np.cos(angle), np.sin(angle)
    first = np.stack([magnification * cosine, magnification * sine], axis=-1)
    second = np.stack([-reflected * sine, reflected * cosine], axis=-1)
    turn = np.stack([first, second], axis=-1)
    return turn * steps[..., None, :] / steps[..., :, None]


def largest_stretch(steps: np.ndarray) -> float:
    """Return how many times larger a tile can get on the grids of micrographs, steps (n, 2)."""
    return LARGEST_MAGNIFICATION * float((steps.max(axis=1) / steps.min(axis=1)).max())
