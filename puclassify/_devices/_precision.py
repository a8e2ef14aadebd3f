"""The precision in which a network runs."""

from __future__ import annotations

import contextlib

import numpy as np
import torch

from puclassify._devices._shared_setting import SharedSetting

__all__ = ["autocast", "bfloat16_is_too_coarse", "evenly_spaced", "resolve_precision"]

_LARGEST_OFFSET = 16  # times the spread of the pixels, which bfloat16 then rounds by a sixteenth
_ENOUGH_IMAGES = 16  # to represent the others
_ENOUGH_PIXELS = 4096  # of an image, to estimate its offset and spread
_FEW = 0.25  # share of the images that may lie further from zero than that


def resolve_precision(
    precision: str, device: torch.device, *, training: bool = False, coarse: bool = False
) -> torch.dtype | None:
    """Return the autocast dtype that a ``precision`` parameter means, None for plain float32.

    "auto" is bfloat16 on CUDA, and in training on a CPU that multiplies bfloat16; it is float32
    elsewhere, and where bfloat16 is too ``coarse`` for the input.
    """
    pays = device.type == "cuda" or (device.type == "cpu" and training and _cpu_has_bfloat16())
    choices = {
        "auto": torch.bfloat16 if pays and not coarse else None,
        "float32": None,
        "bfloat16": torch.bfloat16,
    }
    if not isinstance(precision, str) or precision not in choices:
        raise ValueError(f"precision must be one of {list(choices)}, got {precision!r}")
    return choices[precision]


def evenly_spaced(n: int) -> np.ndarray:
    """Return ascending indices of a few of n images, evenly spaced."""
    return np.unique(np.linspace(0, n - 1, _ENOUGH_IMAGES).astype(int))


def bfloat16_is_too_coarse(samples: torch.Tensor) -> bool:
    """Return whether bfloat16, of eight significant bits, would lose the contrast of images.

    So it is where many images (n, c, h, w) have, in some channel, an offset that is large against
    the spread of their pixels, outliers aside.
    """
    planes = samples.flatten(2).double()
    planes = planes[..., :: max(1, planes.shape[-1] // _ENOUGH_PIXELS)]
    low, middle, high = planes.quantile(planes.new_tensor([0.16, 0.5, 0.84]), dim=-1)
    spread = (high - low) / 2
    spread = torch.where(spread > 0, spread, planes.std(dim=-1, correction=0))
    return bool(((middle.abs() > _LARGEST_OFFSET * spread).double().mean(0) > _FEW).any())


def autocast(device: torch.device, dtype: torch.dtype | None) -> contextlib.AbstractContextManager:
    """Return a context for forward passes; None is float32 without TensorFloat-32."""
    if dtype is not None:
        return torch.autocast(device.type, dtype=dtype)
    return _EXACT_CONVOLUTIONS if device.type == "cuda" else contextlib.nullcontext()


def _exact_convolutions() -> SharedSetting:
    """Keep convolutions on a GPU from rounding float32 to the ten bits of TensorFloat-32."""
    if hasattr(torch.backends.cudnn, "conv"):  # since PyTorch 2.9, which warns of the other way
        return SharedSetting(torch.backends.cudnn.conv, "fp32_precision", "ieee")
    return SharedSetting(torch.backends.cudnn, "allow_tf32", False)


_EXACT_CONVOLUTIONS = _exact_convolutions()


def _cpu_has_bfloat16() -> bool:
    """Return whether the CPU multiplies bfloat16 itself; emulated it is slower than float32."""
    if not hasattr(torch.cpu, "get_capabilities"):  # an older torch
        return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", bool)())
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
