"""Scores that are something else: probabilities, or labels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from puclassify._warnings import warn

__all__ = ["look_like_probabilities", "scores_of_an_estimator", "warn_if_labels"]

_MANY = 20  # scores, which are hardly within [0, 1] or of two whole values by chance
_known = ContextVar("_known", default=False)


@contextmanager
def scores_of_an_estimator() -> Iterator[None]:
    """Warn of no labels among scores: they are what the estimator's own methods return."""
    token = _known.set(True)
    try:
        yield
    finally:
        _known.reset(token)


def look_like_probabilities(scores: np.ndarray) -> bool:
    """Return whether many scores (n,) all lie within [0, 1], and not all at its ends."""
    within = len(scores) >= _MANY and scores.min() >= 0 and scores.max() <= 1
    return bool(within and (scores != np.rint(scores)).any())


def warn_if_labels(scores: np.ndarray, name: str) -> None:
    """Warn of many scores (n,) that are all 0 or 1, or -1 or 1."""
    if len(scores) < _MANY or _known.get():
        return
    low, high = scores.min(), scores.max()
    if high == 1 and low in (0, -1) and ((scores == low) | (scores == high)).all():
        warn(
            f"{name} holds only {low:g} and {high:g}: these look like labels, which rank nothing "
            "among themselves; pass decision_function(X) or predict_proba(X)[:, 1], not predict(X)"
        )
