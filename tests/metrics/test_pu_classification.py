import numpy as np
import pytest
from sklearn import metrics as supervised
from sklearn.exceptions import UndefinedMetricWarning

from puclassify.metrics import (
    pu_accuracy_score,
    pu_f1_score,
    pu_lee_liu_score,
    pu_precision_score,
    pu_recall_score,
)

SCENARIOS = ("case_control", "single_training_set")


@pytest.fixture(params=SCENARIOS)
def exact(request):
    """PU data whose labelled positives are all positives, so that estimates are exact."""
    rng = np.random.default_rng(0)
    truth = rng.random(500) < 0.3
    found = rng.random(500) < np.where(truth, 0.7, 0.2)
    if request.param == "case_control":
        y = np.append(np.ones(truth.sum(), int), np.zeros(500, int))
        predicted = np.append(found[truth], found)
    else:
        y, predicted = truth.astype(int), found
    return truth, found, (y, predicted), {"prior": truth.mean(), "scenario": request.param}


class TestAgainstFullLabels:
    @pytest.mark.parametrize(
        ("metric", "expected"),
        [
            (pu_accuracy_score, supervised.accuracy_score),
            (pu_precision_score, supervised.precision_score),
            (pu_recall_score, supervised.recall_score),
            (pu_f1_score, supervised.f1_score),
        ],
    )
    def test_it_is_the_supervised_one(self, exact, metric, expected):
        truth, found, data, settings = exact
        assert metric(*data, **settings) == pytest.approx(expected(truth, found), abs=1e-12)

    def test_lee_liu(self, exact):
        truth, found, data, settings = exact
        product = supervised.precision_score(truth, found) * supervised.recall_score(truth, found)
        assert pu_lee_liu_score(*data, **settings) == pytest.approx(product / truth.mean())


class TestByHand:
    Y = (1, 1, 1, 1, 0, 0, 0, 0, 0, 0)
    FOUND = (1, 1, 1, 0, 1, 1, 1, 0, 0, 0)

    def test_the_mixture_differs(self):
        one_set = {"prior": 0.5, "scenario": "single_training_set"}
        assert pu_recall_score(self.Y, self.FOUND) == 3 / 4
        assert pu_accuracy_score(self.Y, self.FOUND, prior=0.5) == 1 - 0.5 - 3 / 6 + 3 / 4
        found = pu_accuracy_score(self.Y, self.FOUND, **one_set)
        assert found == pytest.approx(1 - 0.5 - 6 / 10 + 3 / 4)
        assert pu_precision_score(self.Y, self.FOUND, prior=0.5) == 0.5 * (3 / 4) / (3 / 6)
        assert pu_f1_score(self.Y, self.FOUND, prior=0.5) == 2 * 0.5 * (3 / 4) / (0.5 + 3 / 6)
        found = pu_f1_score(self.Y, self.FOUND, **one_set)
        assert found == pytest.approx(2 * 0.5 * (3 / 4) / (0.5 + 6 / 10))
        assert pu_lee_liu_score(self.Y, self.FOUND) == (3 / 4) ** 2 / (3 / 6)
        found = pu_lee_liu_score(self.Y, self.FOUND, scenario="single_training_set")
        assert found == pytest.approx((3 / 4) ** 2 / (6 / 10))

    def test_not_clipped(self):
        found = (1, 1, 1, 1, 1, 0, 0, 0, 0, 0)
        assert pu_precision_score(self.Y, found, prior=0.5) == pytest.approx(3.0)
        assert pu_accuracy_score(self.Y, found, prior=0.5) == pytest.approx(1 + 1 / 3)

    def test_standard_errors(self):
        # Sample variances of 3 of 4 and of 3 of 6
        of_recall, of_share = (3 / 16) * (4 / 3) / 4, (1 / 4) * (6 / 5) / 6
        _, std = pu_recall_score(self.Y, self.FOUND, return_std=True)
        assert std == pytest.approx(np.sqrt(of_recall))
        _, std = pu_accuracy_score(self.Y, self.FOUND, prior=0.5, return_std=True)
        assert std == pytest.approx(np.sqrt(of_recall + of_share))
        score, std = pu_precision_score(self.Y, self.FOUND, prior=0.5, return_std=True)
        relative = np.sqrt(of_recall / (3 / 4) ** 2 + of_share / (1 / 2) ** 2)
        assert std == pytest.approx(score * relative)

    @pytest.mark.parametrize("metric", [pu_precision_score, pu_lee_liu_score])
    @pytest.mark.parametrize("found", [[0] * 10, [1] * 4 + [0] * 6])
    def test_nothing_found(self, metric, found):
        with pytest.warns(UndefinedMetricWarning, match="undefined and set to 0"):
            assert metric(self.Y, found, prior=0.5) == 0.0
        with pytest.warns(UndefinedMetricWarning):
            score, std = metric(self.Y, found, prior=0.5, return_std=True)
        assert score == 0.0
        assert np.isnan(std)

    def test_f1_is_defined_where_nothing_is_found(self):
        assert pu_f1_score(self.Y, [0] * 10, prior=0.5, return_std=True) == (0.0, 0.0)
        assert pu_f1_score(self.Y, [1] + [0] * 9, prior=0.5) == 2 * 1 / 4

    @pytest.mark.parametrize("scenario", SCENARIOS)
    @pytest.mark.parametrize("prior", [0.45, 0.9])
    def test_f1_is_the_harmonic_mean_of_precision_and_recall(self, scenario, prior):
        settings = {"prior": prior, "scenario": scenario}
        precision = pu_precision_score(self.Y, self.FOUND, **settings)
        recall = pu_recall_score(self.Y, self.FOUND, **settings)
        found = pu_f1_score(self.Y, self.FOUND, **settings)
        assert found == pytest.approx(2 / (1 / precision + 1 / recall))

    def test_prior_that_is_not_needed_is_checked_if_given(self):
        for metric in (pu_recall_score, pu_lee_liu_score):
            assert metric(self.Y, self.FOUND) == metric(self.Y, self.FOUND, prior=0.2)
            with pytest.raises(ValueError, match="prior must be a number"):
                metric(self.Y, self.FOUND, prior=2.0)
