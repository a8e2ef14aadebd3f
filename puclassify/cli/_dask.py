"""A cluster of Dask for what a command spreads over workers."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

__all__ = ["workers"]

_SECONDS_WITHOUT_NEW = 5.0  # workers, until they are taken to be all


@contextmanager
def workers(scheduler: str | None) -> Iterator[None]:
    """Let joblib use the workers of a scheduler, given by its address or file; None for none."""
    if scheduler is None:
        yield
        return
    try:
        from dask.distributed import Client
    except ImportError as error:
        raise ImportError(
            '--dask needs dask and distributed: pip install "puclassify[dask]"'
        ) from error
    import joblib

    is_file = os.path.isfile(scheduler)
    if not is_file and "://" not in scheduler:
        raise ValueError(
            f"--dask: {scheduler} is neither a scheduler file that is there nor an address such as "
            "tcp://host:8786"
        )
    try:
        client = Client(scheduler_file=scheduler) if is_file else Client(scheduler)
    except (OSError, ValueError) as error:
        raise OSError(f"--dask: no scheduler answers at {scheduler}: {error}") from error
    with client, joblib.parallel_config(backend="dask"):
        n_workers = _wait_for_workers(client, scheduler)
        click.echo(f"{n_workers} workers at {scheduler}", err=True)
        yield


def _wait_for_workers(client: Any, scheduler: str) -> int:
    """Wait until no more workers come; return their number of threads.

    joblib counts them once, and those that come later have hardly any work.
    """
    if not client.nthreads():
        click.echo(f"waiting for workers at {scheduler}", err=True)
        client.wait_for_workers(1)
    before = 0
    while (n_workers := sum(client.nthreads().values())) > before:
        before = n_workers
        time.sleep(_SECONDS_WITHOUT_NEW)
    return n_workers
