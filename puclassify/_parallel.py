"""Where nested calls of joblib run."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from joblib import parallel_config
from joblib.parallel import (
    LokyBackend,
    MultiprocessingBackend,
    SequentialBackend,
    ThreadingBackend,
    get_active_backend,
)

__all__ = ["on_this_machine"]

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
