"""A coarse grid of blocks over an image, on which large regions are told apart."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

__all__ = ["BlockGrid", "thinned"]

_N_BLOCKS = 32 * 32
_SMALLEST_SIDE = 8  # pixels; the mean of fewer than about 64 pixels is mostly noise
_N_PIXELS = 1 << 20  # statistics do not get better from more


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
    >>> import numpy as np
    >>> from puclassify.preprocessing._block_grid import BlockGrid
    >>> grid = BlockGrid((16, 24))
    >>> grid.shape
    (2, 3)
    >>> grid.reduce(np.add, np.ones((16, 24)))
    array([[64., 64., 64.],
           [64., 64., 64.]])
    """

    def __init__(self, shape):
        side = max(_SMALLEST_SIDE, np.sqrt(shape[0] * shape[1] / _N_BLOCKS))
        self.shape = tuple(max(1, round(n / side)) for n in shape)
        self._edges = [
            np.linspace(0, n, n_blocks + 1).astype(np.intp)
            for n, n_blocks in zip(shape, self.shape)
        ]

    def reduce(self, function: np.ufunc, values: np.ndarray) -> np.ndarray:
        """Apply ``np.add``, ``np.minimum`` or the like to the pixels of every block.

        Parameters
        ----------
        function : ufunc
            A function of two arguments.
        values : ndarray of shape (height, width)
            The image.

        Returns
        -------
        ndarray of the grid's shape
            One value for every block.
        """
        rows, columns = self._edges
        # Along the first axis this is ten times as fast as reduceat.
        strips = [function.reduce(values[a:b], axis=0) for a, b in pairwise(rows)]
        return function.reduceat(np.stack(strips), columns[:-1], axis=1)

    def to_pixels(self, blocks: np.ndarray) -> np.ndarray:
        """Give every pixel the value of its block.

        Parameters
        ----------
        blocks : ndarray of the grid's shape
            One value for every block.

        Returns
        -------
        ndarray of shape (height, width)
            The same, one for every pixel.
        """
        rows, columns = (np.diff(edges) for edges in self._edges)
        return np.repeat(np.repeat(blocks, columns, axis=1), rows, axis=0)


def thinned(values: np.ndarray) -> np.ndarray:
    """Take every k-th pixel along both axes, so that about a million are left.

    Parameters
    ----------
    values : ndarray of shape (height, width)
        The image.

    Returns
    -------
    ndarray of at most 2**20 pixels
        A view of the image.
    """
    stride = max(1, int(np.ceil(np.sqrt(values.size / _N_PIXELS))))
    return values[::stride, ::stride]
