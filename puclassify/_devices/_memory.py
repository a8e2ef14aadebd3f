"""How much memory is free, and whether an error says that it was too little."""

from __future__ import annotations

import os
from pathlib import Path

import torch

__all__ = ["free_memory", "is_out_of_memory", "release_memory"]

# Of the CPU, cuBLAS and cuDNN, which have no kind of error of their own.
_WORDS = ("out of memory", "can't allocate memory", "ALLOC_FAILED")


def free_memory(device: torch.device) -> float:
    """Return the free bytes of a GPU, or of the machine; infinity where the system does not say."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:  # Linux: caches of files count as free
        lines = Path("/proc/meminfo").read_text().splitlines()
        (available,) = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
        return 1024 * int(available)
    except (OSError, ValueError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return float("inf")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether a computation failed because a device or the machine has no memory left."""
    if isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _WORDS)


def release_memory(device: torch.device) -> None:
    """Give back what torch keeps of a GPU's memory for later."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
