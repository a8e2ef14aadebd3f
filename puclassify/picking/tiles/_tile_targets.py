"""Map positions of training tiles that belong to labelled particles."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import cKDTree

from puclassify.picking.tiles._placements import Placements

__all__ = ["LabelDiscs", "positions_of_labels"]


class LabelDiscs:
    """Finds the positions within the discs of labels on n micrographs, for many tiles at a time.

    All pairs are (row, column). ``labels`` are n arrays (k_i, 2) in pixels of the micrographs'
    grids, ``steps`` (n, 2) the stored pixels per grid pixel, ``length`` the map positions of a
    tile, ``stride`` the pixels between them. ``radius`` is in stored pixels, one for all
    micrographs or one for each; every label has at least its nearest position. ``stretch`` is how
    many times larger a tile can get on a grid.
    """

    def __init__(
        self,
        labels: Sequence[np.ndarray],
        steps: np.ndarray,
        *,
        length: tuple[int, ...],
        stride: int,
        radius: ArrayLike,
        stretch: float,
    ):
        self.steps = np.asarray(steps, dtype=float)
        self.length, self.stride = length, stride
        self.radius = np.broadcast_to(np.asarray(radius, dtype=float), len(labels))
        self.half_span = (np.asarray(length) - 1) * stride / 2
        margin = max((self.radius / self.steps.min(axis=1)).max(), stride)
        self._reach = stretch * (np.hypot(*self.half_span) + margin) + 1
        self._labels = np.concatenate(labels)
        micrograph = np.repeat(np.arange(len(labels)), [len(xy) for xy in labels])
        # One tree for all micrographs, in layers too far apart for a search to reach another.
        self._layer = 3 * self._reach
        self._tree = cKDTree(np.column_stack([self._labels, self._layer * micrograph]))

    def positive(self, tiles: Placements) -> np.ndarray:
        """Return whether each map position belongs to a label: bool (k, *length) for k tiles."""
        centres = np.column_stack([tiles.centre, self._layer * tiles.micrograph])
        labels_near = self._tree.query_ball_point(centres, self._reach, p=np.inf)
        n_near = [len(labels) for labels in labels_near]
        label = np.fromiter(chain.from_iterable(labels_near), dtype=np.intp, count=sum(n_near))
        tile = np.repeat(np.arange(len(n_near)), n_near)
        away = self._labels[label] - tiles.centre[tile]
        back = np.linalg.inv(tiles.turn)
        on_tile = np.einsum("kij,kj->ki", back[tile], away) + self.half_span
        micrograph = tiles.micrograph[tile]
        return positions_of_labels(
            tile,
            on_tile,
            (len(n_near), *self.length),
            self.stride,
            self.radius[micrograph],
            self.steps[micrograph],
        )


def positions_of_labels(
    tile: np.ndarray,
    labels: np.ndarray,
    shape: tuple[int, ...],
    stride: int,
    radius: np.ndarray,
    steps: np.ndarray,
) -> np.ndarray:
    """Return a bool array of ``shape`` (tiles, rows, columns): positions that belong to labels.

    Each of k labels lies on a ``tile`` (k,) at a row and column (k, 2) in pixels from the tile's
    first position, and owns the positions within its ``radius`` (k,) in stored pixels, at least
    the nearest. ``steps`` (k, 2) are the stored pixels per pixel of the tile.
    """
    positive = np.zeros(shape, dtype=bool)
    if not len(labels):
        return positive
    spacing = stride * np.asarray(steps, dtype=float)
    reach = int(np.ceil((radius / spacing.min(axis=1)).max())) + 1
    spacing, relative, radius = (
        values[..., None, None] for values in (spacing, labels / stride, radius)
    )
    window = np.arange(-reach, reach + 1)
    rows, columns = window[:, None], window[None, :]
    nearest = np.rint(relative).astype(int)
    i, j = np.broadcast_arrays(nearest[:, 0] + rows, nearest[:, 1] + columns)
    distance = np.hypot(
        (i - relative[:, 0]) * spacing[:, 0],
        (j - relative[:, 1]) * spacing[:, 1],
    )
    belongs = (distance <= radius) | ((rows == 0) & (columns == 0))
    belongs &= (i >= 0) & (i < shape[1]) & (j >= 0) & (j < shape[2])
    positive[np.broadcast_to(tile[:, None, None], i.shape)[belongs], i[belongs], j[belongs]] = True
    return positive
