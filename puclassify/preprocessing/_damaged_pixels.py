"""Dead and hot pixels of a micrograph at its stored size, before a Fourier transform smears them.

Sound micrographs only pay for the extremes of pieces of their rows, taken while the rows lie in the
cache, and for a look at some pixels of every column.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from puclassify._devices import empty_image, take_rows
from puclassify.preprocessing._constant_lines import (
    constant_columns,
    dead_pieces,
    in_dead_columns,
    in_dead_rows,
    piece_length,
)
from puclassify.preprocessing._fill import Fill
from puclassify.preprocessing._gray_scale import GrayScale
from puclassify.preprocessing._hot_pixels import SUSPICIOUS, mark_hot_pixels

__all__ = ["Damage", "DamageScan"]


class DamageScan:
    """Looks for damage in the rows of an image while these are being processed."""

    def __init__(self, pixels: torch.Tensor, scale: GrayScale):
        self._pixels, self._scale = pixels, scale
        self._length = piece_length(pixels.shape[1])
        n_pieces = pixels.shape[1] // self._length
        self._lowest = torch.empty(len(pixels), n_pieces, device=pixels.device)
        self._highest = torch.empty_like(self._lowest)

    def see(self, first: int, rows: torch.Tensor) -> None:
        """Note the extremes of the deviations (n, width) of the rows from ``first`` on."""
        covered = self._length * self._lowest.shape[1]
        pieces = rows[:, :covered].unflatten(1, (-1, self._length))
        lowest, highest = pieces.amin(2), pieces.amax(2)
        if covered < rows.shape[1]:
            rest = rows[:, covered:]
            lowest[:, -1] = torch.minimum(lowest[:, -1], rest.amin(1))
            highest[:, -1] = torch.maximum(highest[:, -1], rest.amax(1))
        self._lowest[first : first + len(rows)] = lowest
        self._highest[first : first + len(rows)] = highest

    def damage(self) -> Damage | None:
        """Return what is wrong with the image, None if nothing is."""
        low, high = self._scale.limits(SUSPICIOUS)
        usual = (self._lowest >= low) & (self._highest <= high)  # not if NaN is among them
        varies = self._lowest != self._highest
        pixels, scale = self._pixels, self._scale
        columns = constant_columns(pixels, scale)
        some_constant, some_unusual, some_columns = torch.stack(
            [~varies.all(), ~usual.all(), columns.any()]
        ).tolist()
        if not (some_constant or some_unusual or some_columns):
            return None
        damaged = torch.from_numpy(np.zeros(pixels.shape, bool)).to(pixels.device)
        if some_unusual:
            self._mark_not_finite(damaged)
        levels = np.zeros(0, np.float32)
        if some_constant:
            lowest, constant = self._lowest.cpu().numpy(), (~varies).cpu().numpy()
            constant &= np.isfinite(lowest)
            found = dead_pieces(lowest, constant, columns.cpu().numpy(), pixels, scale)
            in_dead_rows(pixels, scale, lowest, found, damaged)
            levels = np.unique(lowest[found])
        in_dead_columns(pixels, scale, damaged)
        if some_unusual and scale.spread > 0:
            mark_hot_pixels(pixels, scale, usual.cpu().numpy(), self._length, levels, damaged)
        rows = damaged.any(dim=1)
        return Damage(pixels, scale, damaged) if rows.any() else None

    def _mark_not_finite(self, damaged: torch.Tensor) -> None:
        extremes = self._lowest.isfinite() & self._highest.isfinite()
        for row in torch.nonzero(~extremes.all(dim=1))[:, 0].split(256):
            damaged[row] = ~self._scale.deviations(take_rows(self._pixels, row)).isfinite()


class Damage:
    """The damaged pixels of an image, a mask (h, w), and what to put in their place."""

    def __init__(self, pixels: torch.Tensor, scale: GrayScale, damaged: torch.Tensor):
        self._pixels, self._scale = pixels, scale
        self.damaged = damaged
        self._fill = Fill(pixels, scale, damaged)

    def repaired_rows(self, n_rows: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield the indices of some damaged rows and their repaired deviations, until all are done.

        At most about ``n_rows`` are repaired together. The deviations may be overwritten.
        """
        width = self._pixels.shape[1]
        n_rows = max(Fill.SIDE, n_rows // Fill.SIDE * Fill.SIDE)
        buffer = empty_image((n_rows, width), self._pixels.device)
        which = self.damaged.any(dim=1)
        for first, of_chunk in zip(range(0, len(which), n_rows), which.split(n_rows), strict=True):
            if not of_chunk.any():
                continue
            # Whole bands of the cells that are filled with one value.
            bands = torch.nonzero(_banded(of_chunk, Fill.SIDE))[:, 0] + first
            values = take_rows(self._pixels, bands)
            values = self._scale.deviations(values, buffer[: len(bands)])
            self._fill.fill(values, self.damaged[bands], bands)
            changed = which[bands]
            yield bands[changed], values[changed]


def _banded(rows: torch.Tensor, side: int) -> torch.Tensor:
    """Return which rows are in a band of ``side`` rows with one that is marked."""
    padded = torch.nn.functional.pad(rows, (0, -len(rows) % side))
    return padded.view(-1, side).any(dim=1).repeat_interleave(side)[: len(rows)]
