"""Where training tiles lie on their micrographs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from puclassify.picking.tiles._augmentation import draw_turns, largest_stretch

__all__ = ["Placements", "TilePlacer"]


@dataclass(frozen=True)
class Placements:
    """Tiles at ``centre + turn @ p`` for a pixel p (row, column) counted from a tile's middle."""

    micrograph: np.ndarray  # (...), int: its index
    centre: np.ndarray  # (..., 2): row and column on the micrograph's grid
    turn: np.ndarray  # (..., 2, 2): the augmentation

    def __getitem__(self, tiles) -> Placements:
        return Placements(self.micrograph[tiles], self.centre[tiles], self.turn[tiles])

    def __setitem__(self, tiles, others: Placements) -> None:
        self.micrograph[tiles] = others.micrograph
        self.centre[tiles] = others.centre
        self.turn[tiles] = others.turn

    @classmethod
    def concatenate(cls, groups: Sequence[Placements], axis: int) -> Placements:
        """Join placements along an axis."""
        return cls(
            np.concatenate([tiles.micrograph for tiles in groups], axis),
            np.concatenate([tiles.centre for tiles in groups], axis),
            np.concatenate([tiles.turn for tiles in groups], axis),
        )

    def flatten(self) -> Placements:
        """Return the placements one after the other, in one axis."""
        return Placements(
            self.micrograph.ravel(), self.centre.reshape(-1, 2), self.turn.reshape(-1, 2, 2)
        )

    def on_micrograph(self, points: np.ndarray) -> np.ndarray:
        """Map a point of each tile, (..., 2) from its middle, to its micrograph's grid."""
        return self.centre + np.einsum("...ij,...j->...i", self.turn, points)


class TilePlacer:
    """Draws the places of tiles on n micrographs, many at a time, each with its augmentation.

    All pairs are (row, column). ``shapes`` (n, 2) are in grid pixels, ``steps`` (n, 2) in stored
    pixels per grid pixel, and ``labels`` are n arrays (k_i, 2) in pixels of the micrographs' grids.
    ``span`` are the grid pixels from a tile's first to its last map position, ``size`` its pixels.
    """

    def __init__(
        self,
        shapes: np.ndarray,
        steps: np.ndarray,
        labels: Sequence[np.ndarray],
        *,
        span: np.ndarray,
        size: np.ndarray,
        rng: np.random.Generator,
    ):
        self.shapes, self.steps = np.asarray(shapes), np.asarray(steps, dtype=float)
        self.span, self.size = np.asarray(span), np.asarray(size)
        self.rng = rng
        self._label = np.concatenate(labels)
        self._micrograph_of_label = np.repeat(np.arange(len(labels)), [len(xy) for xy in labels])
        self.stretch = largest_stretch(self.steps)
        # A tile may lie anywhere that lets one of its positions fall on the micrograph. The range
        # of its centre, and not the area of the micrograph, makes all positions equally frequent.
        self._beyond = self.stretch * np.hypot(*self.span) / 2
        ranges = (self.shapes - 1 + 2 * self._beyond).prod(axis=1)
        self._weight = ranges / ranges.sum()
        # Of the positions of tiles placed anywhere, the share that lies on a micrograph.
        self.share_inside = float(self.shapes.prod(axis=1).sum() / ranges.sum())

    def at_labels(self, shape: tuple[int, ...]) -> Placements:
        """Place tiles so that each holds a randomly chosen label at a random place."""
        label = self.rng.integers(len(self._label), size=shape)
        micrograph = self._micrograph_of_label[label]
        turn = draw_turns(self.steps[micrograph], self.rng)
        on_tile = self.span * (self.rng.random((*shape, 2)) - 0.5)
        centre = self._label[label] - np.einsum("...ij,...j->...i", turn, on_tile)
        return Placements(micrograph, self._on_pixels(centre), turn)

    def anywhere(self, shape: tuple[int, ...]) -> Placements:
        """Place tiles so that every position of the micrographs is in equally many."""
        micrograph = self.rng.choice(len(self.shapes), size=shape, p=self._weight)
        last = self.shapes[micrograph] - 1
        centre = self.rng.uniform(-self._beyond, last + self._beyond)
        turn = draw_turns(self.steps[micrograph], self.rng)
        return Placements(micrograph, self._on_pixels(centre), turn)

    def inside(self, tiles: Placements, points: np.ndarray) -> np.ndarray:
        """Return whether a point of each tile, (..., 2) from its middle, is on the micrograph."""
        where = tiles.on_micrograph(points)
        return ((where >= -0.5) & (where <= self.shapes[tiles.micrograph] - 0.5)).all(axis=-1)

    def _on_pixels(self, centre: np.ndarray) -> np.ndarray:
        """Round centres; the middle of an even number of pixels lies between two of them."""
        half = (self.size - 1) / 2 % 1
        return np.rint(centre - half) + half
