"""Random positions of particles, and of the hole in carbon film; points that are apart."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

__all__ = ["carbon_hole", "first_apart", "place_particles"]

_ATTEMPTS_PER_PARTICLE = 200
# Distance of neighbours in a crowd in diameters: they touch or nearly do.
_CROWD_GAP = (1.0, 1.15)


def carbon_hole(
    rng: np.random.Generator, shape: tuple[int, int], area_fraction: float
) -> tuple[float, float, float]:
    """Draw a round hole in carbon film, larger than the frame and off its centre.

    Returns x, y and radius in pixels of the frame, of which the film covers ``area_fraction``.
    """
    height, width = shape
    diagonal = np.hypot(height, width)
    angle, distance = rng.uniform(0, 2 * np.pi), rng.uniform(0.7, 1.2) * diagonal
    x = width / 2 + distance * np.cos(angle)
    y = height / 2 + distance * np.sin(angle)
    rows, columns = np.linspace(0, height, 64)[:, None], np.linspace(0, width, 64)[None, :]
    return x, y, float(np.quantile(np.hypot(rows - y, columns - x), 1 - area_fraction))


def place_particles(
    rng: np.random.Generator,
    n: int,
    shape: tuple[int, int],
    diameter: float,
    *,
    crowding: float = 0.0,
    hole: tuple[float, float, float] | None = None,
    occupied: np.ndarray | None = None,
) -> np.ndarray:
    """Draw the centres of ``n`` particles that lie wholly inside the frame and do not overlap.

    Each is put next to one already there with probability ``crowding``, else anywhere; all stay
    inside ``hole`` (x, y, radius) and outside the discs ``occupied`` (rows of x, y, radius).
    Everything is in pixels. Raises a ValueError if they do not fit.
    """
    height, width = shape
    low = np.full(2, diameter / 2)
    high = np.array([width, height]) - 1 - diameter / 2
    placed = np.empty((n, 2))
    n_placed = 0
    for _ in range(_ATTEMPTS_PER_PARTICLE * n if (high > low).all() else 0):
        if n_placed == n:
            break
        if n_placed and rng.random() < crowding:
            angle, gap = rng.uniform(0, 2 * np.pi), rng.uniform(*_CROWD_GAP) * diameter
            neighbour = placed[rng.integers(n_placed)]
            point = neighbour + gap * np.array([np.cos(angle), np.sin(angle)])
            if (point < low).any() or (point > high).any():
                continue
        else:
            point = rng.uniform(low, high)
        if hole is not None and np.hypot(*(point - hole[:2])) > hole[2] - diameter / 2:
            continue
        if (
            occupied is not None
            and (
                np.hypot(occupied[:, 0] - point[0], occupied[:, 1] - point[1])
                < occupied[:, 2] + diameter / 2
            ).any()
        ):
            continue
        gaps = placed[:n_placed] - point
        if n_placed and np.einsum("ij,ij->i", gaps, gaps).min() < diameter**2:
            continue
        placed[n_placed] = point
        n_placed += 1
    if n_placed < n:
        raise ValueError(
            f"particles_per_micrograph={n} particles of {diameter:.1f} pixels do not fit without "
            f"overlap in shape={tuple(shape)}: only {n_placed} were placed; pass at most that "
            "many, a larger shape, a smaller particle_diameter (in ångström; divided by "
            "pixel_size it gives pixels), less carbon_edge or less contamination"
        )
    return placed


def first_apart(points: np.ndarray, spacing: float) -> np.ndarray:
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
    return points[free]
