"""How many threads torch uses on the CPU."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import torch

__all__ = ["threads"]

_lock = threading.Lock()


@contextlib.contextmanager
def threads(n: int) -> Iterator[None]:
    """Let torch use at most n threads for what this thread computes; other threads keep theirs.

    Every thread has a number of its own, which it takes, when it first computes, from the last
    call of `torch.set_num_threads` in any thread. So a call that is only for the calling thread
    must not stay the last one: threads that start to compute meanwhile would keep its number for
    good, and a count of those inside, as for a `SharedSetting`, cannot reach them any more.
    """
    with _lock:
        before = torch.get_num_threads()
        if n < before:
            _set_for_this_thread(n)
    try:
        yield
    finally:
        if n < before:
            with _lock:
                _set_for_this_thread(before)


def _set_for_this_thread(n: int) -> None:
    for_new_threads = _in_new_thread(torch.get_num_threads)
    torch.set_num_threads(n)
    if for_new_threads != n:
        _in_new_thread(torch.set_num_threads, for_new_threads)


def _in_new_thread(function: Callable, *args: Any) -> Any:
    """Call a function in a thread that has not computed yet."""
    results: list = []
    thread = threading.Thread(target=lambda: results.append(function(*args)))
    thread.start()
    thread.join()
    return results[0]
