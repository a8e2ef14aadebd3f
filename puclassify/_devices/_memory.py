"""How much memory is free."""

from __future__ import annotations

import os
from pathlib import Path

import torch

__all__ = ["free_memory"]


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
