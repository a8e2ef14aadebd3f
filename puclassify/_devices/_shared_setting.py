"""Settings of the whole process, changed only while at least one thread needs it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

__all__ = ["SharedContext", "SharedSetting"]


class SharedContext(contextlib.AbstractContextManager):
    """One context for all threads: the first to come in enters it, the last to leave exits it."""

    def __init__(self, make: Callable[[], contextlib.AbstractContextManager]):
        self._make = make
        self._lock = threading.Lock()
        self._n_inside = 0
        self._entered = contextlib.ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if self._n_inside == 0:
                self._entered.enter_context(self._make())
            self._n_inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._n_inside -= 1
            if self._n_inside == 0:
                self._entered.close()


class SharedSetting(SharedContext):
    """Sets a process-wide attribute: the first to enter sets it, the last to leave restores it."""

    def __init__(self, owner: Any, name: str, value: Any):
        super().__init__(partial(_attribute_set, owner, name, value))


@contextlib.contextmanager
def _attribute_set(owner: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)
