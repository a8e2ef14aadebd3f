import numpy as np
import pytest
from scipy.special import expit
from sklearn.calibration import calibration_curve

from puclassify.metrics import pu_calibration_curve, pu_calibration_error, pu_precision_score

PRIOR = 0.4


@pytest.fixture(params=["case_control", "single_training_set"])
def scenario(request):
    return request.param


def probabilities(truth, rng, slope=1.0):
    """Return what a classifier says that is calibrated if the slope is 2."""
    return expit(slope * rng.normal(np.where(truth, 1.0, -1.0)) + np.log(PRIOR / (1 - PRIOR)))


def draw(scenario, rng, n_labelled=400, n=2000):
    truth = rng.random(n) < PRIOR
    p = probabilities(truth, rng)
    if scenario == "single_training_set":
        return (truth & (rng.random(n) < n_labelled / (PRIOR * n))).astype(int), p
    labelled = probabilities(np.ones(n_labelled, bool), rng)
    return np.repeat([1, 0], [n_labelled, n]), np.append(labelled, p)


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
def test_with_all_positives_labelled_it_is_the_supervised_one(scenario, strategy):
    rng = np.random.default_rng(0)
    truth = rng.random(1000) < PRIOR
    p = probabilities(truth, rng)
    y, scores = truth.astype(int), p
    if scenario == "case_control":
        y = np.append(np.ones(truth.sum(), int), np.zeros(1000, int))
        scores = np.append(p[truth], p)
    found = pu_calibration_curve(
        y, scores, prior=truth.mean(), scenario=scenario, strategy=strategy
    )
    expected = calibration_curve(truth, p, n_bins=10, strategy=strategy)
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
def test_each_bin_by_itself(scenario, strategy):
    y, p = draw(scenario, np.random.default_rng(0), 60, 300)
    prob_true, prob_pred, std = pu_calibration_curve(
        y, p, prior=PRIOR, scenario=scenario, n_bins=5, strategy=strategy, return_std=True
    )
    mixture = p[y == 0] if scenario == "case_control" else p
    edges = (
        np.linspace(0, 1, 6) if strategy == "uniform" else np.quantile(mixture, np.arange(6) / 5)
    )
    for b in range(5):
        inside = ((p > edges[b]) | (b == 0)) & ((p <= edges[b + 1]) | (b == 4))
        expected = pu_precision_score(
            y, inside.astype(int), prior=PRIOR, scenario=scenario, return_std=True
        )
        assert (prob_true[b], std[b]) == pytest.approx(expected)
        assert prob_pred[b] == pytest.approx(p[inside & np.isin(p, mixture)].mean())


def test_the_distance_from_the_diagonal_is_the_plain_calibration_error():
    y, p = draw("single_training_set", np.random.default_rng(0))
    settings = {"prior": PRIOR, "scenario": "single_training_set", "strategy": "quantile"}
    prob_true, prob_pred = pu_calibration_curve(y, p, **settings)
    expected = pu_calibration_error(y, p, debiased=False, **settings)
    assert np.abs(prob_true - prob_pred).mean() == pytest.approx(expected)


def test_bias_and_standard_error_over_draws(scenario):
    rng = np.random.default_rng(0)
    truth = rng.random(1_000_000) < PRIOR
    expected = calibration_curve(truth, probabilities(truth, rng), n_bins=5)[0]
    found = [
        pu_calibration_curve(
            *draw(scenario, rng), prior=PRIOR, scenario=scenario, n_bins=5, return_std=True
        )
        for _ in range(200)
    ]
    prob_true, _, std = np.swapaxes(found, 0, 1)
    np.testing.assert_allclose(prob_true.mean(axis=0), expected, atol=0.01)
    np.testing.assert_allclose(std.mean(axis=0), prob_true.std(axis=0), rtol=0.2)


def test_empty_bins_are_left_out():
    y, p = [1, 1, 0, 0, 0], [0.95, 0.45, 0.05, 0.45, 0.48]
    prob_true, prob_pred, std = pu_calibration_curve(y, p, prior=0.5, return_std=True)
    assert prob_pred == pytest.approx([0.05, 0.465])
    assert prob_true == pytest.approx([0.0, 0.5 * (1 / 2) / (2 / 3)])
    assert std[0] == 0.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_bins": 0}, "n_bins must be a whole number >= 1, got 0"),
        ({"strategy": "even"}, "strategy must be 'uniform' or 'quantile', got 'even'"),
        ({"y_score": [2.0, 0.5, -1.0]}, "must be probabilities, but it ranges from -1 to 2"),
        ({"prior": 1.0}, "prior must be a number between 0 and 1"),
    ],
)
def test_errors(arguments, message):
    valid = {"y_true": [1, 1, 0], "y_score": [0.5, 0.5, 0.5], "prior": 0.5}
    with pytest.raises(ValueError, match=message):
        pu_calibration_curve(**{**valid, **arguments})
