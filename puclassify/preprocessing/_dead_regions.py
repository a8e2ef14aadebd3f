"""Dead regions: padding, and areas of a detector that were off or saturated."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage

from puclassify.preprocessing._block_grid import BlockGrid, thinned

__all__ = ["without_dead_regions"]


def without_dead_regions(values: torch.Tensor) -> torch.Tensor:
    """Set the pixels of regions of one constant value to NaN, in a copy if there are any.

    A block, about 1/32 of the image's side, is dead if all its pixels are equal, unless their value
    is an ordinary gray level: one that makes up half the pixels of the blocks that do vary, such as
    the 0 of sparse counts. Dead pixels are those of the same value in or beside a dead block. If
    only constant regions would remain, nothing is marked.
    """
    sample = thinned(values)
    grid = BlockGrid(sample.shape)
    _, level, highest, _ = grid.describe(sample)
    dead = level == highest
    if dead.any():
        varying = sample[grid.to_pixels(~dead, sample.device)]
        varying = varying[varying.isfinite()]
        if len(varying):
            # Only the median can make up half of the pixels.
            ordinary = varying.median()
            if 2 * torch.count_nonzero(varying == ordinary) >= len(varying):
                dead &= level != ordinary.item()
        else:
            dead[:] = False
    if not dead.any():
        return values
    marked = _marked(values, level, dead)
    rest = thinned(marked)
    rest = rest[rest.isfinite()]
    return marked if len(rest) and rest.amin() < rest.amax() else values


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
