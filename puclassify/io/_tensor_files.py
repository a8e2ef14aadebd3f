"""Safetensors files: tensors, and JSON in the metadata that says what they are of."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from puclassify.io._replace_files import replace_files

if TYPE_CHECKING:
    import torch

__all__ = [
    "LARGEST_HEADER",
    "check_is_file",
    "checksum",
    "compact_json",
    "open_tensor_file",
    "strict_json",
    "write_tensor_file",
]

LARGEST_HEADER = 4 * 2**20  # bytes; the default picker's has 20 thousand
_LENGTH_BYTES = 8


def write_tensor_file(
    path: str, metadata: Mapping[str, str], tensors: Mapping[str, torch.Tensor], too_long: str
) -> None:
    """Write a file, complete or not at all; one that would be refused raises ``too_long``."""
    from safetensors.torch import save

    data = save(dict(tensors), dict(metadata))
    if int.from_bytes(data[:_LENGTH_BYTES], "little") > LARGEST_HEADER:
        raise ValueError(too_long)
    replace_files({path: data})


@contextmanager
def open_tensor_file(
    path: str, damaged: Callable[[str], Exception], made_by: str
) -> Iterator[tuple[Mapping[str, str], Any]]:
    """Open a file: its metadata, and safetensors' reader; ``damaged`` makes the errors."""
    from safetensors import SafetensorError, safe_open

    _check_length(path, damaged, made_by)
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            yield file.metadata() or {}, file
    except SafetensorError as error:
        raise damaged(str(error)) from error


def strict_json(text: str) -> Any:
    """Read JSON without NaN and infinities, which other programs cannot read."""
    return json.loads(text, parse_constant=_refuse_constant)


def compact_json(value: Any) -> str:
    """Write JSON that is the same for equal values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def checksum(text: str, tensors: Mapping[str, torch.Tensor]) -> str:
    """Return the SHA-256 of a text and of the names, types, shapes and bytes of tensors."""
    import torch

    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass"))
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data if tensor.numel() else b"")
    return digest.hexdigest()


def check_is_file(path: str, what: str) -> None:
    """Refuse what is no file; ``what`` is to be passed instead."""
    if not os.path.exists(path):
        raise FileNotFoundError(f"there is no file {path}")
    if not os.path.isfile(path):
        raise ValueError(f"{path} is no file but a folder or device; pass {what}")


def _check_length(path: str, damaged: Callable[[str], Exception], made_by: str) -> None:
    """Refuse what is no file, or cannot be a safetensors file by its length."""
    check_is_file(path, f"the file of {made_by}")
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        start = file.read(_LENGTH_BYTES + 1)
    hint = _other_format(start)
    if hint:
        raise damaged(hint)
    length = int.from_bytes(start[:_LENGTH_BYTES], "little")
    if start[_LENGTH_BYTES:] != b"{" or _LENGTH_BYTES + length > size:
        raise damaged("it is cut off, or no safetensors file")
    if length > LARGEST_HEADER:
        raise damaged(f"its header of {length} bytes is longer than {LARGEST_HEADER}")


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


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")
