"""Model files: safetensors files whose metadata say what the tensors are of."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from puclassify.io import replace_files

__all__ = [
    "FORMAT_VERSION",
    "WRONG_VALUES",
    "damaged",
    "open_model",
    "read_header",
    "write_model",
]

FORMAT_VERSION = 1
# What values of wrong types raise in the constructors and checks that they reach.
WRONG_VALUES = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
)
_KEY = "puclassify"  # of the metadata
_LARGEST_HEADER = 4 * 2**20  # bytes; the default picker's has 20 thousand
_LENGTH_BYTES = 8


def write_model(path: str, header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> None:
    """Write a file, complete or not at all: what describes the model, and its tensors."""
    from safetensors.torch import save

    checksum = _checksum(_canonical(header), tensors)
    both = {"sha256": checksum, "model": header}
    metadata = {_KEY: json.dumps(both, separators=(",", ":"), allow_nan=False)}
    data = save(dict(tensors), metadata)
    if int.from_bytes(data[:_LENGTH_BYTES], "little") > _LARGEST_HEADER:
        raise ValueError(
            f"what describes the model takes more than {_LARGEST_HEADER} bytes, which load_model "
            "would refuse: is there something large in its parameters, or recorded in history_?"
        )
    replace_files({path: data})


@contextmanager
def open_model(path: str) -> Iterator[tuple[dict[str, Any], dict[str, torch.Tensor]]]:
    """Read a file: what describes the model, and its tensors; refuse a damaged one."""
    with _opened(path) as (header, checksum, file):
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if _checksum(_canonical(header), tensors) != checksum:
            raise damaged(path, "its checksum is wrong: copy it again, or save the model again")
        yield header, tensors


def read_header(path: str) -> dict[str, Any]:
    """Return what describes the model in a file, without its tensors."""
    with _opened(path) as (header, _, _):
        return header


@contextmanager
def _opened(path: str) -> Iterator[tuple[dict[str, Any], str, Any]]:
    from safetensors import SafetensorError, safe_open

    _check_length(path)
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            yield *_described(path, file.metadata()), file
    except SafetensorError as error:
        raise damaged(path, str(error)) from error


def damaged(path: str, why: str) -> ValueError:
    """Return the error for a file that cannot be used."""
    return ValueError(f"{path} is no model that can be loaded: {why}")


def _check_length(path: str) -> None:
    """Refuse what is no file, or cannot be a safetensors file by its length."""
    if not os.path.exists(path):
        raise FileNotFoundError(f"there is no file {path}")
    if not os.path.isfile(path):
        raise ValueError(f"{path} is no file but a folder or device; pass the file of save_model")
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        start = file.read(_LENGTH_BYTES + 1)
    hint = _other_format(start)
    if hint:
        raise damaged(path, hint)
    length = int.from_bytes(start[:_LENGTH_BYTES], "little")
    if start[_LENGTH_BYTES:] != b"{" or _LENGTH_BYTES + length > size:
        raise damaged(path, "it is cut off, or no safetensors file")
    if length > _LARGEST_HEADER:
        raise damaged(path, f"its header of {length} bytes is longer than {_LARGEST_HEADER}")


def _other_format(start: bytes) -> str:
    if start[:2] == b"PK":
        return (
            "it is a ZIP archive, such as torch.save makes; load_topaz_model reads those of Topaz, "
            "and puclassify's are made by save_model"
        )
    if start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return (
            "it is a pickle, which runs code when it is loaded; joblib.load reads it if you trust "
            "it, and save_model keeps the model without code"
        )
    return ""


def _described(path: str, metadata: Mapping[str, str] | None) -> tuple[dict[str, Any], str]:
    """Return what describes the model, of a version that is known, and its checksum."""
    if not metadata or _KEY not in metadata:
        raise damaged(path, "it is a safetensors file, but not one of puclassify.save_model")
    try:
        both = json.loads(metadata[_KEY], parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise damaged(path, f"its description is no JSON ({error})") from error
    header = both.get("model") if isinstance(both, dict) else None
    checksum = both.get("sha256") if isinstance(both, dict) else None
    if not isinstance(header, dict) or not isinstance(checksum, str):
        raise damaged(path, "its description lacks 'model' or 'sha256'")
    version = header.get("format_version")
    if version != FORMAT_VERSION:
        by = header.get("versions")
        writer = by.get("puclassify") if isinstance(by, dict) else None
        raise damaged(
            path,
            f"its format is version {version!r}, written by puclassify {writer!r}; this release "
            f"reads version {FORMAT_VERSION}: update puclassify",
        )
    return header, checksum


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _canonical(header: Mapping[str, Any]) -> str:
    return json.dumps(header, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _checksum(text: str, tensors: Mapping[str, torch.Tensor]) -> str:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass"))
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data if tensor.numel() else b"")
    return digest.hexdigest()
