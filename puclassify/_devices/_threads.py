"""How many threads torch uses on the CPU."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import cache

import torch
from threadpoolctl import ThreadpoolController

__all__ = ["threads"]


@contextlib.contextmanager
def threads(n: int) -> Iterator[None]:
    """Let torch use at most n threads for what this thread computes; other threads keep theirs.

    It is OpenMP's own number, which every thread has for itself, that is lowered. Setting it by
    `torch.set_num_threads` would also set the number that every thread takes when it first
    computes: threads that begin meanwhile would keep it for good. (Where a program has called that
    function, matrix products by MKL go by what it said.)
    """
    if n >= torch.get_num_threads():  # from the first question on, the number is this thread's own
        yield
        return
    with _openmp().limit(limits=n):
        yield


@cache
def _openmp() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="openmp")
