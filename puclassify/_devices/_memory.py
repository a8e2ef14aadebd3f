"""How much memory is free."""

from __future__ import annotations

import os
from pathlib import Path

import torch

__all__ = ["free_memory"]


def free_memory(device: torch.device) -> float:
    """Return the free bytes of a device, or of the machine; infinity where nobody says.

    Parameters
    ----------
    device : torch.device
        The device.

    Returns
    -------
    float
        What could be allocated.
    """
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:  # Linux: without what files occupy that could be dropped
        lines = Path("/proc/meminfo").read_text().splitlines()
        (available,) = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
        return 1024 * int(available)
    except (OSError, ValueError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return float("inf")
