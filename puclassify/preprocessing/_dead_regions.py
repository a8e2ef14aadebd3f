"""Regions without an image: padding, and parts of a detector that were off or saturated."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage

from puclassify.preprocessing._block_grid import BlockGrid, thinned

__all__ = ["without_dead_regions"]


def without_dead_regions(values: torch.Tensor) -> torch.Tensor:
    """Set the pixels of regions that have one constant value to NaN.

    Parameters
    ----------
    values : Tensor of shape (height, width), float32
        An image.

    Returns
    -------
    Tensor of shape (height, width)
        The image itself if there is nothing to mark, else a copy.

    Notes
    -----
    A block, about 1/32 of the image's side, is dead if all its pixels are equal, unless their value
    is an ordinary gray level: one that makes up half the pixels of the blocks that do vary, such as
    the 0 of sparse counts. Dead pixels are those of the same value in or beside a dead block. An
    image in which nothing but constant regions would be left has none.

    Examples
    --------
    >>> import torch
    >>> from puclassify.preprocessing._dead_regions import without_dead_regions
    >>> image = 100 + torch.randn(64, 64, generator=torch.Generator().manual_seed(0))
    >>> image[:, :20] = 0.0
    >>> without_dead_regions(image).isnan().sum() == 64 * 20
    tensor(True)
    """
    some = thinned(values)
    grid = BlockGrid(some.shape)
    _, level, highest, _ = grid.describe(some)
    dead = level == highest
    if dead.any():
        varying = some[grid.to_pixels(~dead, some.device)]
        varying = varying[varying.isfinite()]
        if len(varying):
            # No value but the median can make up half of the pixels.
            ordinary = varying.median()
            if 2 * torch.count_nonzero(varying == ordinary) >= len(varying):
                dead &= level != ordinary.item()
        else:
            dead[:] = False
    if not dead.any():
        return values
    marked = _marked(values, level, dead)
    left = thinned(marked)
    left = left[left.isfinite()]
    return marked if len(left) and left.amin() < left.amax() else values


def _marked(values: torch.Tensor, level: np.ndarray, dead: np.ndarray) -> torch.Tensor:
    """Return a copy with NaN for the pixels in or beside a dead block that have its value."""
    distance, nearest = ndimage.distance_transform_cdt(~dead, "chessboard", return_indices=True)
    level = np.where(distance <= 1, level[tuple(nearest)], np.float32(np.nan))
    rows, columns = (np.arange(n) * n_blocks // n for n, n_blocks in zip(values.shape, dead.shape))
    columns = torch.from_numpy(columns).to(values.device)
    marked = values.clone()
    for row in np.flatnonzero((distance <= 1).any(axis=1)):
        strip = marked[slice(*np.searchsorted(rows, (row, row + 1)))]
        levels = torch.from_numpy(level[row]).to(values.device)[columns]
        strip.masked_fill_(strip == levels, np.nan)
    return marked
