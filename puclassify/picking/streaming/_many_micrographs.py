"""Many micrographs: run them through a pipeline lazily, and write the picks of each."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sized
from contextlib import closing
from functools import partial
from typing import Any

import numpy as np

from puclassify.io import PickWriter, iter_micrographs, micrograph_name
from puclassify.picking.streaming._one_micrograph import MicrographPipeline
from puclassify.picking.streaming._read_ahead import stream, with_progress

__all__ = ["collected", "stream_micrographs"]


def stream_micrographs(
    X: Iterable,
    pipeline: MicrographPipeline,
    finish: Callable,
    *,
    n_jobs: int | None,
    verbose: int,
    output: str | os.PathLike | None = None,
    picks_of: Callable[[Any], np.ndarray] | None = None,
) -> Generator:
    """Yield ``finish(pipeline, image)`` of one micrograph after another, in order and lazily.

    ``finish`` is a method of the pipeline that accepts what it has preprocessed. With ``output``
    the picks of each result are written as soon as they exist, as by `ParticlePicker.predict`;
    ``picks_of`` extracts them if they are not the result itself. A file that cannot be written is
    an error of this call.
    """
    writer = None if output is None else PickWriter(output)
    items = iter_micrographs(X)
    total = len(items) if isinstance(items, Sized) else None
    paths: deque[str] = deque()
    if writer is not None:
        items = _noted(items, paths)
    results = stream(pipeline.steps(), partial(finish, pipeline), items, n_jobs)
    results = with_progress(results, total, verbose)
    return results if writer is None else _written(results, paths, writer, picks_of)


def collected(results: Iterable) -> np.ndarray:
    """Collect the results of n > 0 micrographs in an object array (n,), without copying them."""
    results = list(results)
    if not results:
        raise ValueError("X holds no micrographs, at least 1 is required")
    return np.fromiter(results, dtype=object, count=len(results))


def _noted(items: Iterable, paths: deque[str]) -> Generator:
    """Append the caller's name of each micrograph to ``paths`` when it is taken."""
    for index, item in enumerate(items):
        is_path = isinstance(item, (str, os.PathLike))
        paths.append(os.fspath(item) if is_path else micrograph_name(item, index))
        yield item


def _written(
    results: Generator, paths: deque[str], writer: PickWriter, picks_of: Callable | None
) -> Generator:
    """Write the picks of every micrograph, under the caller's name for it."""
    with closing(results):
        for result in results:
            writer.write(paths.popleft(), result if picks_of is None else picks_of(result))
            yield result
    writer.finish()
