"""Forward passes of a network over single samples."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import nn

from puclassify._devices import autocast, threads_worth
from puclassify.classifier._samples import PixelSource

__all__ = [
    "blank_sample",
    "crop_to_field",
    "embed",
    "first_logits",
    "in_float64",
    "module_version",
    "run_in_batches",
]

_PIXELS_AT_ONCE = 4_000_000  # of a forward pass: bounds memory, whatever the image size
_SAMPLES_AT_ONCE = 4096


def crop_to_field(x: torch.Tensor, module: nn.Module) -> torch.Tensor:
    """Crop images (n, c, h, w) to the receptive field around their centre; refuse smaller ones."""
    field = getattr(module, "receptive_field", None)
    if field is None or x.ndim != 4:
        return x
    height, width = x.shape[-2:]
    if min(height, width) < field:
        raise ValueError(
            f"X holds images of {height} x {width} pixels but the module's receptive field is "
            f"{field}; use larger images, module='cnn' (any size), or a smaller network"
        )
    top, left = (height - field) // 2, (width - field) // 2
    return x[..., top : top + field, left : left + field]


def blank_sample(
    image_shape: tuple[int, ...], module: nn.Module, device: torch.device
) -> torch.Tensor:
    """Return a batch of one blank sample, as the network sees it."""
    return crop_to_field(torch.zeros(1, *image_shape, device=device), module)


def first_logits(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Return the logit of each sample (n,): the only one, or the first of its map."""
    return module(x).reshape(len(x), -1)[:, 0]


def embed(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Return the activations in front of the last layer."""
    if not hasattr(module, "features"):
        raise TypeError(
            f"module {type(module).__name__} has no attribute features, the part of it that "
            "makes embeddings: see puclassify.networks.FullyConvolutional"
        )
    return module.features(x)  # type: ignore[operator]


def in_float64(module: nn.Module) -> nn.Module:
    """Return a copy of a network in float64, the same one until the network changes."""
    version = module_version(module)
    known = _in_float64.get(module)
    if known is None or known[0] != version:
        known = _in_float64[module] = version, copy.deepcopy(module).double()
    return known[1]


_in_float64: WeakKeyDictionary[nn.Module, tuple[Any, nn.Module]] = WeakKeyDictionary()


def module_version(module: nn.Module) -> Any:
    """Return what changes with a network, which may be changed in place between predictions."""
    tensors = itertools.chain(module.parameters(), module.buffers())
    training = any(part.training for part in module.modules())
    return training, [(id(tensor), tensor._version, tensor.device) for tensor in tensors]


def run_in_batches(
    run: Callable[[nn.Module, torch.Tensor], torch.Tensor],
    module: nn.Module,
    source: PixelSource,
    *,
    device: torch.device,
    autocast_dtype: torch.dtype | None,
    rows: np.ndarray | None = None,
    dtype: torch.dtype = torch.float32,
) -> torch.Tensor:
    """Apply ``run(module, x)`` to samples in batches of bounded size; the result is on the CPU."""
    module = module.eval()
    n_samples = len(source) if rows is None else len(rows)
    n_pixels = int(np.prod(source.sample_shape))
    step = max(1, min(_SAMPLES_AT_ONCE, _PIXELS_AT_ONCE // n_pixels))
    results = []
    in_step = n_pixels * min(step, n_samples)
    with torch.inference_mode(), autocast(device, autocast_dtype), threads_worth(in_step):
        for start in range(0, n_samples, step):
            batch = slice(start, start + step)
            x = source.take(batch if rows is None else rows[batch])
            x = crop_to_field(x.to(device, dtype, non_blocking=True), module)
            results.append(run(module, x).to(dtype))
        return torch.cat(results).cpu()
