import warnings

import numpy as np
import pytest
from scipy.special import expit

from puclassify.prior import estimate_propensities

ONE_SET = "single_training_set"


def one_set(seed, n=20000):
    """Draw PU labels of one sample, by two attributes of which the class depends on one."""
    rng = np.random.default_rng(seed)
    feature, brightness = rng.normal(size=(2, n))
    posterior = expit(2 * feature - 0.5)
    truth = rng.random(n) < posterior
    attributes = np.column_stack([brightness, feature])
    e = expit(-1.5 + brightness - 0.7 * feature)
    return attributes, (truth & (rng.random(n) < e)).astype(int), posterior, e, truth


class TestOneSet:
    @pytest.mark.parametrize("seed", range(3))
    def test_recovers_what_was_simulated(self, seed):
        attributes, y, posterior, e, truth = one_set(seed)
        found = estimate_propensities(attributes, y, posterior, scenario=ONE_SET)
        assert np.abs(found - e)[truth].mean() < 0.02
        assert np.corrcoef(found[truth], e[truth])[0, 1] > 0.99

    def test_constant_ones_are_the_labelled_share_of_the_positives(self):
        rng = np.random.default_rng(0)
        truth = rng.random(20000) < 0.3
        y = (truth & (rng.random(20000) < 0.4)).astype(int)
        found = estimate_propensities(rng.normal(size=20000), y, truth, scenario=ONE_SET)
        np.testing.assert_allclose(found, y.sum() / truth.sum(), atol=0.03)

    def test_is_the_fixed_point_of_em(self):
        """Bekker et al.: expect who is positive, then fit the labels of the expected positives."""
        from sklearn.linear_model import LogisticRegression

        attributes, y, p, _, _ = one_set(0, n=2000)
        found = estimate_propensities(attributes, y, p, scenario=ONE_SET)
        expected = np.where(y == 1, 1.0, p * (1 - found) / (1 - p * found))
        model = LogisticRegression(C=1e6, tol=1e-8).fit(attributes, y, sample_weight=expected)
        np.testing.assert_allclose(model.predict_proba(attributes)[:, 1], found, atol=2e-3)


class TestCaseControl:
    @pytest.mark.parametrize("seed", range(3))
    def test_recovers_ratios(self, seed):
        rng = np.random.default_rng(seed)
        brightness, truth = rng.normal(size=20000), rng.random(20000) < 0.4
        candidates = rng.normal(size=20000)
        labelled = candidates[rng.random(20000) < np.exp(0.8 * candidates - 4)]
        attributes = np.append(labelled, brightness)
        y = np.repeat([1, 0], [len(labelled), 20000])
        p = np.append(np.full(len(labelled), np.nan_to_num(0.9)), truth)
        found = estimate_propensities(attributes, y, p)
        slope = np.polyfit(attributes[y == 1], np.log(found[y == 1]), 1)[0]
        assert slope == pytest.approx(0.8, abs=0.12)
        assert found[y == 1].max() == 1
        assert found.max() == 1
        assert found.min() > 0


def test_one_attribute_has_either_shape_and_any_unit():
    attributes, y, p, _, _ = one_set(0, n=1000)
    expected = estimate_propensities(attributes[:, 0], y, p, scenario=ONE_SET)
    for same in (attributes[:, :1], 1e6 + 1e3 * attributes[:, 0], attributes[:, 0].tolist()):
        found = estimate_propensities(same, y, p, scenario=ONE_SET)
        np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_separated_attributes_stay_finite():
    y = np.repeat([1, 0], [20, 80])
    for scenario in ("case_control", ONE_SET):
        found = estimate_propensities(y + 0.0, y, np.full(100, 0.5), scenario=scenario)
        assert np.isfinite(np.log(found)).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attributes": np.zeros((99, 2))}, r"attributes must have shape \(100,\) or .* got \(99"),
        ({"attributes": np.zeros((100, 0))}, r"attributes must have shape .* got \(100, 0\)"),
        ({"attributes": ["a"] * 100}, "attributes must be numbers"),
        ({"attributes": np.append(np.arange(99.0), np.nan)}, "1 of 100 .* first at index 99"),
        ({"attributes": np.ones(100)}, r"column of equal values \(number 0\)"),
        ({"proba": np.linspace(-1, 1, 100)}, "proba must be probabilities, but it ranges from -1"),
        ({"proba": np.zeros(100)}, "proba is 0 for all unlabelled"),
        ({"proba": np.repeat([0.2, 0.4], 50)}, r"labelled positives \(0.2\) .* other class"),
        ({"y": np.zeros(100)}, "y holds one class only"),
        ({"scenario": "cc"}, "scenario must be"),
    ],
    ids=str,
)
def test_refused(changes, message):
    arguments = {
        "attributes": np.arange(100.0),
        "y": np.repeat([1, 0], 50),
        "proba": np.full(100, 0.5),
    }
    with pytest.raises(ValueError, match=message):
        estimate_propensities(**arguments | changes)


@pytest.mark.parametrize("times", [1.0, 1.3])
def test_probabilities_of_a_label_are_warned_of(times):
    rng = np.random.default_rng(0)
    y = np.repeat([1, 0], [200, 800])
    proba = np.clip(rng.normal(0.2, 0.05, 1000) + 0.1 * y, 0, 1)
    proba *= times * 0.2 / proba.mean()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimate_propensities(rng.normal(size=1000), y, proba, scenario=ONE_SET)
    assert [("having a label" in str(one.message)) for one in caught] == [True] * (times == 1.0)
