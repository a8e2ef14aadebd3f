"""Run a fully convolutional network over a whole micrograph on its own stride."""

from __future__ import annotations

from itertools import pairwise
from typing import cast

import numpy as np
import torch
from torch import nn

from puclassify._devices import autocast
from puclassify.grid import GridImage, map_length, mirror_index

__all__ = ["mirrored_axis", "pad_for_map", "score_map"]


def mirrored_axis(length: int, field: int, stride: int) -> np.ndarray:
    """Return the indices of an axis' pixels, mirrored beyond its ends, that a whole map sees.

    An unpadded network maps an image of these pixels to ``ceil(length / stride)`` logits, the first
    of them centred on pixel 0 (half a pixel beside it for an even field).
    """
    before = (field - 1) // 2
    last = (map_length(length, stride) - 1) * stride + field - before
    return mirror_index(np.arange(-before, last), length)


def pad_for_map(values: np.ndarray, field: int, stride: int) -> np.ndarray:
    """Mirror an image beyond its edges so that its map starts at the first pixel and covers all."""
    rows, columns = (mirrored_axis(length, field, stride) for length in values.shape)
    return values[rows[:, None], columns]


def score_map(
    module: nn.Module,
    image: GridImage,
    *,
    device: torch.device,
    autocast_dtype: torch.dtype | None = None,
    tile: int | None = None,
) -> GridImage:
    """Score every ``stride``-th position of a micrograph.

    The module is fully convolutional, unpadded, in eval mode and on ``device``. ``tile`` is the
    number of map positions along an edge of one forward pass; None makes it a single one. The
    result, float32 logits of shape (ceil(height / stride), ceil(width / stride)) on the device,
    equals the network applied patch by patch. Tiles overlap by what a position sees beyond its
    stride, so that any tiling gives the same map.
    """
    field, stride = cast(int, module.receptive_field), cast(int, module.stride)
    pixels = _on_device(image.values, device)
    height, width = (map_length(length, stride) for length in image.shape)
    rows, columns = (
        torch.from_numpy(mirrored_axis(length, field, stride)).to(device) for length in image.shape
    )
    scores = torch.empty(height, width, device=device)
    with torch.inference_mode(), autocast(device, autocast_dtype):
        for top, bottom in _parts(height, tile):
            strip = pixels.index_select(0, rows[top * stride : (bottom - 1) * stride + field])
            for left, right in _parts(width, tile):
                window = columns[left * stride : (right - 1) * stride + field]
                block = strip.index_select(1, window)[None, None]
                block = block.contiguous(memory_format=torch.channels_last)
                scores[top:bottom, left:right] = module(block)[0, 0].float()
    centre = (field - 1) / 2 - (field - 1) // 2  # half a pixel for an even field
    return image.with_values(scores, step=stride, offset=centre)


def _on_device(values, device: torch.device) -> torch.Tensor:
    if not isinstance(values, torch.Tensor):
        values = torch.from_numpy(np.require(values, np.float32, ["C", "W"]))
    return values.to(device, torch.float32, non_blocking=True)


def _parts(length: int, largest: int | None):
    """Return the ends of nearly equal parts of an axis, none longer than the largest."""
    n_parts = -(-length // largest) if largest else 1
    edges = [length * part // n_parts for part in range(n_parts + 1)]
    return pairwise(edges)
