"""Pretrained weights in files: a network's tensors in half precision, and a card about them."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from functools import partial
from typing import Any

import torch

from puclassify.io import (
    LARGEST_HEADER,
    checksum,
    compact_json,
    open_tensor_file,
    strict_json,
    write_tensor_file,
)

__all__ = ["holds_weights", "read_card", "read_weights", "write_weights"]

FORMAT_VERSION = 1
_KEY = "puclassify-weights"  # of the metadata
_CONTRASTS = ("dark", "bright")


def write_weights(
    path: str | os.PathLike, state_dict: Mapping[str, torch.Tensor], card: Mapping[str, Any]
) -> None:
    """Write pretrained weights and their card to a file, complete or not at all.

    Parameters
    ----------
    path : str or path-like
        The file, by convention ``*.safetensors``.
    state_dict : mapping of str to Tensor
        What ``network.state_dict()`` returns; floating-point tensors are stored as float16.
    card : mapping
        What JSON can hold. Needed are ``network``, a name in `NETWORKS`, ``module_params``,
        ``particle_pixels``, the diameter of a particle in pixels of what the network sees,
        ``preprocessing``, ``contrast``, "dark" where particles are darker than what surrounds
        them, and ``calibration``, slope and intercept of the logit of a particle at a maximum of
        the score maps. ``format_version`` and ``sha256`` are set.

    Raises
    ------
    ValueError
        If the card lacks something or holds what is not of its kind, or weights are beyond what
        float16 can hold.

    See Also
    --------
    read_weights : Reads them.

    Examples
    --------
    >>> import os, tempfile
    >>> from puclassify.networks import ResNet9, read_weights, write_weights
    >>> card = {
    ...     "network": "resnet9",
    ...     "module_params": {"units": 4},
    ...     "particle_pixels": 30,
    ...     "preprocessing": {"clip": 4.0},
    ...     "contrast": "dark",
    ...     "calibration": [1.0, 0.0],
    ... }
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "weights.safetensors")
    ...     write_weights(path, ResNet9(units=4).state_dict(), card)
    ...     state_dict, card = read_weights(path)
    >>> card["network"], str(state_dict["head.weight"].dtype)
    ('resnet9', 'torch.float32')
    """
    path = os.fspath(path)
    card = {**card, "format_version": FORMAT_VERSION}
    card.pop("sha256", None)
    problem = _problem_of(card)
    if problem:
        raise ValueError(f"card: {problem}")
    tensors = {name: _stored(name, tensor) for name, tensor in state_dict.items()}
    card["sha256"] = checksum(compact_json(card), tensors)
    write_tensor_file(
        path,
        {_KEY: compact_json(card)},
        tensors,
        f"the card takes more than {LARGEST_HEADER} bytes, which read_weights would refuse",
    )


def read_weights(path: str | os.PathLike) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read pretrained weights and their card; nothing in the file is executed.

    Parameters
    ----------
    path : str or path-like
        A file of `write_weights`.

    Returns
    -------
    state_dict : dict of str to Tensor
        Floating-point tensors in float32.
    card : dict
        What is known of the weights.

    Raises
    ------
    ValueError
        If the file is damaged, of an unknown version, or holds something else.
    FileNotFoundError
        If there is no such file.

    See Also
    --------
    write_weights : Writes them, with an example.

    Examples
    --------
    >>> from puclassify.networks import read_weights
    >>> state_dict, card = read_weights("weights.safetensors")  # doctest: +SKIP
    """
    path = os.fspath(path)
    damaged = partial(_damaged, path)
    with open_tensor_file(path, damaged, "save_pretrained") as (metadata, file):
        card = _card(path, metadata)
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    without = {name: value for name, value in card.items() if name != "sha256"}
    if checksum(compact_json(without), tensors) != card.get("sha256"):
        raise damaged("its checksum is wrong: copy it again, or write it again")
    for name, tensor in tensors.items():
        if tensor.is_floating_point():
            tensors[name] = tensor.float()
            if not torch.isfinite(tensor).all():
                raise damaged(f"{name} holds values that are not finite")
    return tensors, card


def read_card(path: str | os.PathLike) -> dict[str, Any]:
    """Return what is known of the weights in a file, without reading them."""
    path = os.fspath(path)
    with open_tensor_file(path, partial(_damaged, path), "save_pretrained") as (metadata, _):
        return _card(path, metadata)


def holds_weights(path: str | os.PathLike) -> bool:
    """Return whether a file is one of pretrained weights, by its metadata."""
    path = os.fspath(path)
    try:
        with open_tensor_file(path, partial(_damaged, path), "save_pretrained") as (metadata, _):
            return _KEY in metadata
    except (ValueError, OSError):
        return False


def _damaged(path: str, why: str) -> ValueError:
    return ValueError(f"{path} holds no pretrained weights that can be used: {why}")


def _card(path: str, metadata: Mapping[str, str]) -> dict[str, Any]:
    if _KEY not in metadata:
        hint = (
            "; it is one of save_model, which load_model reads" if "puclassify" in metadata else ""
        )
        raise _damaged(path, f"it is a safetensors file, but not one of save_pretrained{hint}")
    try:
        card = strict_json(metadata[_KEY])
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"its card is no JSON ({error})") from error
    if not isinstance(card, dict):
        raise _damaged(path, "its card is no JSON object")
    problem = _problem_of(card)
    if problem:
        raise _damaged(path, f"its card: {problem}")
    return card


def _problem_of(card: Mapping[str, Any]) -> str:
    """Return what is wrong with a card, "" if nothing is."""
    if card.get("format_version") != FORMAT_VERSION:
        return (
            f"format_version is {card.get('format_version')!r}; this release reads "
            f"{FORMAT_VERSION}: update puclassify"
        )
    if not isinstance(card.get("network"), str):
        return f"network must be a name, got {card.get('network')!r}"
    for name in ("module_params", "preprocessing"):
        if not isinstance(card.get(name), Mapping):
            return f"{name} must be an object, got {card.get(name)!r}"
    pixels: Any = card.get("particle_pixels")
    if not _is_finite(pixels) or pixels <= 0:
        return f"particle_pixels must be a positive number, got {pixels!r}"
    if card.get("contrast") not in _CONTRASTS:
        return f"contrast must be one of {_CONTRASTS}, got {card.get('contrast')!r}"
    line: Any = card.get("calibration")
    is_line = isinstance(line, list | tuple) and len(line) == 2 and all(map(_is_finite, line))
    if not is_line or line[0] <= 0:
        return f"calibration must be a positive slope and an intercept, got {line!r}"
    return ""


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _stored(name: str, tensor: torch.Tensor) -> torch.Tensor:
    tensor = tensor.detach().cpu()
    if not tensor.is_floating_point():
        return tensor.contiguous()
    half = tensor.to(torch.float16).contiguous()
    if not torch.isfinite(half).all():
        raise ValueError(f"state_dict: {name} holds values that float16 cannot, or no finite ones")
    return half
