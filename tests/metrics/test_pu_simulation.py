"""Every PU metric against the truth over repeated draws, in both scenarios."""

from functools import partial

import numpy as np
import pytest
from scipy.special import expit
from sklearn import metrics as supervised

from puclassify import metrics

PRIOR = 0.4
METRICS = {
    "accuracy": (metrics.pu_accuracy_score, "label"),
    "precision": (metrics.pu_precision_score, "label"),
    "recall": (metrics.pu_recall_score, "label"),
    "f1": (metrics.pu_f1_score, "label"),
    "roc_auc": (metrics.pu_roc_auc_score, "logit"),
    "average_precision": (metrics.pu_average_precision_score, "logit"),
    "risk": (metrics.pu_risk_score, "logit"),
    "zero_one_risk": (partial(metrics.pu_risk_score, loss="zero_one"), "logit"),
    "calibration_error": (metrics.pu_calibration_error, "probability"),
}


def logits_of(truth, rng):
    """Return the scores of a classifier that is a little off."""
    return 1.5 * rng.normal(np.where(truth, 1.0, -1.0)) - 0.5


def responses(logits):
    return {"label": (logits > 0).astype(int), "logit": logits, "probability": expit(logits)}


@pytest.fixture(scope="module")
def truth():
    rng = np.random.default_rng(0)
    y = rng.random(1_000_000) < PRIOR
    logits = logits_of(y, rng)
    found, p = logits > 0, expit(logits)
    precision, recall = supervised.precision_score(y, found), supervised.recall_score(y, found)
    bins = np.minimum((10 * p).astype(int), 9)
    return {
        "accuracy": supervised.accuracy_score(y, found),
        "precision": precision,
        "recall": recall,
        "f1": precision * recall / PRIOR,
        "roc_auc": supervised.roc_auc_score(y, logits),
        "average_precision": supervised.average_precision_score(y, logits),
        "risk": supervised.log_loss(y, p),
        "zero_one_risk": supervised.zero_one_loss(y, found),
        "calibration_error": np.abs(np.bincount(bins, p - y)).sum() / len(y),
    }


def draw(scenario, rng, n_labelled=1000, n=5000):
    y = rng.random(n) < PRIOR
    logits = logits_of(y, rng)
    if scenario == "single_training_set":
        return (y & (rng.random(n) < n_labelled / (PRIOR * n))).astype(int), logits
    labelled = logits_of(np.ones(n_labelled, bool), rng)
    return np.repeat([1, 0], [n_labelled, n]), np.append(labelled, logits)


@pytest.fixture(scope="module", params=["case_control", "single_training_set"])
def estimates(request):
    """Score and standard error of 200 draws, by metric."""
    rng = np.random.default_rng(1)
    settings = {"prior": PRIOR, "scenario": request.param, "return_std": True}
    found = {name: [] for name in METRICS}
    for _ in range(200):
        y, logits = draw(request.param, rng)
        given = responses(logits)
        for name, (metric, response) in METRICS.items():
            found[name].append(metric(y, given[response], **settings))
    return {name: np.array(values) for name, values in found.items()}


@pytest.mark.parametrize("name", METRICS)
def test_bias(name, truth, estimates):
    assert abs(estimates[name][:, 0].mean() - truth[name]) < 0.01


@pytest.mark.parametrize("name", METRICS)
def test_standard_error(name, estimates):
    scores, stds = estimates[name].T
    assert stds.mean() == pytest.approx(scores.std(), rel=0.2)
