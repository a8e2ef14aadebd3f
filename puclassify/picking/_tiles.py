"""Training tiles cut from micrographs, with PU targets on the network's stride."""

from __future__ import annotations

import numpy as np
import torch
from torch.utils.data import IterableDataset

from puclassify.picking._dense_scoring import map_length, pad_for_map

__all__ = ["STEPS_PER_EPOCH", "TileBatches", "positions_of_labels"]

STEPS_PER_EPOCH = 40  # tile batches that make one epoch of the classifier's max_epochs
TILES_PER_STEP = 8
TILE_LENGTH = 24  # map positions along the edge of a tile


def positions_of_labels(labels, origin, length, stride, radius) -> np.ndarray:
    """Find the map positions of a tile that belong to labelled particles.

    Parameters
    ----------
    labels : ndarray of shape (k, 2)
        Row and column of the labels on the image's grid.
    origin : ndarray of shape (2,)
        Row and column, on the same grid, of the tile's first map position.
    length : (int, int)
        Map positions along the rows' and the columns' axis of the tile.
    stride : int
        Distance between map positions on the grid.
    radius : float
        Positions within this distance of a label (in grid pixels) belong to it; every label has at
        least its nearest position.

    Returns
    -------
    ndarray of bool of shape length
        True where a position belongs to a label.
    """
    positive = np.zeros(length, dtype=bool)
    if not len(labels):
        return positive
    relative = (labels - origin) / stride
    reach = int(np.ceil(radius / stride)) + 1
    window = np.arange(-reach, reach + 1)
    nearest = np.rint(relative).astype(int)
    rows = nearest[:, 0, None, None] + window[:, None]
    columns = nearest[:, 1, None, None] + window
    rows, columns = np.broadcast_arrays(rows, columns)
    distance = np.hypot(rows - relative[:, 0, None, None], columns - relative[:, 1, None, None])
    belongs = (distance * stride <= radius) | ((window[:, None] == 0) & (window == 0))
    inside = (rows >= 0) & (rows < length[0]) & (columns >= 0) & (columns < length[1])
    belongs &= inside
    positive[rows[belongs], columns[belongs]] = True
    return positive


class TileBatches(IterableDataset):
    """Batches of tiles: labelled particles wherever they fall, unlabelled positions at random.

    Half of the tiles of a batch hold a randomly chosen label at a random place; the others lie
    anywhere. Unlabelled positions are drawn from the latter only, uniformly, so that they stand for
    the micrographs as they are and the class prior keeps its meaning. Every tile is flipped and
    turned at random.

    Parameters
    ----------
    images : list of GridImage
        The preprocessed micrographs.
    labels : list of ndarray of shape (k_i, 2)
        Labelled centres as x, y in stored pixels.
    field, stride : int
        Receptive field and stride of the network.
    label_radius : float
        Positions within this distance of a label, in stored pixels, are positive.
    n_unlabelled : int
        Unlabelled positions per batch.
    rng : numpy Generator
        Draws tiles and positions.
    """

    def __init__(self, images, labels, *, field, stride, label_radius, n_unlabelled, rng):
        self.field, self.stride = field, stride
        self.n_unlabelled = n_unlabelled
        self.rng = rng
        self.images = [
            torch.from_numpy(np.ascontiguousarray(pad_for_map(image.values, field, stride)))
            for image in images
        ]
        self.shapes = np.array([image.shape for image in images])
        self.labels = [image.to_grid(xy)[:, ::-1] for image, xy in zip(images, labels, strict=True)]
        self.radii = [label_radius / float(np.mean(image.step_xy)) for image in images]
        self.label_index = np.array(
            [(m, k) for m, label in enumerate(self.labels) for k in range(len(label))]
        ).reshape(-1, 2)
        self.length = tuple(
            min(TILE_LENGTH, map_length(int(edge), stride)) for edge in self.shapes.min(axis=0)
        )
        area = self.shapes.prod(axis=1).astype(float)
        self.weight = area / area.sum()

    def __len__(self) -> int:
        return STEPS_PER_EPOCH

    def __iter__(self):
        for _ in range(STEPS_PER_EPOCH):
            yield self._batch()

    def _batch(self):
        n_labelled = TILES_PER_STEP // 2
        tiles, targets = [], []
        for k in range(TILES_PER_STEP):
            tile, positive = self._tile(at_label=k < n_labelled)
            tiles.append(tile)
            targets.append(positive)
        positive = np.flatnonzero(np.stack(targets))
        per_tile = self.length[0] * self.length[1]
        unlabelled = self.rng.integers(
            n_labelled * per_tile, TILES_PER_STEP * per_tile, size=self.n_unlabelled
        )
        index = torch.from_numpy(np.concatenate([positive, unlabelled]))
        target = torch.zeros(len(index))
        target[: len(positive)] = 1
        x = torch.stack(tiles)[:, None].contiguous(memory_format=torch.channels_last)
        return x, {"index": index, "target": target}

    def _tile(self, *, at_label: bool):
        """Cut one tile; returns its pixels and which of its map positions are positive."""
        span = (np.array(self.length) - 1) * self.stride
        if at_label:
            micrograph, k = self.label_index[self.rng.integers(len(self.label_index))]
            inside = self.rng.random(2) * span
            origin = np.rint(self.labels[micrograph][k] - inside).astype(int)
        else:
            micrograph = self.rng.choice(len(self.images), p=self.weight)
            origin = self.rng.integers(self._last_origin(micrograph) + 1)
        origin = np.clip(origin, 0, self._last_origin(micrograph))
        height, width = span + self.field
        tile = self.images[micrograph][
            origin[0] : origin[0] + height, origin[1] : origin[1] + width
        ]
        positive = positions_of_labels(
            self.labels[micrograph], origin, self.length, self.stride, self.radii[micrograph]
        )
        return self._turned(tile, positive)

    def _last_origin(self, micrograph: int) -> np.ndarray:
        """Largest row and column at which a tile still fits the padded micrograph."""
        padded = np.array(self.images[micrograph].shape)
        return padded - ((np.array(self.length) - 1) * self.stride + self.field)

    def _turned(self, tile, positive):
        """Flip and turn a tile and its targets alike; oblong tiles are not turned by a quarter."""
        square = self.length[0] == self.length[1]
        turns = int(self.rng.integers(4)) if square else 2 * int(self.rng.integers(2))
        tile, positive = torch.rot90(tile, turns), np.rot90(positive, turns)
        if self.rng.integers(2):
            tile, positive = tile.flip(1), positive[:, ::-1]
        return tile, positive
