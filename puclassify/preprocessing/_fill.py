"""Filling missing pixels from those around them."""

from __future__ import annotations

import math

import torch

from puclassify.preprocessing._gray_scale import GrayScale

__all__ = ["Fill"]

_SHARE = 0.25  # of the pixels of a cell that must be present


class Fill:
    """Fills the missing pixels of an image (h, w) with the mean of those around them.

    That is the mean of the smallest cell, of 4 x 4, 16 x 16, ... pixels, of which enough are there;
    for the larger ones, a pixel of each cell of 4 x 4 stands for the others.
    """

    SIDE = 4  # of a cell, in cells of the level below

    def __init__(self, pixels: torch.Tensor, scale: GrayScale, missing: torch.Tensor):
        values = scale.deviations(pixels[:: self.SIDE, :: self.SIDE])
        present = ~missing[:: self.SIDE, :: self.SIDE]
        self._coarse = _means(torch.where(present, values, 0), present.float(), 1)

    def fill(self, values: torch.Tensor, missing: torch.Tensor, rows: torch.Tensor) -> None:
        """Fill deviations (n, w), in place, of bands of SIDE rows with these indices."""
        values.masked_fill_(missing, 0)
        counts = _pooled((~missing).float())
        means = _pooled(values) / counts.clamp(min=1)
        coarse = self._coarse[rows[:: self.SIDE] // self.SIDE]
        means = _enlarged(torch.where(counts >= _SHARE * self.SIDE**2, means, coarse), values.shape)
        values.copy_(torch.where(missing, means, values))


def _means(sums: torch.Tensor, counts: torch.Tensor, area: int) -> torch.Tensor:
    """Return for every cell the mean of the smallest cell around it that has enough pixels."""
    if sums.numel() == 1:
        return sums / counts.clamp(min=1)
    above_sums, above_counts = _pooled(sums), _pooled(counts)
    area *= Fill.SIDE**2
    means = above_sums / above_counts.clamp(min=1)
    enough = above_counts >= _SHARE * area
    if not enough.all():
        means = torch.where(enough, means, _means(above_sums, above_counts, area))
    return _enlarged(means, sums.shape)


def _pooled(cells: torch.Tensor) -> torch.Tensor:
    """Return the sums of 4 x 4 cells each; fewer at the end of an axis."""
    side = Fill.SIDE
    height, width = (math.ceil(n / side) for n in cells.shape)
    right, below = width * side - cells.shape[1], height * side - cells.shape[0]
    if right or below:
        cells = torch.nn.functional.pad(cells, (0, right, 0, below))
    return cells.view(height, side, -1).sum(1).view(height, width, side).sum(2)


def _enlarged(cells: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    cells = cells.repeat_interleave(Fill.SIDE, 0).repeat_interleave(Fill.SIDE, 1)
    return cells[: shape[0], : shape[1]]
