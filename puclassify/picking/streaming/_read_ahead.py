"""Apply steps to items lazily and in order, working ahead in threads or processes."""

from __future__ import annotations

import pickle
import queue
import threading
import traceback
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import reduce
from itertools import islice
from typing import Any

from joblib import effective_n_jobs
from joblib.parallel import get_active_backend
from sklearn import config_context, get_config
from sklearn.utils.parallel import Parallel, delayed

from puclassify._devices import one_thread
from puclassify._parallel import WorkerTask, on_this_machine

__all__ = ["map_ahead", "stream"]

_N_AHEAD = 2
_SECONDS_BETWEEN_LOOKS = 0.1  # whether to stop
_END = object()


def stream(
    steps: Sequence[Callable], finish: Callable, items: Iterable, n_jobs: int | None
) -> Generator:
    """Yield ``finish`` of the last of some steps for every item.

    The first step is called with an item and its index, every other with what the step before it
    returned. ``n_jobs`` and its backend are joblib's; with one job each step runs in a thread of
    its own, ahead of what follows. A generator of items is consumed a little ahead of the results.
    """
    numbered = ((item, index) for index, item in enumerate(items))
    first, *others = steps
    if effective_n_jobs(n_jobs) == 1:
        prepared = map_ahead(lambda pair: first(*pair), numbered)
        for step in others:
            prepared = map_ahead(step, prepared)
        return _finished(finish, prepared)
    backend, _ = get_active_backend()
    if not backend.supports_return_generator:  # that of multiprocessing
        work = delayed(WorkerTask(_by_one_thread))
        tasks = (work([first, *others, finish], *pair) for pair in numbered)
        return _in_batches(n_jobs, tasks)
    work = delayed(WorkerTask(_in_turn))
    pairs = _until(stopped := threading.Event(), numbered)
    tasks = (work([first, *others, finish], *pair) for pair in pairs)
    return _in_parallel(Parallel(n_jobs=n_jobs, return_as="generator"), tasks, stopped)


def _finished(finish: Callable, prepared: Generator) -> Generator:
    with closing(prepared):
        for item in prepared:
            yield finish(item)


def _in_parallel(parallel: Parallel, tasks: Iterable, stopped: threading.Event) -> Generator:
    """Yield results; let the workers finish what they have begun if no more are wanted.

    joblib would kill them, and leave descriptors and a thread of its own behind.
    """
    results = parallel(tasks)
    try:
        for result in results:
            if isinstance(result, _Raised):
                raise result.error from _InWorker(result.traceback)
            yield result
    except (Exception, GeneratorExit):
        stopped.set()
        for _ in results:
            pass
        raise
    finally:
        stopped.set()
        with warnings.catch_warnings():  # joblib warns that not all results were used
            warnings.simplefilter("ignore", UserWarning)
            results.close()


@dataclass(frozen=True)
class _Raised:
    """An error of a worker, which arrives in the place of its result."""

    error: Exception
    traceback: str


class _InWorker(Exception):
    """Shows the traceback of a worker as the cause of its error."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def _in_turn(steps: Sequence[Callable], item: Any, index: int) -> Any:
    try:
        return _apply(steps, item, index)
    except Exception as error:
        text = traceback.format_exc()
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:
            return _Raised(RuntimeError(f"{type(error).__name__}: {error}"), text)
        return _Raised(error.with_traceback(None), text)


def _until(stopped: threading.Event, items: Iterable) -> Generator:
    """Yield items, until told to stop even while the next one is waited for."""
    with closing(map_ahead(lambda item: item, items, stopped)) as ahead:
        yield from ahead


def _in_batches(n_jobs: int | None, tasks: Iterator) -> Generator:
    """Yield results of one batch of tasks after another, with no more tasks than that begun."""
    size = _N_AHEAD * effective_n_jobs(n_jobs)
    with Parallel(n_jobs=n_jobs) as parallel:
        while batch := list(islice(tasks, size)):
            yield from parallel(batch)


def _apply(steps: Sequence[Callable], item: Any, index: int) -> Any:
    first, *others = steps
    with on_this_machine():  # on a cluster the worker keeps its micrograph
        return reduce(lambda result, step: step(result), others, first(item, index))


def _by_one_thread(steps: Sequence[Callable], item: Any, index: int) -> Any:
    """Apply the steps in a forked process, where OpenMP would wait for threads it left behind."""
    with one_thread():
        return _apply(steps, item, index)


def map_ahead(
    function: Callable, items: Iterable, stopped: threading.Event | None = None
) -> Generator:
    """Yield a function of every item, applied in a thread that is at most two results ahead.

    The items are taken in the thread too, so that waiting for one delays no result. A generator of
    items is closed at the end. An error is raised in the place of its result. An event can end it
    while an item is waited for.
    """
    results: queue.Queue = queue.Queue(maxsize=_N_AHEAD)
    stopped = threading.Event() if stopped is None else stopped
    settings = get_config()  # scikit-learn has them per thread

    def put(result: tuple) -> bool:
        while not stopped.is_set():
            try:
                results.put(result, timeout=_SECONDS_BETWEEN_LOOKS)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            with config_context(**settings):
                for item in items:
                    if not put((function(item), None)):
                        return
        except BaseException as error:
            put((None, error))
        else:
            put((_END, None))
        finally:
            # Not left to the garbage collector: an error that is kept would keep a thread alive.
            if isinstance(items, Generator):
                items.close()

    # A daemon: a generator of items that never returns must not keep the program from ending.
    thread = threading.Thread(target=work, name="puclassify-ahead", daemon=True)
    thread.start()
    try:
        while not stopped.is_set():
            try:
                result, error = results.get(timeout=_SECONDS_BETWEEN_LOOKS)
            except queue.Empty:
                continue
            if error is not None:
                raise error
            if result is _END:
                return
            yield result
    finally:
        stopped.set()
