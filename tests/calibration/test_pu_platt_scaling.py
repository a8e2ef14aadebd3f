import math
import pickle

import numpy as np
import pytest
from scipy.optimize import brentq, minimize
from scipy.special import expit
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from puclassify.calibration import PUPlattScaling, pu_platt_scaling

PRIORS = (0.1, 0.3, 0.6)


def draw(prior, seed, *, n_positive=1000, n_unlabelled=5000, distance=2.0):
    """Scores of two normal classes, stretched and moved, and the true classes."""
    rng = np.random.default_rng(seed)
    truth = np.concatenate([np.ones(n_positive, bool), rng.random(n_unlabelled) < prior])
    scores = 3 * (rng.normal(size=len(truth)) + distance * truth) + 5
    return scores, np.repeat([1, 0], [n_positive, n_unlabelled]), truth


def true_parameters(prior, distance=2.0):
    """By the two densities."""
    slope = distance / 3
    return slope, math.log(prior / (1 - prior)) - distance**2 / 2 - 5 * slope


def calibration_error(probability, truth, n_bins=10):
    bins = np.minimum((probability * n_bins).astype(int), n_bins - 1)
    gaps = [np.sum((probability - truth)[bins == b]) for b in range(n_bins)]
    return np.sum(np.abs(gaps)) / len(truth)


def maximum_likelihood(positives, unlabelled, prior, weights=(None, None)):
    """Minimise the objective of the docstring without derivatives, after rescaling by hand."""
    samples = []
    for values, w in zip((positives, unlabelled), weights):
        w = np.ones(len(values)) if w is None else np.asarray(w, float)
        size = w.sum() ** 2 / (w**2).sum()
        samples.append((values, w / w.sum() * size))
    (s_p, w_p), (s_u, w_u) = samples
    centre = np.average(s_u, weights=w_u)
    spread = np.sqrt(np.average((s_u - centre) ** 2, weights=w_u))
    w, s = np.append(w_p, w_u), np.append(s_p, s_u)

    def objective(at):
        slope, intercept = at[0] / spread, at[1] - at[0] * centre / spread
        p = 1 / (1 + np.exp(-slope * s - intercept))
        excess = p / prior - 1
        if not excess.min() < 0 < excess.max():
            return np.inf
        ends = -1 / excess.max() + 1e-9, -1 / excess.min() - 1e-9
        k = brentq(lambda k: np.sum(w * excess / (1 + k * excess)), *ends, xtol=1e-13)
        loss = np.sum(w * np.log(1 + k * excess)) - np.sum(w_p * np.log(p[: len(s_p)]))
        return loss + at[0] ** 2 / 200

    options = {"xatol": 1e-9, "fatol": 1e-9, "maxiter": 4000, "maxfev": 4000}
    best = minimize(objective, [2.0, -1.0], method="Nelder-Mead", options=options)
    assert best.success
    return best.x[0] / spread, best.x[1] - best.x[0] * centre / spread


