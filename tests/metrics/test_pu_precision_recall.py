import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve

from puclassify.metrics import (
    pu_precision_recall_curve,
    pu_precision_score,
    pu_recall_score,
)

PRIOR = 0.4


@pytest.fixture(params=["case_control", "single_training_set"])
def scenario(request):
    return request.param


def draw(scenario, rng, n_labelled=300, n=2000, decimals=None):
    """PU labels and scores of positives and negatives three standard deviations apart."""
    truth = rng.random(n) < PRIOR
    scores = rng.normal(3.0 * truth)
    if scenario == "single_training_set":
        y = (truth & (rng.random(n) < n_labelled / (PRIOR * n))).astype(int)
    else:
        y = np.repeat([1, 0], [n_labelled, n])
        scores = np.append(rng.normal(3.0, size=n_labelled), scores)
    return y, scores if decimals is None else scores.round(decimals)


class TestAgainstTheScores:
    @pytest.mark.parametrize("decimals", [None, 1])
    def test_at_each_threshold(self, scenario, decimals):
        y, scores = draw(scenario, np.random.default_rng(0), 20, 100, decimals)
        settings = {"prior": PRIOR, "scenario": scenario}
        precision, recall, thresholds, *stds = pu_precision_recall_curve(
            y, scores, return_std=True, **settings
        )
        mixture = scores[y == 0] if scenario == "case_control" else scores
        expected = np.unique(scores[scores <= mixture.max()])
        np.testing.assert_array_equal(thresholds, expected)
        for metric, values, std in (
            (pu_precision_score, precision, stds[0]),
            (pu_recall_score, recall, stds[1]),
        ):
            one_by_one = [
                metric(y, (scores >= threshold).astype(int), return_std=True, **settings)
                for threshold in thresholds
            ]
            np.testing.assert_allclose(np.column_stack([values, std])[:-1], one_by_one, atol=1e-12)
        assert (precision[-1], recall[-1], stds[0][-1], stds[1][-1]) == (1, 0, 0, 0)

    def test_some_labelled_positives_are_above_all_unlabelled(self):
        y, scores = [1, 1, 1, 0, 0, 0], [9.0, 8.0, 1.0, 2.0, 1.0, 0.0]
        precision, recall, thresholds = pu_precision_recall_curve(y, scores, prior=0.5)
        assert thresholds.tolist() == [0.0, 1.0, 2.0]
        assert recall.tolist() == [1.0, 1.0, 2 / 3, 0.0]
        assert precision == pytest.approx([0.5, 0.75, 1.0, 1.0])
        everything = pu_precision_recall_curve(y, scores, prior=0.5, scenario="single_training_set")
        assert everything[2].tolist() == [0.0, 1.0, 2.0, 8.0, 9.0]


class TestAgainstTheTruth:
    @pytest.mark.parametrize("decimals", [None, 0])
    def test_with_all_positives_labelled_it_is_the_supervised_one(self, scenario, decimals):
        rng = np.random.default_rng(0)
        truth = rng.random(400) < PRIOR
        scores = rng.normal(2.0 * truth)
        scores = scores if decimals is None else scores.round(decimals)
        y, s = truth.astype(int), scores
        if scenario == "case_control":
            y = np.append(np.ones(truth.sum(), int), np.zeros(400, int))
            s = np.append(scores[truth], scores)
        found = pu_precision_recall_curve(y, s, prior=truth.mean(), scenario=scenario)
        for values, expected in zip(found, precision_recall_curve(truth, scores), strict=True):
            np.testing.assert_allclose(values, expected, atol=1e-12)

    def test_bias_and_standard_error_over_draws(self, scenario):
        rng = np.random.default_rng(0)
        at = np.array([0.5, 1.5, 2.5, 3.5])
        truth = rng.random(400_000) < PRIOR
        scores = rng.normal(3.0 * truth)
        expected = [(truth[scores >= c].mean(), (scores[truth] >= c).mean()) for c in at]
        found = []
        for _ in range(200):
            *curve, thresholds, precision_std, recall_std = pu_precision_recall_curve(
                *draw(scenario, rng), prior=PRIOR, scenario=scenario, return_std=True
            )
            rows = np.searchsorted(thresholds, at)
            found.append([values[rows] for values in (*curve, precision_std, recall_std)])
        precision, recall, precision_std, recall_std = np.swapaxes(found, 0, 1)
        for values, std, true in zip(
            (precision, recall), (precision_std, recall_std), np.transpose(expected), strict=True
        ):
            np.testing.assert_allclose(values.mean(axis=0), true, atol=0.01)
            np.testing.assert_allclose(std.mean(axis=0), values.std(axis=0), rtol=0.2)
            within = np.abs(values - true) < 1.96 * std
            assert within.mean() == pytest.approx(0.95, abs=0.03)


class TestArguments:
    def test_labels_order_and_infinities(self, scenario):
        y, scores = draw(scenario, np.random.default_rng(0), 20, 100)
        scores[:2], scores[-2:] = np.inf, -np.inf
        settings = {"prior": PRIOR, "scenario": scenario, "return_std": True}
        expected = pu_precision_recall_curve(y, scores, **settings)
        order = np.random.default_rng(1).permutation(len(y))
        names = np.where(y == 1, "yes", "no")[order].tolist()
        found = pu_precision_recall_curve(names, scores[order].tolist(), **settings)
        for values, others in zip(found, expected, strict=True):
            np.testing.assert_array_equal(values, others)

    def test_a_single_positive_has_no_standard_error(self):
        *_, precision_std, recall_std = pu_precision_recall_curve(
            [1, 0, 0], [2.0, 3.0, 1.0], prior=0.5, return_std=True
        )
        assert np.isnan(precision_std[:-1]).all()
        assert np.isnan(recall_std[:-1]).all()

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"prior": 0.0}, "prior must be a number between 0 and 1"),
            ({"scenario": "cc"}, "scenario must be 'case_control' or"),
            ({"prior": 0.2, "scenario": "single_training_set"}, "prior=0.2 is impossible"),
            ({"y_score": [1.0, np.nan, 0.0]}, "1 of 3 are NaN, the first at index 1"),
            ({"y_true": [1, 1, 1]}, "y_true holds one class only"),
        ],
    )
    def test_errors(self, arguments, message):
        valid = {"y_true": [1, 0, 0], "y_score": [1.0, 0.5, 0.0], "prior": 0.5}
        with pytest.raises(ValueError, match=message):
            pu_precision_recall_curve(**{**valid, **arguments})
