"""Probabilities with which positives were labelled, as callers pass them."""

from __future__ import annotations

import numpy as np

__all__ = ["effective_size", "weights_of_labelled"]


def weights_of_labelled(propensities, positive) -> np.ndarray:
    """Return what each labelled positive counts: the inverse of its propensity.

    Parameters
    ----------
    propensities : array-like of shape (n,) or None
        Up to a common factor, the probability with which each example would be labelled if it
        is positive. Only those of the labelled positives are read; None means all are equal.
    positive : ndarray of bool of shape (n,)
        Which examples are labelled positive.

    Returns
    -------
    ndarray of shape (n_positive,)
        Weights in the order of the labelled positives, the largest of which is 1. Equal
        propensities give exactly 1, as None does.

    Raises
    ------
    ValueError
        If they have another shape, are not numbers, or one of a labelled positive lies outside
        (0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify._propensities import weights_of_labelled
    >>> weights_of_labelled([0.8, 0.2, np.nan], np.array([True, True, False]))
    array([0.25, 1.  ])
    """
    n, n_positive = len(positive), int(np.sum(positive))
    if propensities is None:
        return np.ones(n_positive)
    try:
        checked = np.asarray(propensities)
        if checked.dtype.kind not in "fiuO":
            raise TypeError(f"got {checked.dtype}")
        checked = checked.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"propensities must be one number for each example: {error}") from error
    if checked.shape != (n,):
        hint = ""
        if checked.shape == (n_positive,):
            hint = (
                "; to give those of the labelled positives only, put them into an array of all: "
                "full = np.ones(n); full[y == 1] = propensities"
            )
        raise ValueError(
            f"propensities must have shape ({n},), one number for each example, got "
            f"{checked.shape}{hint}"
        )
    of_labelled = checked[positive]
    wrong = np.flatnonzero(~((of_labelled > 0) & (of_labelled <= 1)))
    if len(wrong):
        index = np.flatnonzero(positive)[wrong[0]]
        raise ValueError(
            "propensities of labelled positives must be above 0 and at most 1, but "
            f"{len(wrong)} of {n_positive} are not: that at index {index} is {checked[index]:.6g}; "
            "pass the probability with which such a positive is labelled, not its inverse"
        )
    return of_labelled.min() / of_labelled


def effective_size(weights) -> float:
    r"""Return how many examples of equal weight would tell as much.

    Parameters
    ----------
    weights : ndarray of shape (n,)
        What each example counts.

    Returns
    -------
    float
        :math:`(\sum_i w_i)^2 / \sum_i w_i^2` (Kish, *Survey Sampling*, 1965, section 11.7): n for
        equal weights, less for others.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify._propensities import effective_size
    >>> effective_size(np.ones(5)), effective_size(np.array([1.0, 0.0]))
    (5.0, 1.0)
    """
    return float(np.sum(weights) ** 2 / np.sum(weights**2))
