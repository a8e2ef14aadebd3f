"""Scores averaged over the eight flips and quarter turns of a micrograph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from puclassify._devices import as_tensor, like
from puclassify.grid import GridImage, map_length

__all__ = ["symmetric_score_map"]


def symmetric_score_map(
    score: Callable[[GridImage], GridImage], image: GridImage, stride: int
) -> GridImage:
    """Return the mean of the score maps of an image in its eight orientations, turned back.

    A map begins at the first pixel. The image ends at the last position of its map, less than a
    stride before its last pixel, so that the maps of all orientations have the same positions.
    """
    pixels = as_tensor(image.values)
    height, width = ((map_length(n, stride) - 1) * stride + 1 for n in image.shape)
    pixels = pixels[:height, :width]
    maps = []
    for transposed in (False, True):
        for turns in range(4):
            view = torch.rot90(pixels.T if transposed else pixels, turns).contiguous()
            scored = score(replace(image, values=like(image.values, view))).values
            scores = torch.rot90(as_tensor(scored), -turns)
            maps.append(scores.T if transposed else scores)
    mean = torch.stack(maps).mean(dim=0)
    # A field of even size is centred half a pixel off, to all sides in turn: on average it is not.
    return image.with_values(like(scored, mean), step=stride)
