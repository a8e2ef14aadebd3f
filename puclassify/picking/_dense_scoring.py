"""Score maps: a fully convolutional network run over a whole micrograph on its own stride."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from torch import nn

from puclassify.classifier._precision import autocast
from puclassify.grid import GridImage, mirror_index

__all__ = ["map_length", "pad_for_map", "score_map"]

_TILE = 384  # output positions along an edge of one forward pass: bounds memory


def map_length(length: int, stride: int) -> int:
    """Return how many positions ``0, stride, 2 * stride, ...`` lie on an axis."""
    return -(-length // stride)


def pad_for_map(values: np.ndarray, field: int, stride: int) -> np.ndarray:
    """Mirror an image beyond its edges so that its map starts at the first pixel and covers all.

    Parameters
    ----------
    values : ndarray of shape (height, width)
        The image.
    field, stride : int
        Receptive field and stride of the network.

    Returns
    -------
    ndarray of shape (height', width')
        The padded image. An unpadded network maps it to ``ceil(height / stride)`` by
        ``ceil(width / stride)`` logits, the first of them centred on ``values[0, 0]`` (half a pixel
        beside it for an even field).
    """
    before = (field - 1) // 2
    rows, columns = (
        mirror_index(
            np.arange(-before, (map_length(length, stride) - 1) * stride + field - before), length
        )
        for length in values.shape
    )
    return values[rows[:, None], columns]


def score_map(
    module: nn.Module,
    image: GridImage,
    *,
    device: torch.device,
    autocast_dtype: torch.dtype | None = None,
) -> GridImage:
    """Score every ``stride``-th position of a micrograph.

    Parameters
    ----------
    module : nn.Module
        Fully convolutional and unpadded, with ``receptive_field`` and ``stride``; in eval mode and
        on ``device``.
    image : GridImage of shape (height, width)
        The preprocessed micrograph.
    device : torch.device
        Where to compute.
    autocast_dtype : torch.dtype or None, default=None
        Precision of the forward pass; None is float32.

    Returns
    -------
    GridImage of shape (ceil(height / stride), ceil(width / stride)), float32
        Logits on the network's stride, laid over the same micrograph.

    Notes
    -----
    The strided map equals the network applied patch by patch at the same positions. Large
    micrographs are scored in overlapping tiles, which gives the same map.
    """
    field, stride = cast(int, module.receptive_field), cast(int, module.stride)
    padded = torch.from_numpy(
        np.ascontiguousarray(pad_for_map(image.values, field, stride), dtype=np.float32)
    ).to(device)
    height, width = (map_length(length, stride) for length in image.shape)
    scores = torch.empty(height, width, device=device)
    with torch.inference_mode(), autocast(device, autocast_dtype):
        for top in range(0, height, _TILE):
            for left in range(0, width, _TILE):
                bottom, right = min(top + _TILE, height), min(left + _TILE, width)
                tile = padded[
                    top * stride : (bottom - 1) * stride + field,
                    left * stride : (right - 1) * stride + field,
                ]
                tile = tile[None, None].contiguous(memory_format=torch.channels_last)
                scores[top:bottom, left:right] = module(tile)[0, 0].float()
    centre = (field - 1) / 2 - (field - 1) // 2  # half a pixel for an even field
    return image.with_values(scores.cpu().numpy(), step=stride, offset=centre)
