"""A coarse grid of blocks over an image, on which large regions are told apart."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch

__all__ = ["BlockGrid", "BlockStatistics", "thinned"]

_N_BLOCKS = 32 * 32
_SMALLEST_SIDE = 8  # pixels; the mean of fewer than about 64 pixels is mostly noise
_N_PIXELS = 1 << 20  # statistics do not get better from more


class BlockStatistics(NamedTuple):
    """What the pixels of every block are like, without those that are missing.

    Parameters
    ----------
    n_pixels : ndarray of the grid's shape
        How many there are.
    lowest, highest : ndarray of the grid's shape
        Their extremes; NaN in blocks without any.
    mean : ndarray of the grid's shape
        Their mean after clipping; 0 in blocks without any.
    """

    n_pixels: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    mean: np.ndarray


class BlockGrid:
    """Division of an image into about 32 x 32 nearly square blocks that cover all of it.

    Blocks are a fixed part of the image, not a fixed number of pixels, so that downsampling an
    image changes nothing.

    Parameters
    ----------
    shape : (int, int)
        Height and width of the image in pixels.

    Attributes
    ----------
    shape : (int, int)
        Number of rows and columns of blocks, at least 1.

    Examples
    --------
    >>> import torch
    >>> from puclassify.preprocessing._block_grid import BlockGrid
    >>> grid = BlockGrid((16, 24))
    >>> grid.shape
    (2, 3)
    >>> grid.describe(torch.arange(24.0).expand(16, 24)).mean
    array([[ 3.5, 11.5, 19.5],
           [ 3.5, 11.5, 19.5]])
    """

    def __init__(self, shape):
        side = max(_SMALLEST_SIDE, np.sqrt(shape[0] * shape[1] / _N_BLOCKS))
        self.shape = tuple(max(1, round(n / side)) for n in shape)
        self._edges = [
            np.linspace(0, n, n_blocks + 1).astype(np.intp)
            for n, n_blocks in zip(shape, self.shape)
        ]

    def describe(self, pixels: torch.Tensor, low=-np.inf, high=np.inf) -> BlockStatistics:
        """Describe the pixels of every block by a few numbers, which come to the host.

        Parameters
        ----------
        pixels : Tensor of shape (height, width), float32
            The image; NaN marks missing pixels.
        low, high : float
            Limits to which pixels are clipped for the mean.

        Returns
        -------
        BlockStatistics
            The numbers. The last row and column of blocks that are one pixel shorter than others
            count twice.
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

    def to_pixels(self, blocks: np.ndarray, device=None) -> torch.Tensor:
        """Give every pixel the value of its block.

        Parameters
        ----------
        blocks : ndarray of the grid's shape
            One value for every block.
        device : torch.device or None, default=None
            Where the pixels are wanted; None is the CPU.

        Returns
        -------
        Tensor of shape (height, width)
            The same, one for every pixel.
        """
        pixels = torch.from_numpy(np.ascontiguousarray(blocks)).to(device)
        for axis, edges in enumerate(self._edges):
            index = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
            pixels = pixels.index_select(axis, torch.from_numpy(index).to(device))
        return pixels

    def _evened(self, pixels: torch.Tensor) -> torch.Tensor:
        """Repeat the last row and column of smaller blocks, so that all are of one size."""
        for axis, edges in enumerate(self._edges):
            sizes = np.diff(edges)[:, None]
            if sizes.min() < sizes.max():
                within = np.minimum(np.arange(sizes.max()), sizes - 1)
                index = torch.from_numpy((edges[:-1, None] + within).ravel())
                pixels = pixels.index_select(axis, index.to(pixels.device))
        return pixels

    def _reduced(self, function, evened: torch.Tensor) -> torch.Tensor:
        """Apply ``torch.sum``, ``torch.amin`` or the like to the pixels of every block."""
        rows, columns = self.shape
        strips = function(evened.reshape(rows, -1, evened.shape[1]), dim=1)
        return function(strips.view(rows, columns, -1), dim=2)


def _to_host(*tensors: torch.Tensor) -> np.ndarray:
    """Copy the tables of several statistics in one go."""
    return torch.stack(tensors).cpu().numpy()


def thinned(values: torch.Tensor) -> torch.Tensor:
    """Take every k-th pixel along both axes, so that about a million are left.

    Parameters
    ----------
    values : Tensor of shape (height, width)
        The image.

    Returns
    -------
    Tensor of at most 2**20 pixels
        A view of the image.
    """
    stride = max(1, int(np.ceil(np.sqrt(values.numel() / _N_PIXELS))))
    return values[::stride, ::stride]
