"""Where the particles of a simulated micrograph lie."""

from __future__ import annotations

import numpy as np

__all__ = ["carbon_hole", "place_particles"]

_ATTEMPTS_PER_PARTICLE = 200
# Neighbours in a crowd touch or nearly do, in units of the diameter.
_CROWD_GAP = (1.0, 1.15)


def carbon_hole(rng, shape, area_fraction: float) -> tuple[float, float, float]:
    """Draw a round hole in the carbon film, larger than the frame and off its centre.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where the randomness comes from.
    shape : (int, int)
        Height and width of the frame in pixels.
    area_fraction : float
        Fraction of the frame that the film around the hole covers.

    Returns
    -------
    (float, float, float)
        x, y and radius of the hole in pixels.
    """
    height, width = shape
    diagonal = np.hypot(height, width)
    angle, distance = rng.uniform(0, 2 * np.pi), rng.uniform(0.7, 1.2) * diagonal
    x = width / 2 + distance * np.cos(angle)
    y = height / 2 + distance * np.sin(angle)
    rows, columns = np.linspace(0, height, 64)[:, None], np.linspace(0, width, 64)[None, :]
    return x, y, float(np.quantile(np.hypot(rows - y, columns - x), 1 - area_fraction))


def place_particles(
    rng, n, shape, diameter: float, *, crowding=0.0, hole=None, occupied=None
) -> np.ndarray:
    """Draw positions no closer than one diameter, each particle wholly inside the frame.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where the randomness comes from.
    n : int
        How many particles.
    shape : (int, int)
        Height and width of the frame in pixels.
    diameter : float
        In pixels.
    crowding : float, default=0.0
        Probability that a particle is put next to one already there instead of anywhere.
    hole : (float, float, float) or None, default=None
        x, y and radius of the hole in the carbon film that the particles have to stay inside of.
    occupied : ndarray of shape (k, 3) or None, default=None
        x, y and radius of discs that the particles have to stay outside of.

    Returns
    -------
    ndarray of shape (n, 2)
        x, y of the centres in pixels.

    Raises
    ------
    ValueError
        If they do not fit.
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
            f"overlap in shape={tuple(shape)}: {n_placed} found a place; ask for at most that "
            "many, or for a larger shape, a smaller particle_diameter (in ångström; divided by "
            "pixel_size it gives pixels), less carbon_edge or less contamination"
        )
    return placed
