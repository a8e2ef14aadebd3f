"""Scores that no classifier can have are told from those outside [0, 1] by chance."""

import warnings

import numpy as np
import pytest

from puclassify import metrics

PRIOR = 0.2
OF_SCORES = (metrics.pu_roc_auc_score, metrics.pu_average_precision_score)
OF_LABELS = (metrics.pu_accuracy_score, metrics.pu_precision_score, metrics.pu_f1_score)


def sample(n_labelled=200, n_unlabelled=1000, prior=PRIOR, seed=0, distance=6.0):
    """Labels, and scores that separate the classes."""
    rng = np.random.default_rng(seed)
    truth = np.append(np.ones(n_labelled), rng.random(n_unlabelled) < prior)
    labels = np.repeat([1, 0], [n_labelled, n_unlabelled])
    return labels, rng.normal(distance * truth - distance / 2)


def response(metric, scores):
    return scores if metric in OF_SCORES else (scores > 0).astype(int)


class TestTooLargeAPrior:
    @pytest.mark.parametrize("metric", OF_SCORES + OF_LABELS)
    @pytest.mark.parametrize("return_std", [False, True])
    def test_warning(self, metric, return_std):
        labels, scores = sample()
        with pytest.warns(UserWarning, match="impossible, by more than chance: prior=0.8 contra"):
            metric(labels, response(metric, scores), prior=0.8, return_std=return_std)

    @pytest.mark.parametrize("metric", [metrics.pu_roc_auc_score, *OF_LABELS])
    def test_the_largest_possible_prior_is_named(self, metric):
        labels, scores = sample()
        with pytest.warns(UserWarning, match=r"it is at most about 0\.(18|19|2)\b"):
            metric(labels, response(metric, scores), prior=0.8)

    def test_in_a_single_training_set(self):
        labels, scores = sample()
        with pytest.warns(UserWarning, match="the AUC of .* is impossible"):
            metrics.pu_roc_auc_score(labels, scores, prior=0.9, scenario="single_training_set")


@pytest.mark.parametrize(
    "metric", [metrics.pu_roc_auc_score, metrics.pu_accuracy_score], ids=["auc", "accuracy"]
)
def test_reversed_scores_below_zero(metric):
    labels, scores = sample(prior=0.5)
    with pytest.warns(UserWarning, match=r"of -.* is impossible"):
        metric(labels, response(metric, -scores), prior=0.8)


class TestChance:
    @pytest.mark.parametrize("metric", OF_SCORES + OF_LABELS)
    def test_the_right_prior(self, metric):
        outside = 0
        for seed in range(40):
            labels, scores = sample(30, 200, prior=0.5, seed=seed)
            outside += metric(labels, response(metric, scores), prior=0.5) > 1
        assert outside > 5

    @pytest.mark.parametrize("metric", OF_SCORES + OF_LABELS)
    def test_few_examples(self, metric):
        labels, scores = np.array([1, 1, 1, 0, 0, 0, 0]), np.array([5, 6, 7, 4, -5, -6, -7])
        metric(labels, response(metric, scores), prior=0.5)

    def test_the_error_is_computed_only_outside(self, monkeypatch):
        labels, scores = sample()
        monkeypatch.setattr(metrics._pu_sample.PUSample, "standard_error", None)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            metrics.pu_roc_auc_score(labels, scores, prior=0.05)
