"""What a long step shows: a bar with the time left on a terminal, plain lines in a log file."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Self, TextIO

__all__ = [
    "Progress",
    "progress_line",
    "progress_on",
    "verbosity_of_steps",
    "with_progress",
    "with_verbose_steps",
    "write_line",
]

_SECONDS_BETWEEN_LINES = 30.0  # in a log file
_now = time.monotonic
_verbosity: ContextVar[int] = ContextVar("verbosity", default=0)
_stream: ContextVar[TextIO | None] = ContextVar("stream", default=None)  # None: standard error


class Progress:
    """Shows on standard error how far a step is and how long it will still take.

    A terminal or notebook gets a bar, everything else a line now and then and at the end, without
    carriage returns and colours. Several threads may advance one. With ``verbose=0`` it is silent;
    above 1 a terminal gets the lines of `milestone`, too. ``total`` is None if nobody knows it.
    """

    def __init__(self, total: int | None, unit: str, what: str = "", *, verbose: int = 1):
        self.total, self.unit, self.what = total, unit, what
        self.verbose = int(verbose)
        self.done = 0
        self._lock = threading.Lock()
        self._start = self._last = _now()
        self._shown = -1  # how much was done in the last line
        self._bar: Any = None
        if self.verbose and _is_interactive():
            from tqdm.auto import tqdm  # with widgets, in a notebook that has them

            self._bar = tqdm(
                total=total,
                desc=what or None,
                unit=unit,
                smoothing=0.1,
                dynamic_ncols=True,
                file=_shown_on(),
            )

    def advance(self, n: int = 1) -> None:
        """Note that n more are done."""
        if not self.verbose:
            return
        with self._lock:
            self.done += n
            if self._bar is not None:
                self._bar.update(n)
            elif _now() - self._last >= _SECONDS_BETWEEN_LINES:
                self._write_line()

    def milestone(self, note: str) -> None:
        """Show what was reached: behind the bar, or in a line."""
        if not self.verbose:
            return
        with self._lock:
            if self._bar is not None:
                self._bar.set_postfix_str(note)
            if self._bar is None or self.verbose > 1:
                self._write_line(note)

    def close(self) -> None:
        """Show the end; a step that ended early was as long as it is."""
        if not self.verbose:
            return
        if self._bar is not None:
            if self.total is not None:
                self._bar.total = self._bar.n
            self._bar.close()
        elif self._shown < self.done:
            self.total = self.done
            self._write_line()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        if kind is None:
            self.close()
        elif self._bar is not None:
            self._bar.close()  # where it stands

    def _write_line(self, note: str = "") -> None:
        self._last, self._shown = _now(), self.done
        line = progress_line(self.done, self.total, self.unit, self._last - self._start)
        write_line(": ".join(filter(None, [self.what, line])) + (note and f"; {note}"))


def with_progress(
    items: Iterable[Any], total: int | None, unit: str, what: str = "", *, verbose: int = 1
) -> Iterator[Any]:
    """Yield items and show their progress, as `Progress` does."""
    if not verbose:
        yield from items
        return
    with Progress(total, unit, what, verbose=verbose) as progress:
        for item in items:
            yield item
            progress.advance()


@contextmanager
def with_verbose_steps(verbose: int) -> Iterator[None]:
    """Let the steps inside that have no ``verbose`` of their own, as transformers, show theirs."""
    before = _verbosity.set(int(verbose))
    try:
        yield
    finally:
        _verbosity.reset(before)


def verbosity_of_steps() -> int:
    """Return the ``verbose`` that `with_verbose_steps` has set around this call."""
    return _verbosity.get()


def progress_line(done: int, total: int | None, unit: str, seconds: float) -> str:
    """Return how far a step is, in words."""
    if total is None:
        return f"{done} {_plural(unit, done)} in {_duration(seconds)}"
    left = "" if done in (0, total) else f", {_duration(seconds / done * (total - done))} left"
    return f"{done} of {total} {_plural(unit, total)} in {_duration(seconds)}{left}"


def write_line(text: str) -> None:
    """Write a line to standard error, above the bars that are there."""
    if "tqdm" in sys.modules:
        from tqdm import tqdm

        tqdm.write(text, file=_shown_on())
    else:
        print(text, file=_shown_on())
    _shown_on().flush()


@contextmanager
def progress_on(stream: TextIO) -> Iterator[None]:
    """Show the progress of steps inside on a stream other than standard error."""
    before = _stream.set(stream)
    try:
        yield
    finally:
        _stream.reset(before)


def _shown_on() -> TextIO:
    return _stream.get() or sys.stderr


def _is_interactive() -> bool:
    """Return whether the stream is a terminal, or a notebook, which both can redraw a line."""
    stream = _shown_on()
    in_notebook = type(stream).__module__.startswith("ipykernel")
    return in_notebook or (stream.isatty() and os.environ.get("TERM") != "dumb")


def _plural(unit: str, number: int) -> str:
    if number == 1:
        return unit
    return f"{unit}es" if unit.endswith("ch") else f"{unit}s"


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
