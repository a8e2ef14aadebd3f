"""Random numbers that leave the caller's generators alone."""

from __future__ import annotations

import contextlib

import torch

__all__ = ["seeded"]


@contextlib.contextmanager
def seeded(device: torch.device, seed: int):
    """Context in which torch draws from a seed; the caller's generators are put back after it.

    Parameters
    ----------
    device : torch.device
        Its generator and that of the CPU are seeded, those of other devices are not touched.
    seed : int
        The seed.
    """
    on_cuda = device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if on_cuda else []):
        torch.default_generator.manual_seed(seed)
        if on_cuda:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield
