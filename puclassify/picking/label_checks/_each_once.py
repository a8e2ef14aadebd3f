"""Labels of the same particle count once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from puclassify._warnings import warn

__all__ = ["each_once"]

_NEAREST = 0.4  # diameters between two particles: the nearest of expert labels are half of one

_QUESTION = (
    "was a file read twice, were the labels of two people joined, or is the particle smaller than "
    "particle_diameter says?"
)


def each_once(
    labels: Sequence[np.ndarray], diameter: float, suspicion: str = ""
) -> list[np.ndarray]:
    """Keep the first of the labels (k_i, 2) that are nearer to each other than particles can be.

    The diameter is in stored pixels. A warning says how many were left out, and asks why, or the
    question of a ``suspicion``.
    """
    kept = [_first_of_each(xy, _NEAREST * diameter) for xy in labels]
    before, after = sum(map(len, labels)), sum(map(len, kept))
    if after < before:
        warn(
            f"{before - after} of {before} labels in y lie within {_NEAREST:g} of a diameter, "
            f"{_NEAREST * diameter:.1f} stored pixels, of another one and were left out, so that "
            f"each particle counts once; {suspicion or _QUESTION}"
        )
    return kept


def _first_of_each(xy: np.ndarray, distance: float) -> np.ndarray:
    keep = np.ones(len(xy), dtype=bool)
    for first, second in sorted(cKDTree(xy).query_pairs(distance)):
        if keep[first]:
            keep[second] = False
    return xy[keep]
