"""Results one by one, in order, while those to come are being worked on."""

from __future__ import annotations

import queue
import threading
import warnings
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from functools import reduce

from joblib import effective_n_jobs
from sklearn import config_context, get_config
from sklearn.utils.parallel import Parallel, delayed
from tqdm.auto import tqdm

from puclassify._parallel import on_this_machine

__all__ = ["ahead", "progress", "stream"]

_N_AHEAD = 2
_END = object()


def stream(steps: Sequence[Callable], finish: Callable, items: Iterable, n_jobs) -> Generator:
    """Apply some steps to every item, lazily and in order.

    Parameters
    ----------
    steps : sequence of callable
        The first takes an item and its index, every other what the one before it returns.
    finish : callable
        Takes what the last of them returns.
    items : iterable
        The items; a generator is consumed a little ahead of the results.
    n_jobs : int or None
        As joblib takes it, its backend included. With one job each of ``steps`` runs in a thread
        of its own, ahead of what comes after it.

    Returns
    -------
    generator
        The results.
    """
    numbered = ((item, index) for index, item in enumerate(items))
    first, *others = steps
    if effective_n_jobs(n_jobs) == 1:
        prepared = ahead(lambda pair: first(*pair), numbered)
        for step in others:
            prepared = ahead(step, prepared)
        return _finished(finish, prepared)
    parallel = Parallel(n_jobs=n_jobs, return_as="generator")
    tasks = (delayed(_in_turn)([first, *others, finish], *pair) for pair in numbered)
    return _in_parallel(parallel, tasks)


def _finished(finish, prepared):
    with closing(prepared):
        for item in prepared:
            yield finish(item)


def _in_parallel(parallel, tasks):
    results = parallel(tasks)
    try:
        yield from results
    finally:
        with warnings.catch_warnings():  # that not all results were wanted
            warnings.simplefilter("ignore", UserWarning)
            results.close()


def _in_turn(steps, item, index):
    first, *others = steps
    with on_this_machine():  # a worker on a cluster keeps its micrograph
        return reduce(lambda result, step: step(result), others, first(item, index))


def ahead(function: Callable, items: Iterable) -> Generator:
    """Apply a function to items in a thread of its own, at most two results ahead.

    Parameters
    ----------
    function : callable
        Takes an item.
    items : iterable
        The items. They are taken in the thread too, so that waiting for the next one holds up no
        result. A generator is closed at the end.

    Yields
    ------
    object
        The results, in order. An error is raised where its result would have come.

    Examples
    --------
    >>> from puclassify.picking.streaming._read_ahead import ahead
    >>> list(ahead(str.upper, "abc"))
    ['A', 'B', 'C']
    """
    results: queue.Queue = queue.Queue(maxsize=_N_AHEAD)
    stopped = threading.Event()
    settings = get_config()  # scikit-learn keeps them by thread

    def put(result) -> bool:
        while not stopped.is_set():
            try:
                results.put(result, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work():
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
            # Not left to the garbage: an error that somebody keeps would keep a thread going.
            if isinstance(items, Generator):
                items.close()

    # A daemon: a generator of items that never comes back must not keep the program from ending.
    thread = threading.Thread(target=work, name="puclassify-ahead", daemon=True)
    thread.start()
    try:
        while True:
            result, error = results.get()
            if error is not None:
                raise error
            if result is _END:
                return
            yield result
    finally:
        stopped.set()


def progress(results: Generator, total: int | None, verbose: int) -> Generator:
    """Show on standard error how many results there are and how long the rest will take.

    Parameters
    ----------
    results : generator
        The results.
    total : int or None
        How many there will be, if that is known.
    verbose : int
        0 shows nothing.

    Yields
    ------
    object
        The same results.
    """
    with closing(results):
        if verbose:
            yield from tqdm(results, total=total, unit="micrograph", smoothing=0.1)
        else:
            yield from results
