"""Positions of particles, from single ones to a crowd in which they touch."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

__all__ = ["place", "uniform_points"]

_CANDIDATES = 6  # for each place that is wanted
_MOST_CANDIDATES = 12_000
_PER_CLUSTER = 25


def uniform_points(rng, n: int, shape: tuple[int, int], rim: float) -> np.ndarray:
    """Draw points in the frame and a rim around it, as x, y."""
    low, high = -rim, np.array([shape[1], shape[0]]) - 1 + rim
    return rng.uniform(low, high, (n, 2))


def place(
    rng: np.random.Generator,
    n: int,
    shape: tuple[int, int],
    *,
    spacing: float,
    rim: float,
    clustered: bool,
) -> np.ndarray:
    """Place up to ``n`` points at least ``spacing`` apart: fewer where no more find room."""
    if n == 0:
        return np.empty((0, 2))
    m = min(_CANDIDATES * n, _MOST_CANDIDATES)
    points = uniform_points(rng, m, shape, rim)
    if clustered:
        middles = uniform_points(rng, max(1, n // _PER_CLUSTER), shape, rim)
        spread = spacing * rng.uniform(2, 4)
        near = middles[rng.integers(len(middles), size=m)] + rng.normal(0, spread, (m, 2))
        low, high = -rim, np.array([shape[1], shape[0]]) - 1 + rim
        inside = ((near >= low) & (near <= high)).all(axis=1)
        inside &= rng.random(m) < rng.uniform(0.6, 1)
        points[inside] = near[inside]
    return points[_first_apart(points, spacing)[:n]]


def _first_apart(points: np.ndarray, spacing: float) -> np.ndarray:
    """Keep, in order, the points no closer than ``spacing`` to one kept before."""
    pairs = cKDTree(points).query_pairs(spacing, output_type="ndarray")
    pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
    first = np.searchsorted(pairs[:, 0], np.arange(len(points) + 1)).tolist()
    later = pairs[:, 1].tolist()
    free = [True] * len(points)
    for i in range(len(points)):
        if free[i]:
            for j in later[first[i] : first[i + 1]]:
                free[j] = False
    return np.flatnonzero(free)
