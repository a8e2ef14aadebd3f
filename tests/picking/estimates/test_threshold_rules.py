import numpy as np
import pytest
from scipy.special import expit

from puclassify.picking.estimates._threshold_rules import (
    check_threshold,
    choose_threshold,
    cuts,
    quality,
)


@pytest.fixture
def logits():
    return np.random.default_rng(0).normal(-2.0, 3.0, 500)


def by_hand(logits, threshold, found):
    picked = [p for p in logits if p > threshold]
    right = sum(expit(p) for p in picked)
    particles = sum(expit(p) for p in logits) / found
    precision, recall = right / len(picked), right / particles
    return precision, recall, 2 * precision * recall / (precision + recall)


class TestQuality:
    def test_by_hand(self, logits):
        got = quality(logits, 0.5, 0.8)
        expected = by_hand(logits, 0.5, 0.8)
        assert [got[k] for k in ("precision", "recall", "f1")] == pytest.approx(expected)
        assert got["n_picks"] == sum(logits > 0.5)

    def test_without_picks(self, logits):
        got = quality(logits, 99.0, 1.0)
        assert got["n_picks"] == 0
        assert np.isnan(got["precision"])
        assert got["recall"] == got["f1"] == 0

    def test_many_thresholds_at_once(self, logits):
        thresholds = [0.5, 99.0, -2.0, -np.inf]
        together = quality(logits, thresholds, 0.8)
        for row, threshold in enumerate(thresholds):
            for name, value in quality(logits, threshold, 0.8).items():
                np.testing.assert_array_equal(together[name][row], value)

    def test_without_candidates(self):
        got = quality(np.empty(0), 0.0, 0.8)
        assert got["n_picks"] == got["n_particles"] == got["f1"] == 0


class TestCuts:
    def test_part_the_candidates_in_all_ways_but_equal_ones(self):
        logits = np.array([3.0, -1.0, 3.0, 0.5, -1.0, -1.0])
        thresholds, n_picks = cuts(logits)
        assert n_picks.tolist() == [2, 3, 6]
        assert [(logits > threshold).sum() for threshold in thresholds] == [2, 3, 6]


class TestChoice:
    def test_best_f1_of_all_cuts(self, logits):
        threshold = choose_threshold("auto", logits, 0.9)
        cuts = np.append(np.sort(logits)[:-1], -np.inf)
        best = max(by_hand(logits, cut, 0.9)[2] for cut in cuts)
        assert by_hand(logits, threshold, 0.9)[2] == pytest.approx(best)
        assert choose_threshold("expected_f1", logits, 0.9) == threshold

    @pytest.mark.parametrize("target", [0.5, 0.8, 0.95])
    def test_precision_takes_as_many_as_it_can(self, logits, target):
        threshold = choose_threshold(("precision", target), logits, 1.0)
        assert by_hand(logits, threshold, 1.0)[0] >= target
        (following,) = np.sort(logits[logits <= threshold])[-1:]
        assert by_hand(logits, following - 1e-9, 1.0)[0] < target

    @pytest.mark.parametrize("target", [0.3, 0.7])
    def test_recall_takes_as_few_as_it_can(self, logits, target):
        threshold = choose_threshold(("recall", target), logits, 0.9)
        assert by_hand(logits, threshold, 0.9)[1] >= target
        last = np.sort(logits[logits > threshold])[0]
        assert by_hand(logits, last, 0.9)[1] < target

    @pytest.mark.parametrize("rule", ["auto", ("precision", 0.8), ("recall", 0.8)])
    def test_equal_scores_stay_together(self, rule):
        # As of a forest, all trees of which agree on the particles.
        logits = np.repeat([4.0, -4.0], [20, 50])
        assert (logits > choose_threshold(rule, logits, 1.0)).sum() == 20

    def test_out_of_reach(self, logits):
        with pytest.warns(UserWarning, match=r"\('precision', 0.999.* out of reach"):
            threshold = choose_threshold(("precision", 0.9999), logits, 1.0)
        assert (logits > threshold).sum() == 1
        with pytest.warns(UserWarning, match="recall is expected to be 0.700 at most"):
            threshold = choose_threshold(("recall", 0.8), logits, 0.7)
        assert (logits > threshold).all()


class TestCheck:
    @pytest.mark.parametrize(
        "threshold", [0, -1.5, -np.inf, "auto", "expected_f1", ("precision", 0.9), ["recall", 0.5]]
    )
    def test_what_is_taken(self, threshold):
        assert check_threshold(threshold) is not None

    @pytest.mark.parametrize(
        "threshold",
        ["best", np.nan, True, None, ("precision", 1.5), ("f1", 0.5), ("recall",), ("recall", "x")],
    )
    def test_what_is_refused(self, threshold):
        with pytest.raises(ValueError, match="threshold must be a number"):
            check_threshold(threshold)
