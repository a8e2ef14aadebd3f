"""Scores that are something else: probabilities, or labels."""

from __future__ import annotations

import numpy as np

from puclassify._warnings import warn

__all__ = ["look_like_probabilities", "warn_if_labels"]

_MANY = 20  # scores, which are hardly within [0, 1] or of two whole values by chance


def look_like_probabilities(scores: np.ndarray) -> bool:
    """Return whether many scores (n,) all lie within [0, 1], and not all at its ends."""
    within = len(scores) >= _MANY and scores.min() >= 0 and scores.max() <= 1
    return bool(within and (scores != np.rint(scores)).any())


def warn_if_labels(scores: np.ndarray, name: str) -> None:
    """Warn of many scores (n,) that are all 0 or 1, or -1 or 1."""
    if len(scores) < _MANY:
        return
    low, high = scores.min(), scores.max()
    if high == 1 and low in (0, -1) and ((scores == low) | (scores == high)).all():
        warn(
            f"{name} holds only {low:g} and {high:g}: these look like labels, which rank nothing "
            "among themselves; pass decision_function(X) or predict_proba(X)[:, 1], not predict(X)"
        )
