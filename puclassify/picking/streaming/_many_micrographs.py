"""Many micrographs through one pipeline, and the picks of each into a file."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from functools import partial

import numpy as np

from puclassify.io import PickWriter, iter_micrographs, micrograph_name
from puclassify.picking.streaming._one_micrograph import MicrographPipeline
from puclassify.picking.streaming._read_ahead import progress, stream

__all__ = ["collected", "stream_micrographs"]


def stream_micrographs(
    X: Iterable,
    pipeline: MicrographPipeline,
    finish: Callable,
    *,
    n_jobs,
    verbose: int,
    output=None,
    picks_of: Callable | None = None,
) -> Generator:
    """Take micrographs through a pipeline, lazily and in order.

    Parameters
    ----------
    X : iterable of path, 2-D array or GridImage
        The micrographs.
    pipeline : MicrographPipeline
        Reads and preprocesses them.
    finish : callable
        The method of it that makes a result of what it has preprocessed.
    n_jobs : int or None
        As of `puclassify.picking.streaming._read_ahead.stream`.
    verbose : int
        Above 0 the progress is shown.
    output : str, path-like or None, default=None
        Where picks are written as soon as there are some, as of `ParticlePicker.predict`.
    picks_of : callable or None, default=None
        Takes the picks out of a result; None if they are the result.

    Returns
    -------
    generator
        What ``finish`` gives of one micrograph after another.

    Raises
    ------
    OSError, ValueError, ImportError
        At once, if nothing could be written to ``output``.
    """
    writer = None if output is None else PickWriter(output)
    items = iter_micrographs(X)
    total = len(items) if hasattr(items, "__len__") else None
    paths: deque[str] = deque()
    if writer is not None:
        items = _noted(items, paths)
    results = stream(pipeline.steps(), partial(finish, pipeline), items, n_jobs)
    results = progress(results, total, verbose)
    return results if writer is None else _written(results, paths, writer, picks_of)


def collected(results: Iterable) -> np.ndarray:
    """Collect the results of all micrographs.

    Parameters
    ----------
    results : iterable of n objects
        From `stream_micrographs`, say.

    Returns
    -------
    ndarray of shape (n,), dtype object
        The objects themselves; no pixel is copied.

    Raises
    ------
    ValueError
        If there is none.
    """
    results = list(results)
    if not results:
        raise ValueError("X holds no micrographs, at least 1 is required")
    return np.fromiter(results, dtype=object, count=len(results))


def _noted(items, paths):
    """Note how the caller called the micrographs, as they are taken."""
    for index, item in enumerate(items):
        is_path = isinstance(item, (str, os.PathLike))
        paths.append(os.fspath(item) if is_path else micrograph_name(item, index))
        yield item


def _written(results, paths, writer, picks_of):
    """Write the picks of every micrograph, under the path that the caller gave."""
    with closing(results):
        for result in results:
            writer.write(paths.popleft(), result if picks_of is None else picks_of(result))
            yield result
    writer.finish()
