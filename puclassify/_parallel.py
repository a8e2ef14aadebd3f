"""Where nested calls of joblib run, and how long its workers live."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from joblib import parallel_config
from joblib.parallel import (
    LokyBackend,
    MultiprocessingBackend,
    SequentialBackend,
    ThreadingBackend,
    get_active_backend,
)

__all__ = ["WorkerTask", "on_this_machine"]

_SECONDS_BETWEEN_LOOKS = 1.0
_LOCAL_BACKENDS = (LokyBackend, MultiprocessingBackend, SequentialBackend, ThreadingBackend)


def on_this_machine() -> AbstractContextManager:
    """Return a context in which nested calls of joblib use threads instead of a cluster.

    A task on a cluster may submit tasks of its own, and joblib does so for every nested
    ``Parallel``, even one over a single micrograph: its pixels would travel to another worker and
    back at every step of the preprocessing. Local backends are left as they are.
    """
    backend, _ = get_active_backend()
    if isinstance(backend, _LOCAL_BACKENDS):
        return nullcontext()
    return parallel_config("threading")


@dataclass(frozen=True)
class WorkerTask:
    """A function for workers: their process ends when the one that made the task is killed.

    joblib's own would go on for minutes, or for good, with what they hold of memory and GPUs. Those
    that an earlier call has left are in the folder that was current then, where relative paths are
    wrong: they follow.
    """

    call: Callable  # not "function", which scikit-learn's `delayed` would take for its own
    owner: int = field(default_factory=os.getpid)
    folder: str = field(default_factory=os.getcwd)

    @property
    def __name__(self) -> str:
        """The function's, which Dask shows."""
        return self.call.__name__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        _end_with(self.owner)
        if os.getppid() == self.owner and os.getcwd() != self.folder:
            os.chdir(self.folder)
        return self.call(*args, **kwargs)


_watched: set[int] = set()  # processes with a thread that looks after their parents


def _end_with(owner: int) -> None:
    """Let this process end with its parent, if that is the owner and not a cluster's."""
    if os.getpid() in _watched or os.getppid() != owner:
        return
    _watched.add(os.getpid())

    def look():
        while os.getppid() == owner:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        os._exit(1)

    threading.Thread(target=look, name="puclassify-parent", daemon=True).start()
