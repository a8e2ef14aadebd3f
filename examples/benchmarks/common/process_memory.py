"""Memory of this process (Linux).

Imports nothing, so that a process which does nothing else can be measured too.
"""

__all__ = ["megabytes"]


def megabytes(field: str) -> float:
    """Return "VmRSS", the memory in use now, or "VmHWM", the peak so far, in MiB."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(field))
