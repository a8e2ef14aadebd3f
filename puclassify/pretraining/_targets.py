"""What a network should answer at each position of its map of a simulated tile."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from puclassify.grid import map_length

__all__ = ["IGNORED", "targets"]

IGNORED = -1.0


def targets(
    shape: tuple[int, int],
    field: int,
    stride: int,
    centers: np.ndarray,
    hidden: np.ndarray,
    diameter: float,
    positive_radius: float,
    ignored_radius: float,
) -> np.ndarray:
    """Return 1 for particles, 0 for everything else and `IGNORED` in between: float32 (h, w).

    The map is that of an unpadded network on a tile of this shape. Within ``positive_radius``
    diameters of a centre (k, 2), x and y in pixels of the tile, positions are positive, at least
    the nearest one. From there to ``ignored_radius``, and within half a diameter of ``hidden``
    particles (k,), they do not count.
    """
    size = tuple(map_length(edge - field + 1, stride) for edge in shape)
    answer = np.zeros(size, np.float32)
    if not len(centers):
        return answer
    rows, columns = (np.arange(n) * stride + (field - 1) / 2 for n in size)
    positions = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    flat = answer.reshape(-1)
    shown = centers[~hidden]
    if len(shown):
        distance, _ = cKDTree(shown).query(positions)
        flat[distance < ignored_radius * diameter] = IGNORED
        flat[distance <= positive_radius * diameter] = 1
        away, nearest = cKDTree(positions).query(shown)
        flat[nearest[away <= stride]] = 1
    if hidden.any():
        distance, _ = cKDTree(centers[hidden]).query(positions)
        flat[(distance < 0.5 * diameter) & (flat == 0)] = IGNORED
    return answer
