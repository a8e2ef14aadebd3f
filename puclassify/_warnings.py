"""Warnings that point at the user's own line."""

from __future__ import annotations

import sys
import warnings

__all__ = ["warn"]

# What stands between a user's line and this package: decorated methods, searches, workers.
_SKIPPED = ("puclassify", "sklearn", "joblib", "contextlib", "functools")


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the innermost line that is neither this package's nor scikit-learn's."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _is_skipped(frame):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _is_skipped(frame) -> bool:
    return frame.f_globals.get("__name__", "").partition(".")[0] in _SKIPPED
