"""Training tiles cut from micrographs, with PU targets on the network's stride."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch.utils.data import IterableDataset

from puclassify.classifier._precision import some_of
from puclassify.grid import mirror_index
from puclassify.picking._dense_scoring import map_length
from puclassify.picking._spline import sample_spline, spline_coefficients

__all__ = ["STEPS_PER_EPOCH", "TileBatches", "positions_of_labels"]

STEPS_PER_EPOCH = 40  # tile batches that make one epoch of the classifier's max_epochs
TILES_PER_STEP = 8
TILE_LENGTH = 24  # map positions along the edge of a tile
LARGEST_MAGNIFICATION = 1.05  # of a tile, and its inverse the smallest
_EXAMPLE_EDGE = 256  # pixels of a micrograph that show what the others are like


def positions_of_labels(labels, length, stride, radius, step=(1.0, 1.0)) -> np.ndarray:
    """Find the map positions of a tile that belong to labelled particles.

    Parameters
    ----------
    labels : ndarray of shape (k, 2)
        Row and column of the labels in pixels of the tile, from its first map position.
    length : (int, int)
        Map positions along the rows' and the columns' axis of the tile.
    stride : int
        Distance between map positions in pixels of the tile.
    radius : float
        Positions within this distance of a label (in stored pixels) belong to it; every label has
        at least its nearest position.
    step : (float, float), default=(1.0, 1.0)
        Stored pixels per pixel of the tile along the rows' and the columns' axis.

    Returns
    -------
    ndarray of bool of shape length
        True where a position belongs to a label.
    """
    positive = np.zeros(length, dtype=bool)
    if not len(labels):
        return positive
    spacing = stride * np.asarray(step, dtype=float)
    relative = labels / stride
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


class _Placement(NamedTuple):
    """Where a tile lies: ``centre + turn @ p`` for a pixel p counted from the tile's middle."""

    micrograph: int
    centre: np.ndarray  # row and column on the micrograph's grid
    turn: np.ndarray  # rotation, reflection and magnification, (2, 2)


