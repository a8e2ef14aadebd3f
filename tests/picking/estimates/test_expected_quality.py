import numpy as np
import pytest
from scipy.special import expit

from puclassify.picking.estimates._expected_quality import expected_quality, separating_thresholds


@pytest.fixture
def logits():
    return np.random.default_rng(0).normal(-2.0, 3.0, 500)


def by_hand(logits, threshold, detected_fraction):
    picked = [logit for logit in logits if logit > threshold]
    right = sum(expit(logit) for logit in picked)
    particles = sum(expit(logit) for logit in logits) / detected_fraction
    precision, recall = right / len(picked), right / particles
    return precision, recall, 2 * precision * recall / (precision + recall)


class TestExpectedQuality:
    def test_by_hand(self, logits):
        got = expected_quality(logits, 0.5, 0.8)
        expected = by_hand(logits, 0.5, 0.8)
        assert [got[k] for k in ("precision", "recall", "f1")] == pytest.approx(expected)
        assert got["n_picks"] == sum(logits > 0.5)

    def test_without_picks(self, logits):
        got = expected_quality(logits, 99.0, 1.0)
        assert got["n_picks"] == 0
        assert np.isnan(got["precision"])
        assert got["recall"] == got["f1"] == 0

    def test_of_at_most_some_picks(self, logits):
        best = np.sort(logits)[::-1]
        got = expected_quality(logits, [-np.inf, best[3]], 0.8, max_picks=5)
        assert got["n_picks"].tolist() == [5, 3]
        assert got["precision"][0] == pytest.approx(expit(best[:5]).mean())
        assert got["n_particles"] == pytest.approx([expit(logits).sum() / 0.8] * 2)

    def test_many_thresholds_at_once(self, logits):
        thresholds = [0.5, 99.0, -2.0, -np.inf]
        together = expected_quality(logits, thresholds, 0.8)
        for row, threshold in enumerate(thresholds):
            for name, value in expected_quality(logits, threshold, 0.8).items():
                np.testing.assert_array_equal(together[name][row], value)

    def test_without_candidates(self):
        got = expected_quality(np.empty(0), 0.0, 0.8)
        assert got["n_picks"] == got["n_particles"] == got["f1"] == 0


def test_thresholds_separate_all_candidates_but_equal_ones():
    logits = np.array([3.0, -1.0, 3.0, 0.5, -1.0, -1.0])
    thresholds = separating_thresholds(logits)
    assert [(logits > threshold).sum() for threshold in thresholds] == [2, 3, 6]
