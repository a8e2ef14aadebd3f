"""Many micrographs: run them through a pipeline lazily, and write the picks of each."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sized
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from puclassify._parameters import check_flag, check_option
from puclassify._progress import with_progress
from puclassify._warnings import warn
from puclassify.io import (
    FolderWatch,
    PickWriter,
    SkippedMicrograph,
    given_name,
    iter_micrographs,
    source_of,
)
from puclassify.picking.streaming._one_micrograph import MicrographPipeline
from puclassify.picking.streaming._read_ahead import stream
from puclassify.picking.streaming._skipping import Carried, Failure, Guard, PickStream

__all__ = ["ON_ERROR", "collected", "stream_micrographs"]

ON_ERROR = ("raise", "warn", "skip")


def stream_micrographs(
    X: Iterable,
    pipeline: MicrographPipeline,
    finish: Callable,
    *,
    n_jobs: int | None,
    verbose: int,
    output: str | os.PathLike | None = None,
    picks_of: Callable[[Any], np.ndarray] | None = None,
    on_error: str = "raise",
    resume: bool = False,
    run: Mapping[str, str] | None = None,
) -> PickStream:
    """Yield ``finish(pipeline, image)`` of one micrograph after another, in order and lazily.

    ``finish`` is a method of the pipeline that accepts what it has preprocessed. With ``output``
    the picks of each result are written as soon as they exist, as by `ParticlePicker.predict`;
    ``picks_of`` extracts them if they are not the result itself. Files and names that cannot be
    written are an error of this call. ``run`` describes what picks, for later runs; a micrograph
    that one of them is to ``resume`` is not picked again, but read from its file. With ``on_error``
    other than "raise" None stands for a micrograph that failed.
    """
    check_option(on_error, "on_error", ON_ERROR)
    if check_flag(resume, "resume") and output is None:
        raise ValueError("resume=True needs the output of the run that is to be resumed, got None")
    writer = None if output is None else PickWriter(output, run, resume)
    items = iter_micrographs(X)
    total = len(items) if isinstance(items, Sized) else None
    if writer is not None and total is not None:
        writer.register(given_name(item, index) for index, item in enumerate(items))
    run_of = _Run(writer, on_error, picks_of, are_registered=total is not None)
    first, *others = [*pipeline.steps(), partial(finish, pipeline)]
    catches = on_error != "raise"
    steps = [Guard(first, catches, is_first=True), *(Guard(step, catches) for step in others)]
    results = run_of.finished(stream(steps[:-1], steps[-1], run_of.planned(items), n_jobs))
    if isinstance(X, FolderWatch):
        results = _no_longer_than_needed(results, X)
    return PickStream(_shown(results, total, verbose), run_of.skipped)


def collected(results: Iterable) -> np.ndarray:
    """Collect the results of n > 0 micrographs in an object array (n,), without copying them."""
    results = list(results)
    if not results:
        raise ValueError("X holds no micrographs, at least 1 is required")
    return np.fromiter(results, dtype=object, count=len(results))


def _no_longer_than_needed(results: Generator, files: FolderWatch) -> Generator:
    """Yield results; end the watch with them, for which a thread would go on waiting."""
    with closing(results):
        try:
            yield from results
        finally:
            files.stop()


def _shown(results: Generator, total: int | None, verbose: int) -> Generator:
    """Yield results and, if verbose, show their number and the time left."""
    with closing(results):
        yield from with_progress(results, total, "micrograph", "picking", verbose=verbose)


@dataclass(frozen=True)
class _Planned:
    """A micrograph that was taken, and whether its picks are there already."""

    name: str
    source: list
    is_done: bool


@dataclass
class _Run:
    """What is done about the micrographs around their picking, in the order of their coming."""

    writer: PickWriter | None
    on_error: str
    picks_of: Callable[[Any], np.ndarray] | None
    are_registered: bool
    skipped: list[SkippedMicrograph] = field(default_factory=list)
    plan: deque[_Planned] = field(default_factory=deque)
    n_picked: int = 0

    def planned(self, items: Iterable) -> Generator:
        """Yield the micrographs that are to be picked, and plan for all; in the reading thread."""
        for index, item in enumerate(items):
            name = given_name(item, index)
            failure = self._register(name)
            source = [] if self.writer is None else source_of(item)
            is_done = self.writer is not None and not failure and self.writer.is_done(name, source)
            self.plan.append(_Planned(name, source, is_done))
            if not is_done:
                yield Carried(name, index, failure or item)

    def _register(self, name: str) -> Failure | None:
        """Announce a name to the writer, if that could not be done for all at once."""
        if self.writer is None or self.are_registered:
            return None
        try:
            self.writer.register([name])
        except ValueError as error:
            if self.on_error == "raise":
                raise
            return Failure.of(error)
        return None

    def finished(self, results: Generator) -> Generator:
        """Write or report every result, and yield it; None stands for what was skipped."""
        with closing(results):
            for carried in results:
                yield from self._done_before()
                planned = self.plan.popleft()
                if isinstance(carried.value, Failure):
                    self._skip(carried.skipped())
                    yield None
                    continue
                self.n_picked += 1
                if self.writer is not None:
                    picks = carried.value if self.picks_of is None else self.picks_of(carried.value)
                    self.writer.write(carried.name, picks, planned.source)
                yield carried.value
        yield from self._done_before()
        if self.writer is not None:
            self.writer.finish()
        if self.skipped and not self.n_picked and self.on_error == "skip":
            warn(f"no micrograph could be picked; the first was skipped: {self.skipped[0]}")

    def _done_before(self) -> Generator:
        while self.writer is not None and self.plan and self.plan[0].is_done:
            self.n_picked += 1
            yield self.writer.read(self.plan.popleft().name)

    def _skip(self, skipped: SkippedMicrograph) -> None:
        self.skipped.append(skipped)
        if self.writer is not None:
            self.writer.skip(skipped)
        if self.on_error == "warn":
            warn(
                f"micrograph {skipped.micrograph!r} was skipped: {skipped.error}: {skipped.message}"
            )
