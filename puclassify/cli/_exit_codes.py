"""What the exit status of a command means."""

from __future__ import annotations

__all__ = ["INPUT_ERROR", "INTERRUPTED", "OK", "SKIPPED", "USAGE_ERROR"]

OK = 0
INPUT_ERROR = 1  # in a file or a value
USAGE_ERROR = 2  # an option or argument that the command does not have
SKIPPED = 3  # finished, but some micrographs were left out
INTERRUPTED = 130  # by Ctrl-C
