"""
How much memory this process takes (Linux)
==========================================

Imports nothing, so that it can be asked of a process that has done nothing else either.
"""

__all__ = ["megabytes"]


def megabytes(what):
    """Return "VmRSS", what the process holds, or "VmHWM", the most that it held, in MB."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(what))
