"""Regions without an image: padding, and parts of a detector that were off or saturated."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from puclassify.preprocessing._block_grid import BlockGrid, thinned

__all__ = ["without_dead_regions"]


def without_dead_regions(values: np.ndarray) -> np.ndarray:
    """Set the pixels of regions that have one constant value to NaN.

    Parameters
    ----------
    values : ndarray of shape (height, width), float
        An image.

    Returns
    -------
    ndarray of shape (height, width)
        The image itself if there is nothing to mark, else a copy.

    Notes
    -----
    A block, about 1/32 of the image's side, is dead if all its pixels are equal, unless their value
    is an ordinary gray level: one that makes up half the pixels of the blocks that do vary, such as
    the 0 of sparse counts. Dead pixels are those of the same value in or beside a dead block. An
    image in which nothing but constant regions would be left has none.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify.preprocessing._dead_regions import without_dead_regions
    >>> image = np.random.default_rng(0).normal(100.0, 5.0, (64, 64))
    >>> image[:, :20] = 0.0
    >>> np.isnan(without_dead_regions(image)).sum() == 64 * 20
    np.True_
    """
    some = thinned(values)
    grid = BlockGrid(some.shape)
    level = grid.reduce(np.fmin, some)
    dead = level == grid.reduce(np.fmax, some)
    if dead.any():
        varying = some[grid.to_pixels(~dead)]
        varying = varying[np.isfinite(varying)]
        # No value but the median can make up half of the pixels.
        ordinary = np.median(varying) if varying.size else np.nan
        if 2 * np.count_nonzero(varying == ordinary) >= varying.size:
            dead &= level != ordinary
    if not dead.any():
        return values
    marked = np.where(_in_dead_region(values, level, dead), np.float32(np.nan), values)
    left = thinned(marked)
    left = left[np.isfinite(left)]
    return marked if left.size and left.min() < left.max() else values


def _in_dead_region(values: np.ndarray, level: np.ndarray, dead: np.ndarray) -> np.ndarray:
    """Tell which pixels lie in or beside a dead block and have its value."""
    distance, nearest = ndimage.distance_transform_cdt(~dead, "chessboard", return_indices=True)
    level = np.where(distance <= 1, level[tuple(nearest)], np.nan)
    rows, columns = (np.arange(n) * n_blocks // n for n, n_blocks in zip(values.shape, dead.shape))
    return values == level[np.ix_(rows, columns)]
