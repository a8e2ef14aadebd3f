"""Which map positions of training tiles belong to labelled particles."""

from __future__ import annotations

from itertools import chain

import numpy as np
from scipy.spatial import cKDTree

from puclassify.picking.tiles._placements import Placements

__all__ = ["LabelDiscs", "positions_of_labels"]


class LabelDiscs:
    """Finds the positions within the discs of labels, for many tiles at a time.

    Parameters
    ----------
    labels : list of n ndarrays of shape (k_i, 2)
        Row and column of the labels on the grids of their micrographs.
    steps : ndarray of shape (n, 2)
        Stored pixels per grid pixel along the rows' and the columns' axis of the micrographs.
    length : (int, int)
        Map positions along the rows' and the columns' axis of a tile.
    stride : int
        Distance between map positions in pixels of the tile.
    radius : float
        Positions within this distance of a label (in stored pixels) belong to it; every label has
        at least its nearest position.
    stretch : float
        How much larger a tile can get on a grid.
    """

    def __init__(self, labels, steps, *, length, stride, radius, stretch):
        self.steps = np.asarray(steps, dtype=float)
        self.length, self.stride, self.radius = length, stride, radius
        self.half_span = (np.asarray(length) - 1) * stride / 2
        margin = max(radius / self.steps.min(), stride)
        self._reach = stretch * (np.hypot(*self.half_span) + margin) + 1
        self._labels = np.concatenate(labels)
        micrograph = np.repeat(np.arange(len(labels)), [len(xy) for xy in labels])
        # One tree for all micrographs, which lie in layers too far apart to see one another.
        self._layer = 3 * self._reach
        self._tree = cKDTree(np.column_stack([self._labels, self._layer * micrograph]))

    def positive(self, tiles: Placements) -> np.ndarray:
        """Tell which map positions of tiles are positive.

        Parameters
        ----------
        tiles : Placements of shape (n,)
            The tiles.

        Returns
        -------
        ndarray of bool of shape (n, *length)
            True where a position belongs to a label.
        """
        centres = np.column_stack([tiles.centre, self._layer * tiles.micrograph])
        found = self._tree.query_ball_point(centres, self._reach, p=np.inf)
        n_found = [len(labels) for labels in found]
        label = np.fromiter(chain.from_iterable(found), dtype=np.intp, count=sum(n_found))
        tile = np.repeat(np.arange(len(found)), n_found)
        away = self._labels[label] - tiles.centre[tile]
        back = np.linalg.inv(tiles.turn)
        on_tile = np.einsum("kij,kj->ki", back[tile], away) + self.half_span
        return positions_of_labels(
            tile,
            on_tile,
            (len(found), *self.length),
            self.stride,
            self.radius,
            self.steps[tiles.micrograph[tile]],
        )


def positions_of_labels(tile, labels, shape, stride, radius, steps) -> np.ndarray:
    """Find the map positions of tiles that belong to labelled particles.

    Parameters
    ----------
    tile : ndarray of int of shape (k,)
        The tile that each label is on.
    labels : ndarray of shape (k, 2)
        Row and column of the labels in pixels of their tile, from its first map position.
    shape : (int, int, int)
        Number of tiles, and map positions along the rows' and the columns' axis of a tile.
    stride : int
        Distance between map positions in pixels of the tile.
    radius : float
        Positions within this distance of a label (in stored pixels) belong to it; every label has
        at least its nearest position.
    steps : ndarray of shape (k, 2)
        Stored pixels per pixel of the tile along the rows' and the columns' axis.

    Returns
    -------
    ndarray of bool of shape ``shape``
        True where a position belongs to a label.
    """
    positive = np.zeros(shape, dtype=bool)
    if not len(labels):
        return positive
    spacing = (stride * np.asarray(steps, dtype=float))[:, :, None, None]
    relative = (labels / stride)[:, :, None, None]
    reach = int(np.ceil(radius / spacing.min())) + 1
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
