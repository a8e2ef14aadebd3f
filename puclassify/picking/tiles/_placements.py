"""Where training tiles lie on their micrographs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["LARGEST_MAGNIFICATION", "Placements", "TilePlacer"]

LARGEST_MAGNIFICATION = 1.05  # of a tile, and its inverse the smallest


@dataclass(frozen=True)
class Placements:
    """Where tiles lie: at ``centre + turn @ p`` for a pixel p counted from a tile's middle.

    Parameters
    ----------
    micrograph : ndarray of int of shape (...)
        The micrograph of each tile.
    centre : ndarray of shape (..., 2)
        Row and column of its middle on the micrograph's grid.
    turn : ndarray of shape (..., 2, 2)
        Its rotation, reflection and magnification.
    """

    micrograph: np.ndarray
    centre: np.ndarray
    turn: np.ndarray

    def __getitem__(self, tiles) -> Placements:
        return Placements(self.micrograph[tiles], self.centre[tiles], self.turn[tiles])

    def __setitem__(self, tiles, others: Placements) -> None:
        self.micrograph[tiles] = others.micrograph
        self.centre[tiles] = others.centre
        self.turn[tiles] = others.turn

    @classmethod
    def concatenate(cls, parts, axis) -> Placements:
        """Join placements along an axis.

        Parameters
        ----------
        parts : list of Placements
            What to join.
        axis : int
            Along which axis.

        Returns
        -------
        Placements
            All of them.
        """
        return cls(
            np.concatenate([part.micrograph for part in parts], axis),
            np.concatenate([part.centre for part in parts], axis),
            np.concatenate([part.turn for part in parts], axis),
        )

    def flatten(self) -> Placements:
        """Return the placements one after the other.

        Returns
        -------
        Placements of shape (n,)
            All of them.
        """
        return Placements(
            self.micrograph.ravel(), self.centre.reshape(-1, 2), self.turn.reshape(-1, 2, 2)
        )

    def on_micrograph(self, points) -> np.ndarray:
        """Return where points of the tiles lie on their micrographs.

        Parameters
        ----------
        points : ndarray of shape (..., 2)
            A point of each tile, as row and column from its middle.

        Returns
        -------
        ndarray of shape (..., 2)
            Row and column on the micrograph's grid.
        """
        return self.centre + np.einsum("...ij,...j->...i", self.turn, points)


class TilePlacer:
    """Draws where tiles lie, many at a time.

    Parameters
    ----------
    shapes : ndarray of int of shape (n, 2)
        Heights and widths of the micrographs.
    steps : ndarray of shape (n, 2)
        Stored pixels per grid pixel along their rows' and their columns' axis.
    labels : list of n ndarrays of shape (k_i, 2)
        Row and column of the labels on the grids of their micrographs.
    span : (int, int)
        Grid pixels from a tile's first to its last position.
    size : (int, int)
        Height and width of a tile in pixels.
    rng : numpy Generator
        Draws.

    Attributes
    ----------
    stretch : float
        How much larger a tile can get on the grid by being turned and magnified.
    share_inside : float
        The share of the positions of tiles anywhere that lie on a micrograph.
    """

    def __init__(self, shapes, steps, labels, *, span, size, rng):
        self.shapes, self.steps = np.asarray(shapes), np.asarray(steps, dtype=float)
        self.span, self.size = np.asarray(span), np.asarray(size)
        self.rng = rng
        self._label = np.concatenate(labels)
        self._micrograph_of_label = np.repeat(np.arange(len(labels)), [len(xy) for xy in labels])
        uneven = self.steps.max(axis=1) / self.steps.min(axis=1)
        self.stretch = LARGEST_MAGNIFICATION * float(uneven.max())
        # A tile may lie anywhere that lets one of its positions fall on the micrograph. The range
        # of its centre, and not the area of the micrograph, is what makes all positions alike.
        self._beyond = self.stretch * np.hypot(*self.span) / 2
        ranges = (self.shapes - 1 + 2 * self._beyond).prod(axis=1)
        self._weight = ranges / ranges.sum()
        self.share_inside = float(self.shapes.prod(axis=1).sum() / ranges.sum())

    def at_labels(self, shape) -> Placements:
        """Place tiles so that each holds a randomly chosen label at a random place.

        Parameters
        ----------
        shape : tuple of int
            How many.

        Returns
        -------
        Placements of shape ``shape``
            The tiles.
        """
        label = self.rng.integers(len(self._label), size=shape)
        micrograph = self._micrograph_of_label[label]
        turn = self._turn(micrograph)
        on_tile = self.span * (self.rng.random((*shape, 2)) - 0.5)
        centre = self._label[label] - np.einsum("...ij,...j->...i", turn, on_tile)
        return Placements(micrograph, self._on_pixels(centre), turn)

    def anywhere(self, shape) -> Placements:
        """Place tiles anywhere, every position of the micrographs in equally many.

        Parameters
        ----------
        shape : tuple of int
            How many.

        Returns
        -------
        Placements of shape ``shape``
            The tiles.
        """
        micrograph = self.rng.choice(len(self.shapes), size=shape, p=self._weight)
        last = self.shapes[micrograph] - 1
        centre = self.rng.uniform(-self._beyond, last + self._beyond)
        return Placements(micrograph, self._on_pixels(centre), self._turn(micrograph))

    def inside(self, tiles: Placements, points) -> np.ndarray:
        """Tell whether points of tiles lie on the micrograph.

        Parameters
        ----------
        tiles : Placements of shape (...)
            The tiles.
        points : ndarray of shape (..., 2)
            A point of each, as row and column from its middle.

        Returns
        -------
        ndarray of bool of shape (...)
            Whether it does.
        """
        where = tiles.on_micrograph(points)
        return ((where >= -0.5) & (where <= self.shapes[tiles.micrograph] - 0.5)).all(axis=-1)

    def _on_pixels(self, centre) -> np.ndarray:
        """Round centres; the middle of an even number of pixels lies between two of them."""
        half = (self.size - 1) / 2 % 1
        return np.rint(centre - half) + half

    def _turn(self, micrograph) -> np.ndarray:
        """Draw rotation, reflection and magnification, as they are in stored pixels."""
        angle = self.rng.uniform(0, 2 * np.pi, size=micrograph.shape)
        largest = np.log(LARGEST_MAGNIFICATION)
        size = np.exp(self.rng.uniform(-largest, largest, size=micrograph.shape))
        side = size * self.rng.choice([-1.0, 1.0], size=micrograph.shape)
        cosine, sine = np.cos(angle), np.sin(angle)
        first, second = (size * cosine, size * sine), (-side * sine, side * cosine)
        turn = np.stack([np.stack(first, axis=-1), np.stack(second, axis=-1)], axis=-1)
        steps = self.steps[micrograph]
        return turn * steps[..., None, :] / steps[..., :, None]
