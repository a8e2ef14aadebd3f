"""How much of a micrograph is scored in one forward pass."""

from __future__ import annotations

import copy
from typing import cast

import torch
from torch import nn

from puclassify._devices import free_memory
from puclassify._parameters import is_number

__all__ = ["check_memory_budget", "default_memory_budget", "tile_length"]

_SHARE_OF_FREE = {"cpu": 0.25, "cuda": 0.5}
# Larger tiles are no faster; on a CPU they leave its caches and are slower.
_ENOUGH = {"cpu": 128 * 2**20, "cuda": 4 * 2**30}
_LARGEST_TILE = 4096
_PASS_ON = (nn.Identity, nn.Dropout, nn.Dropout2d)  # they return their input in eval mode
_FALLBACK_BYTES = 1 << 15  # for a map position of a network whose layers cannot be run without data


def check_memory_budget(value: float | str) -> None:
    """Refuse a ``memory_budget`` that is neither a positive number of bytes nor "auto"."""
    if isinstance(value, str) and value == "auto":
        return
    if not is_number(value) or not value > 0:  # type: ignore[operator]
        raise ValueError(
            f'memory_budget must be a positive number of bytes or "auto", got {value!r}; '
            "memory_budget=512e6 lets a forward pass take half a gigabyte"
        )


def default_memory_budget(device: torch.device) -> int:
    """Return the bytes that the activations of one forward pass may take on a device.

    That is a quarter of the free main memory, at most 128 MiB, or half of the free memory of a GPU,
    at most 4 GiB.
    """
    kind = "cuda" if device.type == "cuda" else "cpu"
    return int(min(_ENOUGH[kind], _SHARE_OF_FREE[kind] * free_memory(device)))


def tile_length(module: nn.Module, budget: float, dtype: torch.dtype = torch.float32) -> int:
    """Return how many map positions along an edge one forward pass gives within a budget in bytes.

    The outputs of all layers are added up, as if none were freed before the end of the pass: a
    bound of two to four times the peak, which leaves room for what convolutions need inside.
    """
    field, stride = cast(int, module.receptive_field), cast(int, module.stride)
    try:
        shadow = copy.deepcopy(module).to("meta")
        _activation_bytes(shadow, field)
    except Exception:  # a user's module that does more than layers can do without data
        return max(1, min(_LARGEST_TILE, int((budget / _FALLBACK_BYTES) ** 0.5)))
    share = torch.finfo(dtype).bits / 32
    low, high = 1, _LARGEST_TILE
    while low < high:
        middle = (low + high + 1) // 2
        if share * _activation_bytes(shadow, (middle - 1) * stride + field) <= budget:
            low = middle
        else:
            high = middle - 1
    return low


def _activation_bytes(shadow: nn.Module, edge: int) -> int:
    """Add up the outputs of all layers for a square input, in bytes of float32."""
    total = 0

    def count(layer, inputs, output):
        nonlocal total
        gives_its_input = getattr(layer, "inplace", False) or isinstance(layer, _PASS_ON)
        if not gives_its_input and isinstance(output, torch.Tensor):
            total += 4 * output.numel()

    hooks = [
        layer.register_forward_hook(count)
        for layer in shadow.modules()
        if not any(True for _ in layer.children())
    ]
    try:
        with torch.inference_mode():
            shadow(torch.empty(1, 1, edge, edge, device="meta"))
    finally:
        for hook in hooks:
            hook.remove()
    return total + 4 * edge * edge
