"""Ranks of labels among the candidates of their micrograph."""

import numpy as np
import pytest

from puclassify.picking.estimates._cross_fitting import MatchedScores
from puclassify.picking.estimates._ranks import are_clearly_better, ranks_of_labels


def one_by_one(labels, candidates):
    """Count the candidates above each label, and half of the others that equal it."""
    return [sum(candidates > one) + max(0, sum(candidates == one) - 1) / 2 for one in labels]


@pytest.mark.parametrize("step", [0.01, 1.0, 10.0])
def test_equals_counting(step):
    rng = np.random.default_rng(0)
    groups = np.repeat([0, 1, 2], 20)
    candidates = np.round(rng.normal(0, 2, 60) / step) * step
    candidates = np.concatenate([np.sort(candidates[groups == g]) for g in range(3)])
    of_labels = np.array([0, 0, 1, 2, 2, 2])
    labels = np.array([candidates[3], candidates[19], candidates[25], candidates[40], -np.inf, 99])
    scores = MatchedScores(labels, candidates, of_labels, groups)
    expected = np.concatenate(
        [one_by_one(labels[of_labels == g], candidates[groups == g]) for g in range(3)]
    )
    np.testing.assert_array_equal(ranks_of_labels(scores), expected)


def test_a_scorer_that_scores_all_alike_ranks_no_label_high():
    groups = np.zeros(101, int)
    alike = MatchedScores(np.zeros(20), np.zeros(101), np.zeros(20, int), groups)
    assert set(ranks_of_labels(alike)) == {50}
    sharp = MatchedScores(np.arange(81, 101.0), np.arange(101.0), np.zeros(20, int), groups)
    assert are_clearly_better(ranks_of_labels(sharp), ranks_of_labels(alike), 1.0)
    assert not are_clearly_better(ranks_of_labels(alike), ranks_of_labels(sharp), 1.0)


def test_ranks_are_counted_within_the_micrograph():
    candidates = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])  # of micrographs 0 and 1 in turn
    groups = np.array([0, 1, 0, 1, 0, 1])
    labels = np.array([2.0, -np.inf, 5.0, 3.0])
    scores = MatchedScores(labels, candidates, np.array([0, 0, 1, 1]), groups)
    np.testing.assert_array_equal(ranks_of_labels(scores), [1, 3, 0, 1])


@pytest.mark.parametrize(
    ("ranks", "others", "is_better"),
    [
        ([0, 1, 0, 2, 1], [9, 7, 11, 8, 20], True),
        ([9, 7, 11, 8, 20], [0, 1, 0, 2, 1], False),
        ([0, 9, 3, 5, 2], [1, 8, 4, 4, 1], False),  # within the spread
        ([0], [100], False),  # which has no spread
        ([3, 3, 3], [3, 3, 3], False),
    ],
)
def test_better_is_beyond_the_spread(ranks, others, is_better):
    assert are_clearly_better(np.array(ranks), np.array(others), 1.0) == is_better
