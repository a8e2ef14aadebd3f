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
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial

import torch
from sklearn.utils.parallel import Parallel, delayed
from threadpoolctl import ThreadpoolController, threadpool_limits

from puclassify._devices._shared_setting import SharedContext

__all__ = ["one_thread", "side_by_side", "threads", "threads_worth"]

_ENOUGH_PIXELS = 1 << 15  # in an operation of a network; below, waking threads costs more


def threads_worth(
    n_pixels: float, enough: float = _ENOUGH_PIXELS
) -> contextlib.AbstractContextManager:
    """Return a context with one thread of torch for operations on fewer than ``enough`` pixels."""
    return threads(1) if n_pixels < enough else contextlib.nullcontext()


@contextlib.contextmanager
def threads(n: int) -> Iterator[None]:
    """Let torch use at most n threads for what this thread computes; other threads keep theirs.

    This lowers OpenMP's own number, which every thread has for itself. `torch.set_num_threads`
    would also set the number that every other thread adopts when it first computes: threads that
    begin meanwhile would keep it for good. (Once a program has called that function, MKL's matrix
    products use its number.)
    """
    if n >= torch.get_num_threads():  # from the first question on, the number is this thread's own
        yield
        return
    with _openmp().limit(limits=n):
        yield


def side_by_side(tasks: Sequence[Callable[[threading.Event], None]]) -> None:
    """Run tasks on the CPU in threads of their own, among which torch's threads are shared out.

    They run in turn where torch has fewer threads than there are tasks. A task gets an event that
    tells it to stop: the results of all are lost if one fails or the user interrupts them.
    """
    n_threads, stop = torch.get_num_threads() // len(tasks), threading.Event()
    if n_threads == 0:
        for task in tasks:
            task(stop)
        return

    def run(task):
        with threads(n_threads):
            task(stop)

    try:
        Parallel(n_jobs=len(tasks), backend="threading")(delayed(run)(task) for task in tasks)
    finally:
        stop.set()


@cache
def _openmp() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="openmp")


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Keep this thread's OpenMP (torch, scikit-learn), and BLAS for all threads, to one thread."""
    with _one_blas_thread, threadpool_limits(1, user_api="openmp"):
        yield


# BLAS has one number for all threads.
_one_blas_thread = SharedContext(partial(threadpool_limits, 1, user_api="blas"))