class TestFunction:
    @pytest.mark.parametrize("prior", PRIORS)
    @pytest.mark.parametrize("distance", [1.0, 2.0, 4.0, 12.0])
    def test_minimises_the_objective(self, prior, distance):
        scores, y, _ = draw(prior, 0, n_positive=80, n_unlabelled=300, distance=distance)
        found = pu_platt_scaling(scores[y == 1], scores[y == 0], prior)
        expected = maximum_likelihood(scores[y == 1], scores[y == 0], prior)
        np.testing.assert_allclose(found, expected, rtol=1e-4)

    def test_with_weights(self):
        scores, y, _ = draw(0.3, 0, n_positive=80, n_unlabelled=300)
        weights = [
            np.random.default_rng(seed).exponential(size=n) for seed, n in ((0, 80), (1, 300))
        ]
        samples = scores[y == 1], scores[y == 0]
        found = pu_platt_scaling(
            *samples, 0.3, positive_weights=weights[0], unlabelled_weights=weights[1]
        )
        np.testing.assert_allclose(found, maximum_likelihood(*samples, 0.3, weights), rtol=1e-4)
        scaled = pu_platt_scaling(
            *samples, 0.3, positive_weights=7 * weights[0], unlabelled_weights=weights[1] / 9
        )
        np.testing.assert_allclose(scaled, found, rtol=1e-9)

    def test_a_weight_of_zero_leaves_a_score_out(self):
        scores, y, _ = draw(0.3, 0, n_positive=80, n_unlabelled=300)
        positives, unlabelled = scores[y == 1], scores[y == 0]
        found = pu_platt_scaling(
            np.append(positives, -1e3),
            np.append(unlabelled, 1e3),
            0.3,
            positive_weights=[1] * 80 + [0],
            unlabelled_weights=[1] * 300 + [0],
        )
        np.testing.assert_allclose(found, pu_platt_scaling(positives, unlabelled, 0.3), rtol=1e-9)

    @pytest.mark.parametrize("prior", PRIORS)
    def test_near_the_truth(self, prior):
        found = []
        for seed in range(3):
            scores, y, _ = draw(prior, seed, n_positive=3000, n_unlabelled=20_000)
            found.append(pu_platt_scaling(scores[y == 1], scores[y == 0], prior))
        np.testing.assert_allclose(np.mean(found, axis=0), true_parameters(prior), rtol=0.04)

    @pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
    @pytest.mark.parametrize("offset", [0.0, -1e3])
    def test_units_do_not_matter(self, scale, offset):
        scores, y, _ = draw(0.3, 0, n_positive=100, n_unlabelled=1000)
        slope, intercept = pu_platt_scaling(scores[y == 1], scores[y == 0], 0.3)
        other = scale * (scores + offset)
        slope_of_other, intercept_of_other = pu_platt_scaling(other[y == 1], other[y == 0], 0.3)
        np.testing.assert_allclose(
            slope_of_other * other + intercept_of_other, slope * scores + intercept, rtol=1e-6
        )

    @pytest.mark.parametrize("prior", PRIORS)
    def test_finite_where_scores_separate(self, prior):
        rng = np.random.default_rng(0)
        n_true = round(1000 * prior)
        unlabelled = np.repeat([1.0, -1.0], [n_true, 1000 - n_true])
        slope, intercept = pu_platt_scaling(np.ones(50), unlabelled, prior)
        p = expit(slope * np.array([-1, 1]) + intercept)
        assert p[0] < 0.05
        assert p[1] > 0.95
        assert slope < 20
        # nor where the labelled ones lie beyond all others
        slope, _ = pu_platt_scaling(3 + rng.random(50), unlabelled, prior)
        assert 0 < slope < 100

    @pytest.mark.parametrize("prior", [0.01, 0.4, 0.99])
    def test_as_few_scores_as_can_be(self, prior):
        slope, intercept = pu_platt_scaling([1.0], [0.0, 0.7], prior)
        assert slope > 0
        assert np.isfinite(intercept)

    def test_unlabelled_scores_that_are_all_equal(self):
        with pytest.raises(ValueError, match=r"unlabelled_scores are all equal, 0\.3,"):
            pu_platt_scaling([1.0], [0.3, 0.3], 0.4)

    def test_float32_is_calibrated_in_float64(self):
        scores, y, _ = draw(0.3, 0, n_positive=100, n_unlabelled=1000)
        rounded = scores.astype(np.float32)
        assert pu_platt_scaling(rounded[y == 1], rounded[y == 0], 0.3) == pu_platt_scaling(
            rounded[y == 1].astype(float), rounded[y == 0].astype(float), 0.3
        )

    @pytest.mark.parametrize(
        ("positives", "unlabelled"),
        [([0.0, 1.0], [1.0, 2.0]), ([1.0, 1.0], [0.0, 2.0])],
        ids=["below", "equal means"],
    )
    def test_a_slope_that_is_not_positive_is_refused(self, positives, unlabelled):
        with pytest.raises(
            ValueError, match=r"mean is .* over the labelled .* reverse the ranking"
        ):
            pu_platt_scaling(positives, unlabelled, 0.5)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (([[1.0]], [0.0], 0.5), r"positive_scores must have shape \(n,\)"),
            (([1.0, np.nan], [0.0], 0.5), "positive_scores must be numbers, but 1 of 2 are NaN"),
            (([1.0], [0.0, -np.inf], 0.5), "unlabelled_scores must be finite.* index 1; .* clip"),
            (([], [0.0], 0.5), "positive_scores is empty"),
            (([1.0], [], 0.5), "unlabelled_scores is empty"),
            ((["high"], [0.0], 0.5), "positive_scores must be one number for each example"),
            (([1j], [0.0], 0.5), "positive_scores must be one number for each example"),
            (([1.0], [0.0], 1.0), r"prior must be a number between 0 and 1.* got 1\.0"),
            (([1.0], [0.0], None), "prior must be a number between 0 and 1.* got None"),
        ],
    )
    def test_errors_name_the_argument(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            pu_platt_scaling(*arguments)

    @pytest.mark.parametrize("weights", [[1.0], [1.0, -1.0], [0.0, 0.0], []])
    def test_impossible_weights(self, weights):
        with pytest.raises(ValueError, match="unlabelled_weights must be 2 numbers"):
            pu_platt_scaling([2.0], [0.0, 1.0], 0.5, unlabelled_weights=weights)


class TestEstimator:
    @pytest.mark.parametrize("prior", PRIORS)
    @pytest.mark.parametrize("distance", [2.0, 4.0])
    def test_true_calibration_error_case_control(self, prior, distance):
        errors = []
        for seed in range(5):
            scores, y, _ = draw(prior, seed, distance=distance)
            scaling = PUPlattScaling(prior).fit(scores, y)
            new, _, truth = draw(
                prior, 100 + seed, n_positive=0, n_unlabelled=50_000, distance=distance
            )
            errors.append(calibration_error(scaling.predict_proba(new)[:, 1], truth))
        assert np.mean(errors) <= 0.02

    @pytest.mark.parametrize("prior", PRIORS)
    @pytest.mark.parametrize("labelled_fraction", [0.2, 0.8])
    def test_true_calibration_error_single_training_set(self, prior, labelled_fraction):
        errors = []
        for seed in range(5):
            scores, _, truth = draw(prior, seed, n_positive=0)
            drawn = np.random.default_rng(50 + seed).random(5000) < labelled_fraction
            scaling = PUPlattScaling(prior, scenario="single_training_set")
            scaling.fit(scores, truth & drawn)
            new, _, truth = draw(prior, 100 + seed, n_positive=0, n_unlabelled=50_000)
            errors.append(calibration_error(scaling.predict_proba(new)[:, 1], truth))
        assert np.mean(errors) <= 0.02

    def test_platt_on_pu_labels_is_far_off(self):
        scores, y, _ = draw(0.6, 0)
        new, _, truth = draw(0.6, 1, n_positive=0, n_unlabelled=50_000)
        naive = LogisticRegression(C=np.inf).fit(scores[:, None], y).predict_proba(new[:, None])
        ours = PUPlattScaling(0.6).fit(scores, y).predict_proba(new)
        errors = [calibration_error(p[:, 1], truth) for p in (naive, ours)]
        assert errors[0] > 0.3 > 0.03 > errors[1]

    def test_all_positives_labelled_is_logistic_regression(self):
        scores, _, truth = draw(0.3, 0, n_positive=0, n_unlabelled=2000)
        prior = float(np.mean(truth))
        scaling = PUPlattScaling(prior, scenario="single_training_set").fit(scores, truth)
        spread = scores[~truth].std()
        model = LogisticRegression(C=100.0, tol=1e-8).fit(scores[:, None] / spread, truth)
        slope, intercept = model.coef_[0, 0] / spread, model.intercept_[0]
        np.testing.assert_allclose(scaling.calibration_, (slope, intercept), rtol=1e-3)

    def test_everything_agrees(self):
        scores, y, _ = draw(0.3, 0)
        scaling = PUPlattScaling(0.3).fit(scores, y)
        slope, intercept = scaling.calibration_
        assert scaling.calibration_ == pu_platt_scaling(scores[y == 1], scores[y == 0], 0.3)
        logits = scaling.transform(scores)
        np.testing.assert_array_equal(logits, slope * scores + intercept)
        probability = scaling.predict_proba(scores)
        assert probability.shape == (6000, 2)
        np.testing.assert_allclose(probability[:, 1], expit(logits))
        np.testing.assert_allclose(probability.sum(axis=1), 1)
        np.testing.assert_array_equal(np.argsort(logits), np.argsort(scores))

    def test_labels_of_any_kind(self):
        scores, y, _ = draw(0.3, 0, n_positive=100, n_unlabelled=500)
        expected = PUPlattScaling(0.3).fit(scores, y).calibration_
        for labels in (2 * y - 1, y == 1, np.where(y == 1, "yes", "no")):
            assert PUPlattScaling(0.3).fit(scores, labels).calibration_ == expected

    def test_is_an_estimator(self):
        scores, y, _ = draw(0.3, 0, n_positive=100, n_unlabelled=500)
        scaling = clone(PUPlattScaling(0.2, scenario="single_training_set")).set_params(prior=0.4)
        assert scaling.get_params() == {"prior": 0.4, "scenario": "single_training_set"}
        with pytest.raises(NotFittedError):
            scaling.transform(scores)
        loaded = pickle.loads(pickle.dumps(scaling.fit(scores, y)))
        np.testing.assert_array_equal(loaded.transform(scores), scaling.transform(scores))

    @pytest.mark.parametrize(
        ("params", "message"),
        [
            ({"prior": 0}, "prior must be a number between 0 and 1"),
            ({"prior": "auto"}, "prior must be .* got 'auto'"),
            ({"scenario": "case-control"}, "scenario must be"),
            (
                {"prior": 0.1, "scenario": "single_training_set"},
                r"prior=0\.1 is impossible .* 100 of 600 examples \(0\.167\)",
            ),
        ],
    )
    def test_bad_parameters(self, params, message):
        scores, y, _ = draw(0.3, 0, n_positive=100, n_unlabelled=500)
        with pytest.raises(ValueError, match=message):
            PUPlattScaling(**params).fit(scores, y)

    def test_exchanged_arguments(self):
        scores, y, _ = draw(0.3, 0, n_positive=20, n_unlabelled=80)
        with pytest.raises(ValueError, match=r"y holds continuous .* are y and scores exchanged"):
            PUPlattScaling(0.3).fit(y, scores)

    def test_bad_data(self):
        scores, y, _ = draw(0.3, 0, n_positive=100, n_unlabelled=500)
        with pytest.raises(ValueError, match=r"scores has 600, y has 3"):
            PUPlattScaling(0.3).fit(scores, [1, 0, 0])
        with pytest.raises(ValueError, match="scores must be finite"):
            PUPlattScaling(0.3).fit(np.where(scores > 12, np.inf, scores), y)
        with pytest.raises(ValueError, match="reverse the ranking"):
            PUPlattScaling(0.3).fit(-scores, y)
        with pytest.raises(ValueError, match=r"scores must have shape .*predict_proba"):
            PUPlattScaling(0.3).fit(scores, y).transform(np.zeros((3, 2)))

    @pytest.mark.parametrize(
        ("fitted", "given"), [(np.asarray, expit), (expit, np.asarray)], ids=["logits", "p"]
    )
    def test_probabilities_and_logits(self, fitted, given):
        scores, y, _ = draw(0.3, 0)
        scores = scores - 8
        scaling = PUPlattScaling(0.3).fit(fitted(scores), y)
        with pytest.warns(UserWarning, match=r"one of them probabilities and the others logits\?"):
            scaling.predict_proba(given(scores))
        scaling.predict_proba(fitted(scores))  # warnings are errors
        scaling.predict_proba(fitted(scores[:3]))

    def test_labels_for_scores(self):
        scores, y, _ = draw(0.3, 0)
        with pytest.warns(UserWarning, match=r"scores holds only 0 and 1: these look like labels"):
            PUPlattScaling(0.3).fit((scores > 8).astype(int), y)


class TestWeights:
    @pytest.mark.parametrize("scenario", ["case_control", "single_training_set"])
    def test_equal_ones_change_no_bit(self, scenario):
        scores, y, _ = draw(0.4, 0)
        scaling = PUPlattScaling(0.4, scenario=scenario)
        expected = scaling.fit(scores, y).calibration_
        equal = {"sample_weight": np.full(6000, 0.3), "propensities": np.full(6000, 0.7)}
        assert scaling.fit(scores, y, **equal).calibration_ == expected

    @pytest.mark.parametrize("scenario", ["case_control", "single_training_set"])
    def test_of_zero_are_not_there(self, scenario):
        scores, y, _ = draw(0.4, 0)
        w = np.arange(6000) % 3.0
        scaling = PUPlattScaling(0.4, scenario=scenario)
        kept = w > 0
        expected = scaling.fit(scores[kept], y[kept], sample_weight=w[kept]).calibration_
        found = scaling.fit(scores, y, sample_weight=w).calibration_
        np.testing.assert_allclose(found, expected, rtol=1e-9)

    @pytest.mark.parametrize("scenario", ["case_control", "single_training_set"])
    def test_propensities_undo_the_bias_of_the_labels(self, scenario):
        errors = []
        for seed in range(5):
            scores, _, truth = draw(0.4, seed, n_positive=0, n_unlabelled=20_000)
            e = expit(0.5 * (scores - 13))
            y = (truth & (np.random.default_rng(seed).random(len(truth)) < e)).astype(int)
            fitted_to, labels, given = scores, y, e
            if scenario == "case_control":
                more, _, _ = draw(0.4, 100 + seed, n_positive=0, n_unlabelled=20_000)
                fitted_to = np.append(scores[y == 1], more)
                labels = np.repeat([1, 0], [y.sum(), len(more)])
                given = np.append(e[y == 1], np.ones(len(more)))
            scaling = PUPlattScaling(0.4, scenario=scenario)
            errors.append(
                [
                    calibration_error(
                        scaling.fit(fitted_to, labels, propensities=one).predict_proba(scores)[
                            :, 1
                        ],
                        truth,
                    )
                    for one in (None, given)
                ]
            )
        biased, corrected = np.mean(errors, axis=0)
        assert corrected < 0.03 < biased

    def test_wrong_ones(self):
        scores, y, _ = draw(0.4, 0)
        with pytest.raises(ValueError, match="sample_weight must be finite numbers"):
            PUPlattScaling(0.4).fit(scores, y, sample_weight=-np.ones(6000))
        with pytest.raises(ValueError, match="propensities of labelled positives must be"):
            PUPlattScaling(0.4).fit(scores, y, propensities=np.zeros(6000))
