"""Settings of the whole process, changed only while at least one thread needs it."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

__all__ = ["SharedSetting"]


class SharedSetting(contextlib.AbstractContextManager):
    """Sets a process-wide attribute: the first to enter sets it, the last to leave restores it."""

    def __init__(self, owner: Any, name: str, value: Any):
        self._owner, self._name, self._value = owner, name, value
        self._lock = threading.Lock()
        self._n_inside = 0
        self._before: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if self._n_inside == 0:
                self._before = getattr(self._owner, self._name)
                setattr(self._owner, self._name, self._value)
            self._n_inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._n_inside -= 1
            if self._n_inside == 0:
                setattr(self._owner, self._name, self._before)
