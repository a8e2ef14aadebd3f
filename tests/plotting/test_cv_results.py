"""Displays of the held-out examples of a cross-validation."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_validate

from puclassify import PUImageClassifier
from puclassify.model_selection import PUStratifiedKFold
from puclassify.plotting import (
    PUPrecisionRecallDisplay,
    ReliabilityDisplay,
    ScoreHistogramDisplay,
)

KEPT = {"return_estimator": True, "return_indices": True}
DISPLAYS = [PUPrecisionRecallDisplay, ReliabilityDisplay, ScoreHistogramDisplay]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    truth = np.arange(300) < 120
    return rng.normal(size=(300, 2)) + 2 * truth[:, None], np.repeat([1, 0], [60, 240]), truth


@pytest.fixture(scope="module")
def cv_results(data):
    X, y, _ = data
    return cross_validate(LogisticRegression(), X, y, cv=PUStratifiedKFold(3), **KEPT)


def held_out(cv_results, X, method):
    """Return the prediction of each example by the classifier that has not seen it."""
    found = np.full(len(X), np.nan)
    for classifier, rows in zip(cv_results["estimator"], cv_results["indices"]["test"]):
        found[rows] = getattr(classifier, method)(X[rows]).reshape(len(rows), -1)[:, -1]
    assert np.isfinite(found).all()
    return found


def numbers(display):
    return {
        name: np.sort(value)
        for name, value in vars(display).items()
        if isinstance(value, np.ndarray)
    }


@pytest.mark.parametrize("display", DISPLAYS)
def test_are_those_of_held_out_predictions(display, data, cv_results):
    X, y, truth = data
    method = "predict_proba" if display is ReliabilityDisplay else "decision_function"
    settings = {"prior": 0.3, "scenario": "single_training_set"}
    if display is not ScoreHistogramDisplay:
        settings["true_classes"] = truth
    found = display.from_cv_results(cv_results, X, y, **settings)
    expected = display.from_predictions(y, held_out(cv_results, X, method), **settings)
    assert numbers(found).keys() == numbers(expected).keys() != set()
    for name, value in numbers(expected).items():
        np.testing.assert_allclose(numbers(found)[name], value)
    if display is not ScoreHistogramDisplay:
        assert found.name == "LogisticRegression"
        np.testing.assert_allclose(found.true_curve[0], expected.true_curve[0])


def test_prior_and_scenario_of_the_classifiers(data):
    X, y, _ = data
    classifier = PUImageClassifier(
        prior=0.35, scenario="single_training_set", max_epochs=1, random_state=0
    )
    results = cross_validate(classifier, X, y, cv=PUStratifiedKFold(3), **KEPT)
    found = PUPrecisionRecallDisplay.from_cv_results(results, X, y)
    assert found.precision[0] == pytest.approx(0.35)
    for prior, one in zip((0.3, 0.4, 0.5), results["estimator"]):
        one.prior_ = prior
    found = PUPrecisionRecallDisplay.from_cv_results(results, X, y, name="mean")
    assert found.precision[0] == pytest.approx(0.4)
    assert found.name == "mean"


@pytest.mark.parametrize("display", DISPLAYS)
def test_what_is_missing_is_named(display, data, cv_results):
    X, y, _ = data
    without = {name: cv_results[name] for name in ("estimator", "test_score")}
    with pytest.raises(ValueError, match="cv_results has no 'indices'; make it by cross_validate"):
        display.from_cv_results(without, X, y, prior=0.3)
    with pytest.raises(ValueError, match="no 'estimator' and no 'indices'"):
        display.from_cv_results({}, X, y, prior=0.3)
    if display is not ScoreHistogramDisplay:
        with pytest.raises(ValueError, match="LogisticRegression has none; give prior=<number>"):
            display.from_cv_results(cv_results, X, y)
