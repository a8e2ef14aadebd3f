"""Positions of particles, from single ones to a crowd in which they touch."""

from __future__ import annotations

import numpy as np

from puclassify.datasets._placement import first_apart

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
    return first_apart(points, spacing)[:n]
