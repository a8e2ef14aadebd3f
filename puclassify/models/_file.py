"""Model files: safetensors files whose metadata say what the tensors are of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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


def write_model(path: str, header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> None:
    """Write a file, complete or not at all: what describes the model, and its tensors."""
    both = {"sha256": checksum(compact_json(header), tensors), "model": header}
    metadata = {_KEY: json.dumps(both, separators=(",", ":"), allow_nan=False)}
    write_tensor_file(
        path,
        metadata,
        tensors,
        f"what describes the model takes more than {LARGEST_HEADER} bytes, which load_model "
        "would refuse: is there something large in its parameters, or recorded in history_?",
    )


@contextmanager
def open_model(path: str) -> Iterator[tuple[dict[str, Any], dict[str, torch.Tensor]]]:
    """Read a file: what describes the model, and its tensors; refuse a damaged one."""
    with _opened(path) as (header, sha256, file):
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if checksum(compact_json(header), tensors) != sha256:
            raise damaged(path, "its checksum is wrong: copy it again, or save the model again")
        yield header, tensors


def read_header(path: str) -> dict[str, Any]:
    """Return what describes the model in a file, without its tensors."""
    with _opened(path) as (header, _, _):
        return header


@contextmanager
def _opened(path: str) -> Iterator[tuple[dict[str, Any], str, Any]]:
    with open_tensor_file(path, partial(damaged, path), "save_model") as (metadata, file):
        yield *_described(path, metadata), file


def damaged(path: str, why: str) -> ValueError:
    """Return the error for a file that cannot be used."""
    return ValueError(f"{path} is no model that can be loaded: {why}")


def _described(path: str, metadata: Mapping[str, str]) -> tuple[dict[str, Any], str]:
    """Return what describes the model, of a version that is known, and its checksum."""
    if _KEY not in metadata:
        raise damaged(path, "it is a safetensors file, but not one of puclassify.save_model")
    try:
        both = strict_json(metadata[_KEY])
    except (ValueError, RecursionError) as error:
        raise damaged(path, f"its description is no JSON ({error})") from error
    header = both.get("model") if isinstance(both, dict) else None
    sha256 = both.get("sha256") if isinstance(both, dict) else None
    if not isinstance(header, dict) or not isinstance(sha256, str):
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
    return header, sha256
