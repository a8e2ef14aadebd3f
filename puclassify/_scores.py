"""Scores of a classifier as callers pass them."""

from __future__ import annotations

import numpy as np

__all__ = ["check_score_vector"]


def check_score_vector(scores: np.ndarray, name: str) -> np.ndarray:
    """Refuse scores that are not one number for each example.

    Parameters
    ----------
    scores : ndarray of a floating-point type
        The scores.
    name : str
        What messages call them.

    Returns
    -------
    ndarray of shape (n,)
        The same.

    Raises
    ------
    ValueError
        If there are several for an example, or one is NaN.
    """
    if scores.ndim != 1:
        hint = ": pass predict_proba(X)[:, 1]" if scores.shape[1:] == (2,) else ""
        raise ValueError(f"{name} must have shape (n,), got {scores.shape}{hint}")
    missing = np.flatnonzero(np.isnan(scores))
    if len(missing):
        raise ValueError(
            f"{name} must be numbers, but {len(missing)} of {len(scores)} are NaN, the first at "
            f"index {missing[0]}; did the training of the classifier diverge?"
        )
    return scores
