"""How many threads computations use on the CPU: as many as the work is worth.

OpenMP's threads spin while they wait for one another. Where an operation is over before they are
awake, or another process keeps one of the cores busy, more threads are slower, up to many times. So
small work is done by one thread; ``examples/benchmarks/threads.py`` measures where more begin to
pay. The number depends on the size of the work and not on the load of the machine, since results
may differ in their last bits between numbers of threads.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import torch
from threadpoolctl import threadpool_limits

__all__ = ["one_thread", "threads", "threads_worth"]

_lock = threading.Lock()
_ENOUGH_PIXELS = 1 << 15  # in an operation of a network; below, waking threads costs more


def threads_worth(
    n_pixels: float, enough: float = _ENOUGH_PIXELS
) -> contextlib.AbstractContextManager:
    """Return a context with one thread of torch for operations on fewer than ``enough`` pixels."""
    return threads(1) if n_pixels < enough else contextlib.nullcontext()


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


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Keep this thread's OpenMP (torch, scikit-learn), and BLAS for all threads, to one thread."""
    with _one_blas_thread, threads(1), threadpool_limits(1, user_api="openmp"):
        yield


class _OneBlasThread(contextlib.AbstractContextManager):
    """BLAS has one number for all threads: the first to enter sets it, the last restores it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n_inside = 0
        self._limits: threadpool_limits | None = None

    def __enter__(self) -> None:
        with self._lock:
            if self._n_inside == 0:
                self._limits = threadpool_limits(1, user_api="blas")
            self._n_inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._n_inside -= 1
            if self._n_inside == 0 and self._limits is not None:
                self._limits.restore_original_limits()
                self._limits = None


_one_blas_thread = _OneBlasThread()
