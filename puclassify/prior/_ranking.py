"""Checks that scores rank labelled positives above unlabelled examples."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm, rankdata

from puclassify._propensities import effective_size

__all__ = ["check_not_constant", "check_ranking"]

_CHANCE = 0.01  # level of the test that scores rank at all


def check_not_constant(scores: np.ndarray) -> None:
    """Refuse scores that are all equal."""
    if len(scores) and scores.min() == scores.max():
        raise ValueError(
            f"scores are all equal, {scores[0]:.6g}, and say nothing about the prior; did the "
            "classifier learn anything?"
        )


def check_ranking(scores: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> None:
    """Refuse scores that rank no better than chance, since every estimate from them looks sound.

    The variance is that of the Mann-Whitney statistic with ties, for weighted positives.
    """
    unlabelled = np.sort(scores[~positive])
    below = (
        np.searchsorted(unlabelled, scores[positive], "left"),
        np.searchsorted(unlabelled, scores[positive], "right"),
    )
    area = np.average(np.mean(below, axis=0), weights=weights) / len(unlabelled)
    of_ranks = np.var(rankdata(scores) / len(scores), ddof=1)
    variance = of_ranks * (1 / effective_size(weights) + 1 / len(unlabelled))
    p_value = norm.sf((area - 0.5) / np.sqrt(variance))
    if p_value > _CHANCE:
        raise ValueError(
            "the scores do not rank labelled positives above unlabelled examples: the area under "
            f"the ROC curve is {area:.3f}, no more than chance explains (p = {p_value:.2g}); "
            "pass scores that are higher for positives, of a classifier that learned something, "
            "or label more"
        )