class TileBatches(IterableDataset):
    """Batches of tiles: labelled particles wherever they fall, unlabelled positions at random.

    Half of the tiles of a batch hold a randomly chosen label at a random place; the others lie
    anywhere. Unlabelled positions are drawn from the latter only, every position of the micrographs
    equally often, so that they stand for the micrographs as they are and the class prior keeps its
    meaning. Particles lie in every direction, so every tile is reflected and turned by a random
    angle, and magnified by up to 5 per cent either way; beyond the borders a micrograph goes on as
    in a mirror.

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
        Unlabelled positions per batch, on average.
    rng : numpy Generator
        Draws tiles and positions.
    """

    def __init__(self, images, labels, *, field, stride, label_radius, n_unlabelled, rng):
        self.field, self.stride = field, stride
        self.label_radius = label_radius
        self.n_unlabelled = n_unlabelled
        self.n_labelled = TILES_PER_STEP // 2  # tiles that hold a label for sure, the first ones
        self.rng = rng
        self.coefficients = [torch.from_numpy(spline_coefficients(i.values)) for i in images]
        self.shapes = np.array([image.shape for image in images])
        self.steps = [image.step_xy[::-1] for image in images]
        self.labels = [image.to_grid(xy)[:, ::-1] for image, xy in zip(images, labels, strict=True)]
        self.label_index = np.array(
            [(m, k) for m, label in enumerate(self.labels) for k in range(len(label))]
        ).reshape(-1, 2)
        self.length = tuple(
            min(TILE_LENGTH, map_length(int(edge), stride)) for edge in self.shapes.max(axis=0)
        )
        self.span = (np.array(self.length) - 1) * stride  # from the first to the last position
        self.size = self.span + field  # pixels of a tile
        positions = [stride * np.arange(n) - span / 2 for n, span in zip(self.length, self.span)]
        self._positions = np.stack(np.meshgrid(*positions, indexing="ij"))
        # How much larger a tile can get on the grid by being turned, where steps are unequal.
        self._stretch = LARGEST_MAGNIFICATION * max(s.max() / s.min() for s in self.steps)
        # A tile may lie anywhere that lets one of its positions fall on the micrograph. The range
        # of its centre, and not the area of the micrograph, is what makes all positions alike.
        self._beyond = self._stretch * np.hypot(*self.span) / 2
        ranges = (self.shapes - 1 + 2 * self._beyond).prod(axis=1)
        self.weight = ranges / ranges.sum()
        self._share_inside = self.shapes.prod(axis=1).sum() / ranges.sum()
        pixels = [np.arange(n) - (n - 1) / 2 for n in self.size]
        self._tile = torch.from_numpy(np.stack(np.meshgrid(*pixels, indexing="ij"), -1)).float()
        corner = self._stretch * np.hypot(*(self.size - 1)) / 2
        self._reach = int(np.ceil(corner)) + 2  # two pixels more for the interpolation

    def __len__(self) -> int:
        return STEPS_PER_EPOCH

    def __iter__(self):
        for _ in range(STEPS_PER_EPOCH):
            yield self._batch()

    def example(self) -> torch.Tensor:
        """Return a corner of some micrographs, for what their values are like.

        Returns
        -------
        tensor of shape (n, 1, h, w)
            Their pixels, or nearly: the coefficients of the splines through them.
        """
        height, width = np.minimum(self.shapes.min(axis=0), _EXAMPLE_EDGE)
        chosen = [self.coefficients[m] for m in some_of(len(self.coefficients))]
        return torch.stack([values[None, :height, :width] for values in chosen])

    def _batch(self):
        placements = [self._place_at_label() for _ in range(self.n_labelled)]
        placements += [self._place_anywhere() for _ in range(TILES_PER_STEP - self.n_labelled)]
        unlabelled = self._draw_unlabelled(placements)
        positive = np.flatnonzero(np.stack([self._positive(place) for place in placements]))
        target = torch.zeros(len(positive) + len(unlabelled))
        target[: len(positive)] = 1
        index = torch.from_numpy(np.concatenate([positive, unlabelled]))
        return self._pixels(placements), {"index": index, "target": target}

    def _place_at_label(self) -> _Placement:
        micrograph, k = self.label_index[self.rng.integers(len(self.label_index))]
        turn = self._turn(micrograph)
        inside = self.span * (self.rng.random(2) - 0.5)
        return self._placement(micrograph, self.labels[micrograph][k] - turn @ inside, turn)

    def _place_anywhere(self) -> _Placement:
        micrograph = self.rng.choice(len(self.shapes), p=self.weight)
        last = self.shapes[micrograph] - 1
        centre = self.rng.uniform(-self._beyond, last + self._beyond)
        return self._placement(micrograph, centre, self._turn(micrograph))

    def _draw_unlabelled(self, placements) -> np.ndarray:
        """Draw positions from the tiles that lie anywhere, ``n_unlabelled`` of them on average.

        Those that fall beyond the borders are left out and not drawn again: that would favour the
        positions of tiles that reach beyond them.
        """
        n_drawn = round(self.n_unlabelled / self._share_inside)
        first = self.n_labelled
        while True:
            inside = np.stack([self._inside(place) for place in placements[first:]]).ravel()
            drawn = self.rng.integers(len(inside), size=n_drawn)
            drawn = drawn[inside[drawn]]
            if len(drawn):
                return first * int(np.prod(self.length)) + drawn
            placements[first:] = [self._place_anywhere() for _ in placements[first:]]

    def _inside(self, place: _Placement) -> np.ndarray:
        """Tell which positions of a tile lie on the micrograph."""
        where = place.centre[:, None, None] + np.tensordot(place.turn, self._positions, 1)
        last = self.shapes[place.micrograph][:, None, None] - 0.5
        return ((where >= -0.5) & (where <= last)).all(axis=0)

    def _placement(self, micrograph, centre, turn) -> _Placement:
        # The middle of an even number of pixels lies between two of them.
        half = (self.size - 1) / 2 % 1
        return _Placement(int(micrograph), np.rint(centre - half) + half, turn)

    def _turn(self, micrograph) -> np.ndarray:
        """Draw rotation, reflection and magnification, as they are in stored pixels."""
        angle = self.rng.uniform(0, 2 * np.pi)
        cosine, sine = np.cos(angle), np.sin(angle)
        largest = np.log(LARGEST_MAGNIFICATION)
        turn = np.array([[cosine, -sine], [sine, cosine]])
        turn = turn * np.exp(self.rng.uniform(-largest, largest))
        turn = turn @ np.diag([1, -1]) if self.rng.integers(2) else turn
        steps = self.steps[micrograph]
        return turn * steps / steps[:, None]

    def _positive(self, place: _Placement) -> np.ndarray:
        """Tell which map positions of a tile are positive."""
        away = self.labels[place.micrograph] - place.centre
        away = away[(np.abs(away) <= self._reach).all(axis=1)]
        on_tile = away @ np.linalg.inv(place.turn).T + self.span / 2
        return positions_of_labels(
            on_tile, self.length, self.stride, self.label_radius, self.steps[place.micrograph]
        )

    def _pixels(self, placements) -> torch.Tensor:
        """Cut the square around each tile and interpolate the tile's own pixels in it."""
        squares, positions = [], []
        for micrograph, centre, turn in placements:
            first = np.floor(centre).astype(int) - self._reach
            rows, columns = (
                torch.from_numpy(mirror_index(start + np.arange(2 * self._reach + 2), n))
                for start, n in zip(first, self.shapes[micrograph])
            )
            squares.append(self.coefficients[micrograph][rows[:, None], columns])
            matrix = torch.from_numpy(turn.T.astype(np.float32))
            middle = torch.from_numpy((centre - first).astype(np.float32))
            positions.append((self._tile @ matrix + middle).flip(-1))
        tiles = sample_spline(torch.stack(squares), torch.stack(positions))
        return tiles[:, None].contiguous(memory_format=torch.channels_last)
