import numpy as np
import pytest
from scipy.special import expit
from sklearn.calibration import calibration_curve

from puclassify.metrics import pu_calibration_error


def true_error(truth, p, strategy="uniform"):
    """Weigh the points of scikit-learn's curve by how many examples there are in each."""
    frequency, mean = calibration_curve(truth, p, n_bins=10, strategy=strategy)
    inner = np.linspace(0, 1, 11)[1:-1]
    edges = inner if strategy == "uniform" else np.percentile(p, 100 * inner)
    counts = np.bincount(np.searchsorted(edges, p), minlength=10)
    return np.sum(counts[counts > 0] / len(p) * np.abs(frequency - mean))


def draw(rng, n, slope=2.0):
    """Truth and probabilities, calibrated where the slope is 2."""
    truth = rng.random(n) < 0.4
    return truth, expit(slope * rng.normal(np.where(truth, 1.0, -1.0)) + np.log(0.4 / 0.6))


class TestPlain:
    @pytest.mark.parametrize("scenario", ["case_control", "single_training_set"])
    @pytest.mark.parametrize("strategy", ["uniform", "quantile"])
    def test_with_all_positives_labelled_it_is_the_supervised_one(self, scenario, strategy):
        truth, p = draw(np.random.default_rng(0), 1000, slope=1.0)
        y, scores = truth.astype(int), p
        if scenario == "case_control":
            y = np.append(np.ones(truth.sum(), int), np.zeros(1000, int))
            scores = np.append(p[truth], p)
        found = pu_calibration_error(
            y, scores, prior=truth.mean(), scenario=scenario, strategy=strategy, debiased=False
        )
        assert found == pytest.approx(true_error(truth, p, strategy))

    def test_by_hand(self):
        y = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
        p = [0.9, 0.9, 0.9, 0.3, 0.9, 0.9, 0.9, 0.3, 0.3, 0.3]
        found = pu_calibration_error(y, p, prior=0.5, n_bins=2, debiased=False)
        assert found == pytest.approx(abs(0.9 / 2 - 0.5 * 3 / 4) + abs(0.3 / 2 - 0.5 / 4))
        found = pu_calibration_error(y, p, prior=0.5, n_bins=1, debiased=False)
        assert found == pytest.approx(0.6 - 0.5)


class TestDebiased:
    def test_the_worst_bias_is_half_of_the_plain_one_and_less(self):
        plain, debiased = zip(*(self.biases(slope) for slope in (2.0, 1.0, 4.0)))
        assert max(np.abs(debiased)) < 0.5 * max(np.abs(plain))
        assert plain[0] > 0.05  # a calibrated classifier and 200 labelled positives

    def biases(self, slope):
        rng = np.random.default_rng(0)
        truth = true_error(*draw(rng, 400000, slope))
        errors = []
        for _ in range(60):
            _, p = draw(rng, 2000, slope)
            positives = expit(slope * rng.normal(1.0, size=200) + np.log(0.4 / 0.6))
            data = np.repeat([1, 0], [200, 2000]), np.append(positives, p)
            errors.append(
                [pu_calibration_error(*data, prior=0.4, debiased=which) for which in (False, True)]
            )
        assert np.min(errors) >= 0
        return np.mean(errors, axis=0) - truth

    def test_large_gaps_stay_and_empty_bins_add_nothing(self):
        rng = np.random.default_rng(0)
        y = np.repeat([1, 0], [5000, 20000])
        p = rng.choice([0.15, 0.95], len(y))  # knows nothing: half of either value is positive
        found = pu_calibration_error(y, p, prior=0.5)
        assert found == pytest.approx(0.5 * 0.35 + 0.5 * 0.45, abs=0.01)
        plain = pu_calibration_error(y, p, prior=0.5, debiased=False)
        assert found == pytest.approx(plain, abs=0.001)


class TestCertainBound:
    """The error cannot be below the distance of the mean probability from the prior."""

    N_DRAWS = 200

    @pytest.mark.parametrize("scenario", ["case_control", "single_training_set"])
    @pytest.mark.parametrize("strategy", ["uniform", "quantile"])
    @pytest.mark.parametrize("prior", [0.1, 0.5, 0.9])
    def test_no_draw_is_below_it(self, scenario, strategy, prior):
        rng = np.random.default_rng(0)
        settings = {"prior": prior, "scenario": scenario, "strategy": strategy}
        for i in range(self.N_DRAWS):
            y, p = self.draw(rng, scenario, prior, shift=(-1.0, 0.0, 1.0)[i % 3], n=300)
            judged = p[y == 0] if scenario == "case_control" else p
            certain = abs(judged.mean() - prior)
            for debiased in (True, False):
                found = pu_calibration_error(y, p, debiased=debiased, **settings)
                assert found >= certain - 1e-12

    def test_propensities_do_not_change_the_bound(self):
        rng = np.random.default_rng(0)
        for _ in range(50):
            y, p = self.draw(rng, "case_control", 0.9, shift=1.0, n=300)
            found = pu_calibration_error(y, p, prior=0.9, propensities=rng.uniform(0.1, 1, len(y)))
            assert found >= abs(p[y == 0].mean() - 0.9) - 1e-12

    @pytest.mark.parametrize("scenario", ["case_control", "single_training_set"])
    @pytest.mark.parametrize("prior", [0.1, 0.5, 0.9])
    @pytest.mark.parametrize("shift", [-1.0, 1.0])
    def test_the_interval_covers_a_shift_of_all_logits(self, scenario, prior, shift):
        rng = np.random.default_rng(0)
        truth, p = self.mixture(rng, 400000, prior, shift)
        expected, covered, errors = true_error(truth, p), 0, []
        for _ in range(self.N_DRAWS):
            data = self.draw(rng, scenario, prior, shift)
            error, std = pu_calibration_error(
                *data, prior=prior, scenario=scenario, return_std=True
            )
            covered += abs(error - expected) < 1.96 * std
            errors.append(error)
        assert covered >= 0.9 * self.N_DRAWS
        assert abs(np.mean(errors) - expected) < 0.01

    def mixture(self, rng, n, prior, shift):
        """Truth and probabilities, calibrated but for a shift of the logits."""
        truth = rng.random(n) < prior
        return truth, expit(self.logits(rng, truth, prior) + shift)

    def logits(self, rng, truth, prior):
        return 2 * rng.normal(np.where(truth, 1.0, -1.0)) + np.log(prior / (1 - prior))

    def draw(self, rng, scenario, prior, shift, n=2000):
        truth, p = self.mixture(rng, n, prior, shift)
        n_labelled = n // 10
        if scenario == "single_training_set":
            return (truth & (rng.random(n) < min(0.3, n_labelled / (prior * n)))).astype(int), p
        labelled = expit(self.logits(rng, np.ones(n_labelled, bool), prior) + shift)
        return np.repeat([1, 0], [n_labelled, n]), np.append(labelled, p)


class TestErrors:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"n_bins": 0}, "n_bins must be a whole number >= 1, got 0"),
            ({"n_bins": 2.5}, "n_bins must be .* got 2.5"),
            ({"strategy": "even"}, "strategy must be 'uniform' or 'quantile', got 'even'"),
        ],
    )
    def test_bins(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            pu_calibration_error([1, 1, 0], [0.5, 0.5, 0.5], prior=0.5, **arguments)

    def test_logits(self):
        with pytest.raises(ValueError, match="must be probabilities, but it ranges from -1 to 2"):
            pu_calibration_error([1, 1, 0], [2.0, 0.5, -1.0], prior=0.5)
