"""Propensities, the probabilities with which positives were labelled, and weights from them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from puclassify._parameters import check_number_of_each

__all__ = ["effective_size", "weights_of_labelled"]


def weights_of_labelled(propensities: ArrayLike | None, positive: np.ndarray) -> np.ndarray:
    """Return the weight of each labelled positive: its inverse propensity, the largest being 1.

    ``propensities`` (n,) are, up to a common factor, the probabilities with which each example
    would be labelled if it were positive; only those of labelled positives are used. Equal
    propensities give weights of exactly 1, as None does.
    """
    n, n_positive = len(positive), int(np.sum(positive))
    if propensities is None:
        return np.ones(n_positive)
    of_labelled_only = (
        "; if these belong to the labelled positives only, put them into a full array: "
        "full = np.ones(n); full[y == 1] = propensities"
    )
    checked = check_number_of_each(
        propensities, "propensities", n, kinds="fiuO", hints={(n_positive,): of_labelled_only}
    )
    of_labelled = checked[positive]
    wrong = np.flatnonzero(~((of_labelled > 0) & (of_labelled <= 1)))
    if len(wrong):
        index = np.flatnonzero(positive)[wrong[0]]
        raise ValueError(
            "propensities of labelled positives must be above 0 and at most 1, but "
            f"{len(wrong)} of {n_positive} are not: the one at index {index} is "
            f"{checked[index]:.6g}; pass the probability of being labelled, not its inverse"
        )
    return of_labelled.min() / of_labelled


def effective_size(weights: np.ndarray) -> float:
    r"""Return the number of examples of equal weight that would give an estimate as precise.

    :math:`(\sum_i w_i)^2 / \sum_i w_i^2` (Kish, *Survey Sampling*, 1965, section 11.7).
    """
    return float(np.sum(weights) ** 2 / np.sum(weights**2))
