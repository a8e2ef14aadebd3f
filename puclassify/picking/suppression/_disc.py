"""The disc that a pick suppresses, on the grid of a map."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["ROUNDING", "Disc", "make_disc"]

# Positions on a grid of fractional step sit exactly on the radius only up to rounding.
ROUNDING = 1 + 1e-9


class Disc(NamedTuple):
    """A disc as runs of positions: for each row from its centre, how far it reaches either side."""

    runs: list[tuple[int, int]]
    reach: tuple[int, int]  # the largest of each

    def mask(self) -> np.ndarray:
        """Return a boolean array, True where the rectangle around the disc belongs to it."""
        up, left = self.reach
        mask = np.zeros((2 * up + 1, 2 * left + 1), dtype=bool)
        for row, half in self.runs:
            mask[up + row, left - half : left + half + 1] = True
        return mask


def make_disc(shape: tuple[int, ...], radius: float, step_xy: tuple[float, float]) -> Disc:
    """Return the disc of a radius, no larger than a map of that shape needs it."""
    step = step_xy[1], step_xy[0]
    radius = radius * ROUNDING
    up, left = (min(int(radius / s), n - 1) for s, n in zip(step, shape, strict=True))
    runs = []
    for row in range(-up, up + 1):
        half = 0
        while half < left and (row * step[0]) ** 2 + ((half + 1) * step[1]) ** 2 <= radius**2:
            half += 1
        runs.append((row, half))
    return Disc(runs, (up, left))
