"""A coarse grid of blocks over an image, used to separate large regions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch

__all__ = ["BlockGrid", "BlockStatistics", "thinned"]

_N_BLOCKS = 32 * 32
_SMALLEST_SIDE = 8  # pixels; the mean of fewer than about 64 pixels is mostly noise
_N_PIXELS = 1 << 20  # more do not improve the statistics


class BlockStatistics(NamedTuple):
    """Statistics of the pixels that are present in each block, in arrays of the grid's shape."""

    n_pixels: np.ndarray
    lowest: np.ndarray  # NaN in blocks without pixels
    highest: np.ndarray
    mean: np.ndarray  # after clipping; 0 in blocks without pixels


class BlockGrid:
    """Division of an image into about 32 x 32 nearly square blocks that cover all of it.

    Blocks are a fixed fraction of the image, not a fixed number of pixels, so that downsampling an
    image changes nothing. ``shape`` is the number of rows and columns of blocks, at least 1.
    """

    def __init__(self, shape: Sequence[int]):
        side = max(_SMALLEST_SIDE, np.sqrt(shape[0] * shape[1] / _N_BLOCKS))
        self.shape = tuple(max(1, round(n / side)) for n in shape)
        self._edges = [
            np.linspace(0, n, n_blocks + 1).astype(np.intp)
            for n, n_blocks in zip(shape, self.shape)
        ]

    def describe(
        self, pixels: torch.Tensor, low: float = -np.inf, high: float = np.inf
    ) -> BlockStatistics:
        """Return statistics of the pixels of every block, on the host; NaN marks missing pixels.

        Pixels are clipped to the limits for the mean. The last row and column of blocks that are
        one pixel shorter than others count twice.
        """
        pixels = self._evened(pixels)
        size = pixels.numel() // math.prod(self.shape)
        n_pixels = np.full(self.shape, size)
        lowest, highest, total = _to_host(
            self._reduced(torch.amin, pixels),
            self._reduced(torch.amax, pixels),
            self._reduced(torch.sum, pixels.clamp(low, high)),
        )
        if np.isnan(lowest).any():
            missing = pixels.isnan()
            n_pixels, lowest, highest, total = _to_host(
                self._reduced(torch.sum, (~missing).float()),
                self._reduced(torch.amin, pixels.masked_fill(missing, np.inf)),
                self._reduced(torch.amax, pixels.masked_fill(missing, -np.inf)),
                self._reduced(torch.sum, pixels.clamp(low, high).masked_fill_(missing, 0)),
            )
            lowest[n_pixels == 0] = highest[n_pixels == 0] = np.nan
        return BlockStatistics(n_pixels, lowest, highest, total / np.maximum(n_pixels, 1))

    def to_pixels(self, blocks: np.ndarray, device: torch.device | None = None) -> torch.Tensor:
        """Return an image with the value of its block at every pixel."""
        pixels = torch.from_numpy(np.ascontiguousarray(blocks)).to(device)
        for axis, edges in enumerate(self._edges):
            index = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
            pixels = pixels.index_select(axis, torch.from_numpy(index).to(device))
        return pixels

    def _evened(self, pixels: torch.Tensor) -> torch.Tensor:
        """Repeat the last row and column of smaller blocks to make all blocks the same size."""
        for axis, edges in enumerate(self._edges):
            sizes = np.diff(edges)[:, None]
            if sizes.min() < sizes.max():
                within = np.minimum(np.arange(sizes.max()), sizes - 1)
                index = torch.from_numpy((edges[:-1, None] + within).ravel())
                pixels = pixels.index_select(axis, index.to(pixels.device))
        return pixels

    def _reduced(self, function: Callable, evened: torch.Tensor) -> torch.Tensor:
        """Apply a reduction, such as ``torch.amin``, to the pixels of every block."""
        rows, columns = self.shape
        strips = function(evened.reshape(rows, -1, evened.shape[1]), dim=1)
        return function(strips.view(rows, columns, -1), dim=2)


def _to_host(*tensors: torch.Tensor) -> np.ndarray:
    """Copy the tables of several statistics in one transfer."""
    return torch.stack(tensors).cpu().numpy()


def thinned(values: torch.Tensor) -> torch.Tensor:
    """Return a view of every k-th pixel along both axes, about a million of them."""
    stride = max(1, int(np.ceil(np.sqrt(values.numel() / _N_PIXELS))))
    return values[::stride, ::stride]
