"""What a long step shows on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

import click

__all__ = ["library_output", "with_time_left"]

_SECONDS_BETWEEN_LINES = 30.0  # in a log file


@contextmanager
def library_output() -> Iterator[None]:
    """Print what the library prints on standard error, without ANSI codes in a file."""
    with redirect_stdout(_Plain()):
        yield


class _Plain:
    """A stream that hands lines on to standard error."""

    def write(self, text: str) -> int:
        click.echo(text, nl=False, err=True)  # strips codes where it is no terminal
        return len(text)

    def flush(self) -> None:
        sys.stderr.flush()


def with_time_left(items: Iterable[Any], total: int | None, what: str) -> Iterator[Any]:
    """Yield items; show their number and the time left: a bar on a terminal, else some lines."""
    if sys.stderr.isatty():
        from tqdm import tqdm

        yield from tqdm(items, total=total, unit=what, smoothing=0.1)
        return
    start = last = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= _SECONDS_BETWEEN_LINES or done == total:
            last = now
            click.echo(progress_line(done, total, what, now - start), err=True)


def progress_line(done: int, total: int | None, what: str, seconds: float) -> str:
    """Return a line of a log file."""
    if total is None:
        return f"{done} {what}s in {_duration(seconds)}"
    left = "" if done == total else f", {_duration(seconds / done * (total - done))} left"
    return f"{done} of {total} {what}s in {_duration(seconds)}{left}"


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
