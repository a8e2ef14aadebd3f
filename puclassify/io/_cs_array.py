"""The structured arrays in cryoSPARC's ``.cs`` files, read without running anything."""

from __future__ import annotations

import os
from typing import Any, BinaryIO

import numpy as np

__all__ = ["cs_text", "is_cs", "read_cs_array"]

_NUMPY, _STREAM = b"\x93NUMPY", b"\x95CSDAT"
_HEADER_BYTES = 1 << 18


def is_cs(head: bytes) -> bool:
    """Return whether the start of a file is that of an array or of cryoSPARC's stream."""
    return head.startswith((_NUMPY, _STREAM))


def read_cs_array(path: str) -> np.ndarray:
    """Return the structured array; nothing is unpickled, and its size has to be the file's."""
    with open(path, "rb") as file:
        magic = file.read(6)
        file.seek(0)
        if magic == _STREAM:
            raise ValueError(
                "it is in cryoSPARC's stream format; write it as an array, with cryosparc-tools: "
                "Dataset.load(path).save(path)"
            )
        if magic != _NUMPY:
            raise ValueError("it does not start as a .cs file does; export it again")
        shape, dtype = _header(file)
        if dtype.hasobject:
            raise ValueError(
                "it holds pickled Python objects, which are never loaded since they can run any "
                "program; cryoSPARC writes none: export the file from there again"
            )
        if not dtype.names or len(shape) != 1:
            raise ValueError(
                f"it holds an array of shape {shape} without named fields; the file is no .cs file"
            )
        there = os.fstat(file.fileno()).st_size - file.tell()
        if there != shape[0] * dtype.itemsize:
            raise ValueError(
                f"its header tells of {shape[0]} rows of {dtype.itemsize} bytes, {there} bytes "
                "follow; is the file complete?"
            )
        return np.frombuffer(file.read(there), dtype=dtype)


def _header(file: BinaryIO) -> tuple[tuple[int, ...], np.dtype]:
    try:
        version = np.lib.format.read_magic(file)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if read is None:  # version 3 has names in UTF-8, else it is version 2
            raise ValueError(f"its array format {version} is unknown")
        shape, _, dtype = read(file, max_header_size=_HEADER_BYTES)
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError) as error:
        raise ValueError(f"the header of its array cannot be read: {error!s:.200}") from None
    if any(not isinstance(length, int) or length < 0 for length in shape):
        raise ValueError(f"its header tells of an array of shape {shape}")
    return shape, dtype


def cs_text(value: Any) -> str:
    """Return a value of a text field."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text.strip()
