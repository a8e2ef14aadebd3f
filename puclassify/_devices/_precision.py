"""In which arithmetic a network runs."""

from __future__ import annotations

import contextlib

import numpy as np
import torch

from puclassify._devices._shared_setting import SharedSetting

__all__ = ["autocast", "bfloat16_is_too_coarse", "resolve_precision", "some_of"]

_LARGEST_OFFSET = 16  # times the spread of the pixels, which bfloat16 then rounds by a sixteenth
_ENOUGH_IMAGES = 16  # that show what the others are like
_ENOUGH_PIXELS = 4096  # of an image, to tell
_FEW = 0.25  # share of the images that may lie further from zero than that


def resolve_precision(
    precision, device: torch.device, *, training: bool = False, coarse: bool = False
) -> torch.dtype | None:
    """Turn the ``precision`` parameter into an autocast dtype.

    Parameters
    ----------
    precision : {"auto", "float32", "bfloat16"}
        "auto" is bfloat16 on CUDA, and for training on a CPU that multiplies it; float32 elsewhere.
    device : torch.device
        Where the network runs.
    training : bool, default=False
        Whether it is being trained. On a CPU scores stay those of float32.
    coarse : bool, default=False
        Whether bfloat16 would be too coarse for the input, so that "auto" has to be float32.

    Returns
    -------
    torch.dtype or None
        None for plain float32.

    Raises
    ------
    ValueError
        If ``precision`` is none of the three.
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


def some_of(n: int) -> np.ndarray:
    """Choose a few of n images, spread over all of them, to show to `bfloat16_is_too_coarse`.

    Parameters
    ----------
    n : int
        How many there are.

    Returns
    -------
    ndarray of int
        Indices, ascending.
    """
    return np.unique(np.linspace(0, n - 1, _ENOUGH_IMAGES).astype(int))


def bfloat16_is_too_coarse(samples: torch.Tensor) -> bool:
    """Tell whether bfloat16, of eight significant bits, would lose what is in the samples.

    Parameters
    ----------
    samples : tensor of shape (n, c, h, w)
        Some of the images that the network sees.

    Returns
    -------
    bool
        Whether there is a channel in which many images have an offset that is large against the
        spread of their pixels, outliers aside.
    """
    planes = samples.flatten(2).double()
    planes = planes[..., :: max(1, planes.shape[-1] // _ENOUGH_PIXELS)]
    low, middle, high = planes.quantile(planes.new_tensor([0.16, 0.5, 0.84]), dim=-1)
    spread = (high - low) / 2
    spread = torch.where(spread > 0, spread, planes.std(dim=-1, correction=0))
    return bool(((middle.abs() > _LARGEST_OFFSET * spread).double().mean(0) > _FEW).any())


def autocast(device: torch.device, dtype: torch.dtype | None):
    """Context in which a network runs at the chosen precision.

    Parameters
    ----------
    device : torch.device
        Where it runs.
    dtype : torch.dtype or None
        Of the autocast; None for plain float32, without the shortcut that PyTorch lets
        convolutions on a GPU take.

    Returns
    -------
    context manager
        To be entered around the forward pass.
    """
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
    """Tell whether the CPU multiplies bfloat16 itself; where it does not, it is slower."""
    if not hasattr(torch.cpu, "get_capabilities"):  # an older torch
        return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", bool)())
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
