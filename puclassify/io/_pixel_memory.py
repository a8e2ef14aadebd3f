"""Reading pixels into memory, completely and no more than a header promises."""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, BinaryIO

import numpy as np

__all__ = [
    "MOST_PIXELS",
    "RecycledMemory",
    "empty_pixels",
    "fill",
    "pixels_allocated_by",
    "unchanged",
]

MOST_PIXELS = 1 << 28
"""Pixels of the largest image that is decompressed, 16384 x 16384: the largest detectors fit."""

_PIECE = 1 << 20  # bytes that a decompressor is asked for at a time

_allocate: ContextVar[Callable[..., np.ndarray]] = ContextVar("allocate", default=np.empty)


@contextmanager
def pixels_allocated_by(empty: Callable[..., np.ndarray]) -> Iterator[None]:
    """Let MRC files that this thread reads be read into arrays from ``empty(shape, dtype)``."""
    token = _allocate.set(empty)
    try:
        yield
    finally:
        _allocate.reset(token)


class RecycledMemory:
    """Memory for images that are dropped one after the other, as in a run over many files.

    The system clears new memory page by page, which takes as long as to read a file from its cache.
    An array that nothing refers to any more, no view either, makes place for the next.
    """

    _MOST = 2  # arrays that are kept

    def __init__(self) -> None:
        self._kept: list[np.ndarray] = []
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type, tuple]:
        return type(self), ()

    def empty(self, shape: tuple[int, int], dtype: np.dtype) -> np.ndarray:
        """Return an array of any content, like ``np.empty``."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        with self._lock:
            for memory in self._kept:
                # The list, the name and the argument refer to what is free.
                if memory.size == size and sys.getrefcount(memory) == 3:
                    return memory.view(dtype).reshape(shape)
            memory = np.empty(size, np.uint8)
            self._kept = [*self._kept, memory][-self._MOST :]
            return memory.view(dtype).reshape(shape)


def empty_pixels(shape: tuple[int, int], dtype: np.dtype) -> np.ndarray:
    """Allocate the array of an image."""
    return _allocate.get()(shape, dtype)


def fill(values: np.ndarray, file: Any) -> int:
    """Read a file on into a contiguous array; return how many bytes of it are missing then."""
    rest = values.reshape(-1).view(np.uint8).data
    is_plain = isinstance(file, io.BufferedReader)  # a decompressor would first copy it all
    while len(rest):
        n_read = file.readinto(rest if is_plain else rest[:_PIECE])
        if not n_read:
            break
        rest = rest[n_read:]
    return len(rest)


@contextmanager
def unchanged(file: BinaryIO, path: str) -> Iterator[os.stat_result]:
    """Raise an OSError if an open file is written to before this ends; give its status."""
    before = os.fstat(file.fileno())
    try:
        yield before
    except ValueError as error:  # what half of a file looks like
        _check_unchanged(file, before, path, error)
        raise
    _check_unchanged(file, before, path)


def _check_unchanged(
    file: BinaryIO, before: os.stat_result, path: str, cause: Exception | None = None
) -> None:
    after = os.fstat(file.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise OSError(
            f"{path} has changed while it was being read ({before.st_size} bytes before, "
            f"{after.st_size} after): read it again once the program that writes it is done"
        ) from cause
