"""Checks that scores rank labelled positives above unlabelled examples."""

from __future__ import annotations

import numpy as np
from scipy.stats import hypergeom, norm, rankdata

from puclassify._propensities import effective_size

__all__ = ["check_not_constant", "check_ranking"]

_CHANCE = 0.01  # level of the test that scores rank at all
_CLEARLY_NOT = 0.001
_PASSED = (0, 2)  # lowest labelled positives that are passed over, for they may be outliers


def check_not_constant(scores: np.ndarray) -> None:
    """Refuse scores that are all equal."""
    if len(scores) and scores.min() == scores.max():
        raise ValueError(
            f"scores are all equal, {scores[0]:.6g}, and say nothing about the prior; did the "
            "classifier learn anything?"
        )


def check_ranking(scores: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> bool:
    """Refuse scores that rank no better than chance, since every estimate from them looks sound.

    Return whether they do so clearly. Where a prior near 1 only just passes, it was estimated too
    low by chance.
    """
    area, p_value = _by_mean_rank(scores, positive, weights)
    is_random_sample = np.ptp(weights) == 0
    if is_random_sample and area >= 0.5:
        of_lowest = _by_lowest_positives(scores, positive)
        # One half of the level is for the mean rank, the other for the lowest positives.
        p_value = min(2 * p_value, *(2 * len(_PASSED) * p for p in of_lowest), 1.0)
    if p_value > _CHANCE:
        raise ValueError(_reason(area, p_value, int(np.sum(positive))))
    return p_value <= _CLEARLY_NOT


def _by_mean_rank(
    scores: np.ndarray, positive: np.ndarray, weights: np.ndarray
) -> tuple[float, float]:
    """Return the area under the ROC curve and the p-value of the Mann-Whitney test.

    The variance is that of the statistic with ties, for weighted positives.
    """
    unlabelled = np.sort(scores[~positive])
    below = (
        np.searchsorted(unlabelled, scores[positive], "left"),
        np.searchsorted(unlabelled, scores[positive], "right"),
    )
    area = np.average(np.mean(below, axis=0), weights=weights) / len(unlabelled)
    of_ranks = np.var(rankdata(scores) / len(scores), ddof=1)
    variance = of_ranks * (1 / effective_size(weights) + 1 / len(unlabelled))
    return float(area), float(norm.sf((area - 0.5) / np.sqrt(variance)))


def _by_lowest_positives(scores: np.ndarray, positive: np.ndarray) -> list[float]:
    """Return p-values of how many unlabelled examples score below the lowest labelled positives.

    Where most unlabelled examples are positive the mean rank says next to nothing, but the few
    negatives lie below all positives. The p-values are exact: if labels were given at random, the
    number of labelled ones among so many of the lowest examples would be hypergeometric.
    """
    labelled, unlabelled = np.sort(scores[positive]), np.sort(scores[~positive])
    found = []
    for passed in _PASSED:
        if passed < len(labelled):
            n_below = int(np.searchsorted(unlabelled, labelled[passed], "left"))
            lowest = n_below + passed
            found.append(float(hypergeom.cdf(passed, len(scores), len(labelled), lowest)))
    return found


def _reason(area: float, p_value: float, n_labelled: int) -> str:
    """Say which two things the data are consistent with, and which priors so few labels show."""
    at_most = (_CHANCE / (2 * len(_PASSED))) ** (1 / n_labelled)
    return (
        "the scores do not rank labelled positives above unlabelled examples: the area under the "
        f"ROC curve is {area:.3f}, no more than chance explains (p = {p_value:.2g}). Either the "
        "classifier learned nothing: pass scores that are higher for positives; or most unlabelled "
        f"examples are positive too: {n_labelled} labelled positives show that a prior is below 1 "
        f"if it is below about {at_most:.2f}, even with perfect scores, so label more"
    )
