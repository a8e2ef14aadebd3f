"""Ranks of labels among the candidates of their micrograph, to compare two scorers by."""

from __future__ import annotations

import numpy as np

from puclassify.picking.estimates._cross_fitting import HeldOutScores, MatchedScores

__all__ = ["are_clearly_better", "ranks_of_labels"]


def ranks_of_labels(scores: HeldOutScores | MatchedScores) -> np.ndarray:
    """Return how many candidates of its micrograph score above each label, of equal ones half.

    All do above a label without a candidate.
    """
    if isinstance(scores, MatchedScores):
        labels, candidates = scores.labels, scores.candidates
    else:
        labels, candidates = scores.label_scores, scores.candidate_scores
    of_labels, of_candidates = scores.label_groups, scores.candidate_groups
    if of_labels is None or of_candidates is None:
        return _n_above(candidates, labels)
    above = np.zeros(len(labels))
    for group in np.unique(of_labels):
        ascending = candidates[of_candidates == group]
        here = of_labels == group
        above[here] = _n_above(ascending, labels[here])
    return above


def _n_above(ascending: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Count the candidates above labels; a scorer that scores all alike must not rank high."""
    below, not_above = (np.searchsorted(ascending, labels, side) for side in ("left", "right"))
    others_alike = np.maximum(not_above - below - 1, 0)
    return len(ascending) - not_above + others_alike / 2


def are_clearly_better(ranks: np.ndarray, others: np.ndarray, deviations: float) -> bool:
    """Return whether the same labels rank higher by more than so many standard errors.

    Compared are logarithms: one candidate above instead of none is as much as 100 instead of 50.
    """
    gains = np.log1p(others) - np.log1p(ranks)
    if len(gains) < 2:
        return False
    return bool(gains.mean() > deviations * gains.std(ddof=1) / np.sqrt(len(gains)))
