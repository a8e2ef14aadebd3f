"""Single pixels, small clusters and lines of them, far outside the gray levels of an image."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from puclassify.preprocessing._gray_scale import GrayScale

__all__ = ["SUSPICIOUS", "mark_hot_pixels"]

SUSPICIOUS = 20.0  # spreads from the centre: no noise, but gold and carbon in smooth images
_IMPOSSIBLE = 50.0  # spreads from the centre: nothing that electrons show
_FAR = 5.0  # spreads from the centre: no noise either
_THICK = 4  # pixels along both axes, of something in the microscope
_EDGE = 4  # pixels around it that belong to it
_ROWS_AT_ONCE = 64


def mark_hot_pixels(
    pixels: torch.Tensor,
    scale: GrayScale,
    usual: np.ndarray,
    length: int,
    levels: np.ndarray,
    marked: torch.Tensor,
) -> None:
    """Mark the pixels (h, w) that are far outside and belong to nothing thick.

    Gold beads, crystals and carbon are thick: a square of 4 x 4 pixels lies outside the noise.
    ``usual`` says which pieces of rows, of this length, hold none; marked pixels are left out. Of
    thick things, those with one of the ``levels`` (k,) of dead regions are marked.
    """
    margin = 2 * _THICK + _EDGE
    dead_levels = torch.from_numpy(levels).to(pixels.device)
    for rows, columns in _boxes(~usual, length, pixels.shape):
        outer = tuple(
            slice(max(0, part.start - margin), min(n, part.stop + margin))
            for part, n in zip((rows, columns), pixels.shape, strict=True)
        )
        values = scale.deviations(pixels[outer])
        distance = torch.where(marked[outer], 0, (values - scale.centre).abs_() / scale.spread)
        hot = (distance > SUSPICIOUS) & ~_in_thick(distance > _FAR) | (distance > _IMPOSSIBLE)
        if len(levels):
            hot |= (distance > _FAR) & torch.isin(values, dead_levels)
        marked[outer] |= hot


def _boxes(unusual: np.ndarray, length: int, shape: Sequence[int]) -> Iterator[tuple[slice, slice]]:
    """Yield the rows and columns of boxes that hold all unusual pieces of rows."""
    last = unusual.shape[1] - 1
    for first in range(0, len(unusual), _ROWS_AT_ONCE):
        rows, pieces = np.nonzero(unusual[first : first + _ROWS_AT_ONCE])
        if len(rows):
            right = shape[1] if pieces.max() == last else (pieces.max() + 1) * length
            yield (
                slice(first + int(rows.min()), first + int(rows.max()) + 1),
                slice(int(pieces.min()) * length, int(right)),
            )


def _in_thick(far: torch.Tensor) -> torch.Tensor:
    """Return the pixels in or near a square of pixels that are all far outside."""
    sides = [min(_THICK, n) for n in far.shape]
    squares = _windows(far, sides, torch.logical_and)
    down, across = (side - 1 + _EDGE for side in sides)
    squares = torch.nn.functional.pad(squares, (across, across, down, down))
    return _windows(squares, [side + 2 * _EDGE for side in sides], torch.logical_or)


def _windows(mask: torch.Tensor, sides: Sequence[int], combine: Callable) -> torch.Tensor:
    """Combine the truth values of every window that fits into a mask."""
    for axis, side in enumerate(sides):
        reach = 1
        while reach < side:  # windows of this size are combined so far
            step = min(reach, side - reach)
            n = mask.shape[axis] - step
            mask = combine(mask.narrow(axis, 0, n), mask.narrow(axis, step, n))
            reach += step
    return mask
