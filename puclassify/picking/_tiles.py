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


def positions_of_labels(labels, origin, length, stride, radius, step=(1.0, 1.0)) -> np.ndarray:
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
        Positions within this distance of a label (in stored pixels) belong to it; every label has
        at least its nearest position.
    step : (float, float), default=(1.0, 1.0)
        Stored pixels per grid pixel along the rows' and the columns' axis.

    Returns
    -------
    ndarray of bool of shape length
        True where a position belongs to a label.
    """
    positive = np.zeros(length, dtype=bool)
    if not len(labels):
        return positive
    spacing = stride * np.asarray(step, dtype=float)
    relative = (labels - origin) / stride
    reach = int(np.ceil(radius / spacing.min())) + 1
    window = np.arange(-reach, reach + 1)
    nearest = np.rint(relative).astype(int)
    rows, columns = np.broadcast_arrays(
        nearest[:, 0, None, None] + window[:, None], nearest[:, 1, None, None] + window
    )
    distance = np.hypot(
        (rows - relative[:, 0, None, None]) * spacing[0],
        (columns - relative[:, 1, None, None]) * spacing[1],
    )
    belongs = (distance <= radius) | ((window[:, None] == 0) & (window == 0))
    inside = (rows >= 0) & (rows < length[0]) & (columns >= 0) & (columns < length[1])
    belongs &= inside
    positive[rows[belongs], columns[belongs]] = True
    return positive


class TileBatches(IterableDataset):
    """Batches of tiles: labelled particles wherever they fall, unlabelled positions at random.

    Half of the tiles of a batch hold a randomly chosen label at a random place; the others lie
    anywhere. Unlabelled positions are drawn from the latter only, every position of the micrographs
    equally often, so that they stand for the micrographs as they are and the class prior keeps its
    meaning. Every tile is flipped and turned at random.

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
            torch.from_numpy(
                np.ascontiguousarray(pad_for_map(image.values, field, stride), dtype=np.float32)
            )
            for image in images
        ]
        self.shapes = np.array([image.shape for image in images])
        self.steps = [image.step_xy[::-1] for image in images]
        self.label_radius = label_radius
        self.labels = [self._on_map(image, xy) for image, xy in zip(images, labels, strict=True)]
        self.label_index = np.array(
            [(m, k) for m, label in enumerate(self.labels) for k in range(len(label))]
        ).reshape(-1, 2)
        self.length = tuple(
            min(TILE_LENGTH, map_length(int(edge), stride)) for edge in self.shapes.min(axis=0)
        )
        area = self.shapes.prod(axis=1).astype(float)
        self.weight = area / area.sum()

    def _on_map(self, image, xy):
        """Row and column of labels on the grid; beyond the last map position they belong to it."""
        last = [(map_length(edge, self.stride) - 1) * self.stride for edge in image.shape]
        return np.clip(image.to_grid(xy)[:, ::-1], 0, last)

    def __len__(self) -> int:
        return STEPS_PER_EPOCH

    def __iter__(self):
        for _ in range(STEPS_PER_EPOCH):
            yield self._batch()

    def _batch(self):
        n_labelled = TILES_PER_STEP // 2
        parts = [self._tile(at_label=k < n_labelled) for k in range(TILES_PER_STEP)]
        tiles, positives, drawable = zip(*parts, strict=True)
        positive = np.flatnonzero(np.stack(positives))
        unlabelled = self.rng.choice(np.flatnonzero(np.stack(drawable)), size=self.n_unlabelled)
        index = torch.from_numpy(np.concatenate([positive, unlabelled]))
        target = torch.zeros(len(index))
        target[: len(positive)] = 1
        x = torch.stack(tiles)[:, None].contiguous(memory_format=torch.channels_last)
        return x, {"index": index, "target": target}

    def _tile(self, *, at_label: bool):
        """Cut one tile.

        Returns its pixels, which of its map positions are positive, and from which of them
        unlabelled ones may be drawn. A tile that lies anywhere may reach beyond the micrograph and
        is then moved inside; only the positions it had before may be drawn, else those near the
        edges would be drawn less often than the others.
        """
        span = (np.array(self.length) - 1) * self.stride
        if at_label:
            micrograph, k = self.label_index[self.rng.integers(len(self.label_index))]
            inside = self.rng.random(2) * span
            placed = np.rint(self.labels[micrograph][k] - inside).astype(int)
        else:
            micrograph = self.rng.choice(len(self.images), p=self.weight)
            placed = self.rng.integers(-span, self._last_origin(micrograph) + span + 1)
        origin = np.clip(placed, 0, self._last_origin(micrograph))
        height, width = span + self.field
        tile = self.images[micrograph][
            origin[0] : origin[0] + height, origin[1] : origin[1] + width
        ]
        positive = positions_of_labels(
            self.labels[micrograph],
            origin,
            self.length,
            self.stride,
            self.label_radius,
            self.steps[micrograph],
        )
        drawable = np.zeros(self.length, dtype=bool)
        if not at_label:
            rows, columns = (
                (first + self.stride * np.arange(n) >= start)
                & (first + self.stride * np.arange(n) <= start + extent)
                for first, n, start, extent in zip(origin, self.length, placed, span, strict=True)
            )
            drawable[np.ix_(rows, columns)] = True
        return self._turned(tile, positive, drawable, np.ptp(self.steps[micrograph]) == 0)

    def _last_origin(self, micrograph: int) -> np.ndarray:
        """Largest row and column at which a tile still fits the padded micrograph."""
        padded = np.array(self.images[micrograph].shape)
        return padded - ((np.array(self.length) - 1) * self.stride + self.field)

    def _turned(self, tile, positive, drawable, equal_steps):
        """Flip and turn a tile and its positions alike, by a quarter where the grid allows it."""
        square = self.length[0] == self.length[1] and equal_steps
        turns = int(self.rng.integers(4)) if square else 2 * int(self.rng.integers(2))
        tile = torch.rot90(tile, turns)
        positive, drawable = np.rot90(positive, turns), np.rot90(drawable, turns)
        if self.rng.integers(2):
            tile, positive, drawable = tile.flip(1), positive[:, ::-1], drawable[:, ::-1]
        return tile, positive, drawable
