"""Every PU metric against the truth over repeated draws, in both scenarios."""

from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit, logit
from scipy.stats import norm

from puclassify import metrics

PRIOR = 0.4
POSITIVE, NEGATIVE = norm(1.0, 1.5), norm(-2.0, 1.5)  # logits of either class, as `logits_of` draws
METRICS = {
    "accuracy": (metrics.pu_accuracy_score, "label"),
    "precision": (metrics.pu_precision_score, "label"),
    "recall": (metrics.pu_recall_score, "label"),
    "f1": (metrics.pu_f1_score, "label"),
    "lee_liu": (metrics.pu_lee_liu_score, "label"),
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
    """The metrics of all the data there could be, by integrals over the logits."""

    def positive(x):
        return PRIOR * POSITIVE.pdf(x)

    def negative(x):
        return (1 - PRIOR) * NEGATIVE.pdf(x)

    def precision_above(x):
        true, false = PRIOR * POSITIVE.sf(x), (1 - PRIOR) * NEGATIVE.sf(x)
        return true / (true + false)

    def integral(function, low=-15.0, high=15.0):
        return quad(function, low, high)[0]

    edges = np.concatenate([[-15.0], logit(np.arange(1, 10) / 10), [15.0]])
    precision, recall = precision_above(0.0), POSITIVE.sf(0.0)
    accuracy = PRIOR * recall + (1 - PRIOR) * NEGATIVE.cdf(0.0)
    return {
        "accuracy": accuracy,
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / (precision + recall),
        "lee_liu": precision * recall / PRIOR,
        "roc_auc": norm.cdf(3.0 / np.hypot(1.5, 1.5)),
        "average_precision": integral(lambda x: precision_above(x) * POSITIVE.pdf(x)),
        "risk": integral(
            lambda x: positive(x) * np.logaddexp(0, -x) + negative(x) * np.logaddexp(0, x)
        ),
        "zero_one_risk": 1 - accuracy,
        "calibration_error": sum(
            abs(integral(lambda x: expit(x) * negative(x) - expit(-x) * positive(x), low, high))
            for low, high in pairwise(edges)
        ),
    }


def propensity(logits):
    """Return with which probability a positive is labelled where clear ones are preferred."""
    return 0.6 * expit(0.8 * logits - 0.5) + 0.1


def draw(scenario, rng, n_labelled=1000, n=5000):
    y = rng.random(n) < PRIOR
    logits = logits_of(y, rng)
    if scenario == "single_training_set":
        return (y & (rng.random(n) < n_labelled / (PRIOR * n))).astype(int), logits
    labelled = logits_of(np.ones(n_labelled, bool), rng)
    return np.repeat([1, 0], [n_labelled, n]), np.append(labelled, logits)


def draw_biased(scenario, rng, n_labelled=1000, n=5000):
    y = rng.random(n) < PRIOR
    logits = logits_of(y, rng)
    if scenario == "single_training_set":
        return (y & (rng.random(n) < propensity(logits))).astype(int), logits
    candidates = logits_of(np.ones(8 * n_labelled, bool), rng)
    labelled = candidates[rng.random(len(candidates)) < propensity(candidates)][:n_labelled]
    return np.repeat([1, 0], [n_labelled, n]), np.append(labelled, logits)


def draw_stratified(scenario, rng, n_labelled=3000, n=15000):
    """Draw as `draw`, but of the examples with a positive logit only a part, to be weighted."""
    y, logits = draw(scenario, rng, n_labelled, n)
    kept = rng.random(len(y)) < 1 / importance(logits)
    return y[kept], logits[kept]


def importance(logits):
    return np.where(logits > 0, 3.0, 1.0)


def measured(
    scenario, drawn, n_draws, propensities=lambda logits: None, weights=lambda logits: None
):
    """Score and standard error of many draws, by metric."""
    rng = np.random.default_rng(1)
    found = {name: [] for name in METRICS}
    for _ in range(n_draws):
        y, logits = drawn(scenario, rng)
        settings = {
            "scenario": scenario,
            "propensities": propensities(logits),
            "sample_weight": weights(logits),
        }
        given = responses(logits)
        for name, (metric, response) in METRICS.items():
            found[name].append(metric(y, given[response], prior=PRIOR, return_std=True, **settings))
    return {name: np.array(values) for name, values in found.items()}


@pytest.fixture(scope="module", params=["case_control", "single_training_set"])
def estimates(request):
    return measured(request.param, draw, 200)


@pytest.fixture(scope="module", params=["case_control", "single_training_set"])
def weighted_estimates(request):
    return measured(request.param, draw_biased, 100, propensity)


@pytest.fixture(scope="module", params=["case_control", "single_training_set"])
def stratified_estimates(request):
    return measured(request.param, draw_stratified, 100, weights=importance)


@pytest.mark.parametrize("name", METRICS)
def test_weights_of_all_examples_remove_the_bias(name, truth, stratified_estimates):
    assert abs(stratified_estimates[name][:, 0].mean() - truth[name]) < 0.015


@pytest.mark.parametrize("name", METRICS)
def test_standard_error_of_weighted_examples(name, stratified_estimates):
    scores, stds = stratified_estimates[name].T
    assert stds.mean() == pytest.approx(scores.std(), rel=0.25)


@pytest.mark.parametrize("name", METRICS)
def test_bias(name, truth, estimates):
    assert abs(estimates[name][:, 0].mean() - truth[name]) < 0.01


@pytest.mark.parametrize("name", METRICS)
def test_standard_error(name, estimates):
    scores, stds = estimates[name].T
    assert stds.mean() == pytest.approx(scores.std(), rel=0.2)


@pytest.mark.parametrize("name", METRICS)
def test_known_propensities_remove_the_bias(name, truth, weighted_estimates):
    assert abs(weighted_estimates[name][:, 0].mean() - truth[name]) < 0.012


@pytest.mark.parametrize("name", METRICS)
def test_standard_error_of_weighted_positives(name, weighted_estimates):
    scores, stds = weighted_estimates[name].T
    assert stds.mean() == pytest.approx(scores.std(), rel=0.25)


@pytest.mark.filterwarnings("ignore:the .* is impossible, by more than chance")
@pytest.mark.parametrize("scenario", ["case_control", "single_training_set"])
def test_without_propensities_all_look_too_good(scenario, truth):
    biased = measured(scenario, draw_biased, 20)
    for name in (
        "accuracy",
        "precision",
        "recall",
        "f1",
        "lee_liu",
        "roc_auc",
        "average_precision",
    ):
        assert biased[name][:, 0].mean() > truth[name] + 0.04
    assert biased["risk"][:, 0].mean() < truth["risk"] - 0.04
