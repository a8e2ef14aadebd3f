"""Micrographs that fail: the run ends with an error that names them, or goes on without them."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

from puclassify.io import SkippedMicrograph

__all__ = ["Carried", "Failure", "Guard", "PickStream"]


@dataclass(frozen=True)
class Failure:
    """What is left of an error: texts, which can be pickled and hold no pixels."""

    error: str
    message: str

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """Return what to remember of an error."""
        return cls(type(error).__name__, str(error))


@dataclass(frozen=True)
class Carried:
    """What the steps have made of a micrograph so far, or why one failed, under its name."""

    name: str
    index: int
    value: Any

    def skipped(self) -> SkippedMicrograph:
        """Report the failure."""
        return SkippedMicrograph(self.name, self.value.error, self.value.message)


@dataclass(frozen=True)
class Guard:
    """A step that keeps the name of a micrograph, and catches its errors or adds the name."""

    step: Callable
    catches: bool
    is_first: bool = False  # and takes the micrograph's index, too

    def __call__(self, carried: Carried, *_: int) -> Carried:
        """Apply the step to what the steps before it have not failed at."""
        if isinstance(carried.value, Failure):
            return carried
        arguments = (carried.value, carried.index) if self.is_first else (carried.value,)
        try:
            return replace(carried, value=self.step(*arguments))
        except Exception as error:
            if not self.catches:
                error.add_note(f"This happened to micrograph {carried.name!r}.")
                raise
            return replace(carried, value=Failure.of(error))


class PickStream(Generator):
    """The results of one micrograph after another, and ``skipped``, those without one so far."""

    def __init__(self, results: Generator, skipped: list[SkippedMicrograph]):
        self._results = results
        self.skipped = skipped

    def through(self, further: Callable[[Generator], Generator]) -> PickStream:
        """Return the stream with its results passed through a generator function."""
        return PickStream(further(self._results), self.skipped)

    def send(self, value: Any) -> Any:
        """Return the next result."""
        return self._results.send(value)

    def throw(self, type: Any, value: Any = None, traceback: TracebackType | None = None, /) -> Any:
        """Raise an error where the results are made."""
        return self._results.throw(type if value is None else value)

    def close(self) -> None:
        """End the run."""
        self._results.close()
