"""Ranks of labels among the candidates of their micrograph, to compare two scorers by."""

from __future__ import annotations

import numpy as np

from puclassify.picking.estimates._cross_fitting import HeldOutScores, MatchedScores

__all__ = ["are_clearly_better", "ranks_of_labels"]


def ranks_of_labels(scores: HeldOutScores | MatchedScores) -> np.ndarray:
    """Return how many candidates of its micrograph score above each label.

    All do above a label without a candidate.
    """
    if isinstance(scores, MatchedScores):
        labels, candidates = scores.labels, scores.candidates
    else:
        labels, candidates = scores.label_scores, scores.candidate_scores
    of_labels, of_candidates = scores.label_groups, scores.candidate_groups
    if of_labels is None or of_candidates is None:
        return len(candidates) - np.searchsorted(candidates, labels, side="right")
    above = np.zeros(len(labels), dtype=int)
    for group in np.unique(of_labels):
        ascending = candidates[of_candidates == group]
        here = of_labels == group
        above[here] = len(ascending) - np.searchsorted(ascending, labels[here], side="right")
    return above


def are_clearly_better(ranks: np.ndarray, others: np.ndarray, deviations: float) -> bool:
    """Return whether the same labels rank higher by more than so many standard errors.

    Compared are logarithms: one candidate above instead of none is as much as 100 instead of 50.
    """
    gains = np.log1p(others) - np.log1p(ranks)
    if len(gains) < 2:
        return False
    return bool(gains.mean() > deviations * gains.std(ddof=1) / np.sqrt(len(gains)))
