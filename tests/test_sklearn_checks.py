"""scikit-learn's checks of all estimators but the classifier, which has its own."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator

from puclassify import ParticlePicker, RegionExtractor
from puclassify.calibration import PUPlattScaling
from puclassify.picking import NonMaximumSuppression
from puclassify.preprocessing import FourierDownsample, NormalizeMicrograph
from puclassify.prior import BBEPrior, DEDPULPrior, ElkanNotoPrior

# Their input is not a table of features, so that scikit-learn has no data to check them with.
NOT_OF_TABLES = [
    PUPlattScaling(),
    RegionExtractor(8),
    FourierDownsample(2),
    NormalizeMicrograph(),
    NonMaximumSuppression(3),
    ParticlePicker(10),
]
PRIORS = [BBEPrior(), DEDPULPrior(), ElkanNotoPrior()]
# Most checks draw labels at random, or few examples; estimators of the prior refuse to guess.
REFUSALS = (
    "do not rank labelled positives",
    "do not resolve the prior",
    "say nothing about the",
    "means labelled positive is not evident",
)
EXPECTED = {
    "check_fit2d_1feature": "ten examples are fewer than the folds need",
    "check_estimators_nan_inf": "whether NaN is allowed is up to the classifier",
}


def failures(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of skipped checks, and of priors that disagree
        results = check_estimator(estimator, expected_failed_checks=EXPECTED, on_fail=None)
    assert len(results) > 0
    return [result for result in results if result["status"] == "failed"]


def by_name(estimator):
    return type(estimator).__name__


@pytest.mark.parametrize("estimator", NOT_OF_TABLES, ids=by_name)
def test_checks_run_through(estimator):
    assert failures(estimator) == []


@pytest.mark.parametrize("estimator", PRIORS, ids=by_name)
def test_checks_of_priors_fail_only_by_refusals(estimator):
    for result in failures(estimator):
        message = f"{result['exception']} {result['exception'].__cause__}"
        assert any(refusal in message for refusal in REFUSALS), result["check_name"]


@pytest.mark.parametrize("estimator", [*PRIORS, PUPlattScaling(), ParticlePicker(10)], ids=by_name)
def test_what_needs_labels_says_so(estimator):
    assert get_tags(estimator).target_tags.required


@pytest.mark.parametrize("estimator", NOT_OF_TABLES[:-1], ids=by_name)
def test_what_transforms_says_so(estimator):
    tags = get_tags(estimator)
    assert tags.transformer_tags.preserves_dtype == []
    assert tags.target_tags.required == isinstance(estimator, PUPlattScaling)
    assert not tags.input_tags.two_d_array


def test_the_scaling_is_a_transformer():
    rng = np.random.default_rng(0)
    scores, y = rng.normal(np.repeat([2.0, 0.0], [100, 400])), np.repeat([1, 0], [100, 400])
    scaling = PUPlattScaling(0.1)
    found = scaling.fit_transform(scores, y)
    np.testing.assert_array_equal(found, scaling.transform(scores))


@pytest.mark.parametrize("estimator", PRIORS, ids=by_name)
class TestFeatures:
    @pytest.fixture
    def rows(self):
        rng = np.random.default_rng(0)
        truth = np.append(np.ones(200, bool), rng.random(800) < 0.4)
        X = rng.normal(size=(1000, 3)) + 4 * truth[:, None]
        return X, np.repeat([1, 0], [200, 800])

    @pytest.fixture(autouse=True)
    def ignore_second_opinions(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            yield

    def test_of_tables_are_counted_and_named(self, estimator, rows):
        X, y = rows
        assert estimator.fit(X, y).n_features_in_ == 3
        assert not hasattr(estimator, "feature_names_in_")
        assert estimator.fit(X.tolist(), y).n_features_in_ == 3
        estimator.fit(pd.DataFrame(X, columns=["width", "height", "contrast"]), y)
        assert estimator.feature_names_in_.tolist() == ["width", "height", "contrast"]

    def test_of_an_earlier_fit_are_forgotten(self, estimator, rows):
        X, y = rows
        frame = pd.DataFrame(X, columns=["width", "height", "contrast"])
        estimator.fit(frame, y).fit_scores(np.where(X.sum(axis=1) > 6, 0.4, 0.0), y)
        assert not hasattr(estimator, "n_features_in_")
        assert not hasattr(estimator, "feature_names_in_")
        estimator.fit(X.reshape(-1, 1, 1, 3), y)
        assert not hasattr(estimator, "n_features_in_")
