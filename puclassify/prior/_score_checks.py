"""Scores of a classifier, as a caller hands them over."""

from __future__ import annotations

import numpy as np

from puclassify._parameters import check_score_vector

__all__ = ["check_scores"]


def check_scores(scores) -> np.ndarray:
    """Return scores as a vector of floating-point numbers that can be ordered.

    Parameters
    ----------
    scores : array-like of shape (n,)
        What the caller passed.

    Returns
    -------
    ndarray of float of shape (n,)
        The same numbers.

    Raises
    ------
    ValueError
        If they have another shape, are not real numbers, or one is NaN.
    """
    try:
        checked = np.asarray(scores)
        if checked.dtype.kind not in "fiubO":
            raise TypeError(f"got {checked.dtype}")
        checked = checked if checked.dtype.kind == "f" else checked.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"scores must be one number for each example: {error}") from error
    return check_score_vector(checked, "scores")
