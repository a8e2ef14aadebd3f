"""Batches of augmented training tiles, cut from micrographs, with PU targets on the stride."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch.utils.data import IterableDataset

from puclassify._devices import evenly_spaced
from puclassify.grid import GridImage, map_length, mirror_index
from puclassify.picking.tiles._placements import Placements, TilePlacer
from puclassify.picking.tiles._spline import sample_spline
from puclassify.picking.tiles._spline_store import SplineStore
from puclassify.picking.tiles._tile_targets import LabelDiscs

__all__ = ["STEPS_PER_EPOCH", "TileBatches"]

STEPS_PER_EPOCH = 40  # batches of tiles in one epoch of the classifier's max_epochs
TILES_PER_STEP = 8
TILE_LENGTH = 24  # map positions along the edge of a tile
_EXAMPLE_EDGE = 256  # pixels: a corner that shows what the values of a micrograph are like


class TileBatches(IterableDataset):
    """Batches of tiles: labelled particles wherever they fall, unlabelled positions at random.

    Half of the tiles of a batch hold a randomly chosen label at a random place; the others lie
    anywhere. Unlabelled positions are drawn from the latter only, every position of the micrographs
    equally often, so that they represent the micrographs and the class prior keeps its meaning.
    Augmentation: particles lie in every direction, so every tile is reflected or not, turned by a
    random angle, and magnified by up to 5 per cent either way (``_augmentation.py``). Beyond its
    borders a micrograph continues as in a mirror.

    ``labels`` are arrays (k_i, 2) of x, y in stored pixels. Positions within ``label_radius`` of a
    label, in stored pixels (one for all micrographs or one for each), are positive.
    ``n_unlabelled`` positions are drawn for a batch, on average. Batches are made on ``device``.

    All tiles of an epoch are placed, and their targets computed, at its beginning: everything that
    a batch needs is then on the device, and sizes are known without asking it.
    """

    def __init__(
        self,
        images: Sequence[GridImage],
        labels: Sequence[np.ndarray],
        *,
        field: int,
        stride: int,
        label_radius: ArrayLike,
        n_unlabelled: int,
        rng: np.random.Generator,
        device: torch.device | str = "cpu",
        steps_per_epoch: int = STEPS_PER_EPOCH,
    ):
        self.stride = stride
        self.n_unlabelled = n_unlabelled
        self.n_labelled = TILES_PER_STEP // 2  # tiles at labels, the first of a batch
        self.steps_per_epoch = steps_per_epoch
        self.rng = rng
        self.device = torch.device(device)
        self.store = SplineStore(images, self.device)
        self.shapes = np.array([image.shape for image in images])
        steps = np.array([image.step_xy[::-1] for image in images])
        labels = [image.to_grid(xy)[:, ::-1] for image, xy in zip(images, labels, strict=True)]
        self.length = tuple(
            min(TILE_LENGTH, map_length(int(edge), stride)) for edge in self.shapes.max(axis=0)
        )
        span = (np.array(self.length) - 1) * stride  # from the first to the last position
        self.size = span + field  # pixels of a tile
        self.n_pixels = TILES_PER_STEP * int(np.prod(self.size))
        self.placer = TilePlacer(self.shapes, steps, labels, span=span, size=self.size, rng=rng)
        stretch = self.placer.stretch
        self.discs = LabelDiscs(
            labels, steps, length=self.length, stride=stride, radius=label_radius, stretch=stretch
        )
        positions = [stride * np.arange(n) - s / 2 for n, s in zip(self.length, span)]
        self.positions = np.stack(np.meshgrid(*positions, indexing="ij"), -1).reshape(-1, 2)
        # Two pixels beyond the corners, for the interpolation.
        self._reach = int(np.ceil(stretch * np.hypot(*(self.size - 1)) / 2)) + 2

    def __len__(self) -> int:
        return self.steps_per_epoch

    def __iter__(self) -> Iterator[tuple[torch.Tensor, dict[str, torch.Tensor]]]:
        tiles, drawn, inside = self._place(self.steps_per_epoch)
        graded, targets, sizes = self._targets(tiles, drawn, inside)
        graded, targets = (_to(self.device, values).split(sizes) for values in (graded, targets))
        for x, index, target in zip(self._cut(tiles), graded, targets, strict=True):
            yield x, {"index": index, "target": target}

    def example(self) -> torch.Tensor:
        """Return a corner of some micrographs (n, 1, h, w) on the CPU, to see their values.

        These are the coefficients of the splines through the pixels, which differ little from them.
        """
        height, width = np.minimum(self.shapes.min(axis=0), _EXAMPLE_EDGE)
        chosen = [self.store.values[m] for m in evenly_spaced(len(self.shapes))]
        return torch.stack([values[None, :height, :width].cpu() for values in chosen])

    def _place(self, n_steps: int) -> tuple[Placements, np.ndarray, np.ndarray]:
        """Place the tiles of some steps, and draw unlabelled positions of the tiles anywhere.

        Returns the tiles (n_steps, TILES_PER_STEP), the positions drawn among those of their step
        (n_steps, n_drawn), and which of them to use: ``n_unlabelled`` on average, at least one in
        a step. Those beyond the borders are left out and not drawn again, which would favour the
        positions of tiles that reach beyond the borders.
        """
        n_anywhere = TILES_PER_STEP - self.n_labelled
        anywhere = self.placer.anywhere((n_steps, n_anywhere))
        drawn, inside = self._draw_unlabelled(anywhere)
        while len(empty := np.flatnonzero(~inside.any(axis=1))):
            anywhere[empty] = self.placer.anywhere((len(empty), n_anywhere))
            drawn[empty], inside[empty] = self._draw_unlabelled(anywhere[empty])
        at_labels = self.placer.at_labels((n_steps, self.n_labelled))
        tiles = Placements.concatenate([at_labels, anywhere], axis=1)
        return tiles, self.n_labelled * len(self.positions) + drawn, inside

    def _draw_unlabelled(self, anywhere: Placements) -> tuple[np.ndarray, np.ndarray]:
        n_steps, n_tiles = anywhere.micrograph.shape
        n_drawn = round(self.n_unlabelled / self.placer.share_inside)
        drawn = self.rng.integers(n_tiles * len(self.positions), size=(n_steps, n_drawn))
        tile, position = np.divmod(drawn, len(self.positions))
        of_tile = anywhere[np.arange(n_steps)[:, None], tile]
        return drawn, self.placer.inside(of_tile, self.positions[position])

    def _targets(
        self, tiles: Placements, drawn: np.ndarray, inside: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, list[int]]:
        """Return what is graded, step after step: first all positives, then the unlabelled.

        That is the index of each graded position among those of its step's tiles, its target (1
        for the positives), and the number of graded positions in each step.
        """
        positive = self.discs.positive(tiles.flatten()).reshape(len(inside), -1)
        in_step, index = np.nonzero(positive)
        step = np.concatenate([in_step, np.nonzero(inside)[0]])
        target = (np.arange(len(step)) < len(index)).astype(np.float32)
        index = np.concatenate([index, drawn[inside]])
        in_turn = np.argsort(step, kind="stable")
        return index[in_turn], target[in_turn], np.bincount(step).tolist()

    def _cut(self, tiles: Placements) -> Iterator[torch.Tensor]:
        """Cut the square around each tile and interpolate the tile's own pixels in it."""
        first = np.floor(tiles.centre).astype(int) - self._reach
        rows, columns = (
            mirror_index(
                first[..., axis, None] + np.arange(2 * self._reach + 2),
                self.shapes[tiles.micrograph][..., axis, None],
            )
            for axis in (0, 1)
        )
        left = columns.min(axis=-1)
        cut = (_to(self.store.device, index) for index in (rows, columns - left[..., None]))
        height, width = (np.arange(n) - (n - 1) / 2 for n in self.size)
        # A pixel's place in the square is the sum of a vector for its row and one for its column;
        # column before row, as the interpolation expects them.
        turn = tiles.turn[..., ::-1, :]
        along = turn[..., 0, None] * height + (tiles.centre - first)[..., ::-1, None]
        across = turn[..., 1, None] * width
        along, across = (
            _to(self.device, np.moveaxis(vectors, 2, 1).astype(np.float32))
            for vectors in (along, across)
        )
        for step, where in enumerate(zip(tiles.micrograph.tolist(), left.tolist(), *cut)):
            squares = self.store.squares(*where)
            positions = along[step][..., :, None] + across[step][..., None, :]
            x = sample_spline(_to(self.device, squares), positions)
            yield x[:, None].contiguous(memory_format=torch.channels_last)


def _to(device: torch.device, values: np.ndarray | torch.Tensor) -> torch.Tensor:
    """Copy an array or a tensor to a device, without waiting for the device."""
    values = torch.as_tensor(values)
    if device.type == "cuda" and values.device.type == "cpu":
        values = values.pin_memory()
    return values.to(device, non_blocking=True)
