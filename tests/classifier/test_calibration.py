import pickle

import numpy as np
import pytest
from scipy.special import expit
from sklearn.base import clone

from puclassify import ParticlePicker, PUImageClassifier
from puclassify.calibration import PUPlattScaling
from puclassify.classifier._held_out_examples import hold_out
from puclassify.datasets import make_micrographs

DISTANCE = 2.0
QUICK = {"lr": 0.02, "max_epochs": 5, "module_params": {"hidden": (16,)}, "random_state": 0}


def gaussians(n, prior, rng):
    truth = rng.random(n) < prior
    X = rng.normal(size=(n, 2))
    X[:, 0] += DISTANCE * truth
    return X.astype(np.float32), truth


def sample(prior, seed, n_positive=600, n_unlabelled=3000):
    """Labelled positives and, behind them, unlabelled examples; and their labels."""
    rng = np.random.default_rng(seed)
    X = np.concatenate([gaussians(n_positive, 1.0, rng)[0], gaussians(n_unlabelled, prior, rng)[0]])
    return X, np.repeat([1, 0], [n_positive, n_unlabelled])


def calibration_error(probability, truth, n_bins=10):
    bins = np.minimum((probability * n_bins).astype(int), n_bins - 1)
    gaps = [np.sum((probability - truth)[bins == b]) for b in range(n_bins)]
    return np.sum(np.abs(gaps)) / len(truth)


@pytest.fixture(scope="module")
def fitted():
    X, y = sample(0.3, 0)
    return X, y, PUImageClassifier(prior=0.3, criterion="pn", **QUICK).fit(X, y)


class TestProbabilities:
    @pytest.mark.parametrize(("criterion", "limit"), [("pn", 0.07), ("ge_kl", 0.05)])
    def test_true_calibration_error(self, criterion, limit):
        raw, calibrated = [], []
        for seed in range(3):
            X, y = sample(0.5, seed, n_positive=1000)
            new, truth = gaussians(20_000, 0.5, np.random.default_rng(100 + seed))
            classifier = PUImageClassifier(prior=0.5, criterion=criterion, **QUICK).fit(X, y)
            slope, intercept = classifier.calibration_
            logits = classifier.decision_function(new)
            calibrated.append(calibration_error(expit(logits), truth))
            raw.append(calibration_error(expit((logits - intercept) / slope), truth))
        assert np.mean(calibrated) <= limit
        assert np.mean(calibrated) < np.mean(raw) - 0.01

    def test_in_a_single_training_set(self):
        errors = []
        for seed in range(3):
            rng = np.random.default_rng(seed)
            X, truth = gaussians(4000, 0.4, rng)
            labelled = truth & (rng.random(4000) < 0.5)
            classifier = PUImageClassifier(
                prior=0.4, scenario="single_training_set", criterion="ge_kl", **QUICK
            ).fit(X, labelled)
            new, truth = gaussians(20_000, 0.4, rng)
            errors.append(calibration_error(classifier.predict_proba(new)[:, 1], truth))
        assert np.mean(errors) <= 0.05

    def test_all_methods_agree(self, fitted):
        X, _, classifier = fitted
        logits = classifier.decision_function(X)
        np.testing.assert_array_equal(classifier.predict_proba(X)[:, 1], expit(logits))
        np.testing.assert_array_equal(classifier.predict(X), (logits > 0).astype(int))

    def test_slope_and_intercept_lead_back_to_the_logits_of_the_network(self, fitted):
        X, _, classifier = fitted
        slope, intercept = classifier.calibration_
        assert (slope, intercept) != (1.0, 0.0)
        head = classifier.module_.head
        raw = classifier.transform(X.astype(float)) @ head.weight.detach().numpy()[0].astype(float)
        raw += head.bias.item()
        logits = classifier.decision_function(X)
        np.testing.assert_allclose((logits - intercept) / slope, raw, atol=1e-5)

    def test_it_is_that_of_the_examples_that_were_held_out(self, fitted):
        X, y, classifier = fitted
        raw = clone(classifier).set_params(calibration=None)
        trained, held = hold_out(y == 1, 0.1, np.random.RandomState(0))
        slope, intercept = classifier.calibration_
        scores = (classifier.decision_function(X[held]) - intercept) / slope
        expected = PUPlattScaling(0.3).fit(scores, y[held]).calibration_
        np.testing.assert_allclose(classifier.calibration_, expected, rtol=1e-4)
        assert raw.fit(X, y).calibration_ == (1.0, 0.0)
        assert len(trained) == 3240

    def test_the_weights_are_those_without_it_if_as_many_are_held_out(self):
        X, y = sample(0.3, 0)
        options = QUICK | {"prior": 0.3, "early_stopping": True}
        raw = PUImageClassifier(calibration=None, **options).fit(X, y)
        classifier = PUImageClassifier(calibration="platt", **options).fit(X, y)
        slope, intercept = classifier.calibration_
        np.testing.assert_allclose(
            classifier.decision_function(X), slope * raw.decision_function(X) + intercept
        )
        np.testing.assert_array_equal(classifier.transform(X), raw.transform(X))
        assert classifier.score(X, y) == pytest.approx(raw.score(X, y), abs=1e-9)


class TestWhenThereIsNone:
    @pytest.mark.parametrize(("n_positive", "is_calibrated"), [(490, False), (500, True)])
    def test_auto_needs_fifty_held_out(self, n_positive, is_calibrated):
        X, y = sample(0.3, 0, n_positive=n_positive)
        classifier = PUImageClassifier(prior=0.3, **QUICK | {"max_epochs": 1}).fit(X, y)
        assert (classifier.calibration_ != (1.0, 0.0)) == is_calibrated

    def test_auto_trains_on_everything_where_it_is_not_worth_it(self):
        X, y = sample(0.3, 0, n_positive=490)
        fits = [
            PUImageClassifier(prior=0.3, calibration=calibration, **QUICK).fit(X, y)
            for calibration in ("auto", None, "platt")
        ]
        logits = [classifier.decision_function(X) for classifier in fits]
        np.testing.assert_array_equal(logits[0], logits[1])
        assert not np.array_equal(logits[0], logits[2])
        assert fits[2].calibration_ != (1.0, 0.0)

    def test_scores_that_rank_the_wrong_way_stay_as_they_are(self):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(400, 3)).astype(np.float32)
        y = np.repeat([1, 0], 200)
        held = hold_out(y == 1, 0.3, np.random.RandomState(0))[1]
        X[y == 1, 0] += 2
        X[held, 0] *= -1  # what is held out is the opposite of what is learned
        classifier = PUImageClassifier(calibration="platt", validation_fraction=0.3, **QUICK)
        with pytest.warns(UserWarning, match=r"logits are left .* reverse the ranking") as caught:
            classifier.fit(X, y)
        assert [warning.filename for warning in caught] == [__file__]
        assert classifier.calibration_ == (1.0, 0.0)

    def test_one_labelled_positive_cannot_be_held_out(self, rows):
        classifier = PUImageClassifier(calibration="platt")
        with pytest.raises(ValueError, match=r"calibration='platt' .* only 1 labelled"):
            classifier.fit(rows.X, np.arange(60) == 0)

    def test_in_a_picker_the_network_stays_raw(self):
        data = make_micrographs(1, shape=(128, 128), particles_per_micrograph=4, random_state=0)
        small = PUImageClassifier(
            "conv31", module_params={"units": 2}, max_epochs=1, calibration="platt"
        )
        picker = ParticlePicker(
            data.particle_diameter,
            classifier=small,
            expected_particles=4,
            threshold=0.0,
            random_state=0,
        )
        picker.fit(data.micrographs, data.coordinates)
        assert picker.classifier_.calibration_ == (1.0, 0.0)


class TestContradictedPrior:
    OPTIONS = QUICK | {"max_epochs": 3}

    def test_labelled_from_another_source(self):
        X, y = sample(0.5, 0)
        X[y == 1, 1] += 8.0  # which has nothing to do with the class
        with pytest.warns(UserWarning, match=r"prior=0.5 contradicts .* at most about 0(.0\d*)? "):
            PUImageClassifier(prior=0.5, **self.OPTIONS).fit(X, y)

    @pytest.mark.parametrize("scenario", ["case_control", "single_training_set"])
    def test_a_prior_that_is_too_large(self, scenario):
        rng = np.random.default_rng(0)
        truth = np.append(np.ones(600), rng.random(3000) < 0.1)
        X = rng.normal(size=(3600, 2)).astype(np.float32)
        X[:, 0] += 6 * truth
        with pytest.warns(UserWarning, match="prior=0.9 contradicts the held-out examples"):
            PUImageClassifier(prior=0.9, scenario=scenario, **self.OPTIONS).fit(
                X, np.repeat([1, 0], [600, 3000])
            )

    @pytest.mark.parametrize("prior", [0.05, 0.3, 0.5, "bbe"])
    def test_one_that_the_data_allow(self, prior):
        X, y = sample(0.5, 0)
        PUImageClassifier(prior=prior, **self.OPTIONS).fit(X, y)


class TestLifeCycle:
    def test_pickle(self, fitted):
        X, _, classifier = fitted
        loaded = pickle.loads(pickle.dumps(classifier))
        assert loaded.calibration_ == classifier.calibration_
        np.testing.assert_array_equal(loaded.decision_function(X), classifier.decision_function(X))

    def test_refit_is_equal_to_the_bit(self, fitted):
        X, y, classifier = fitted
        logits = classifier.decision_function(X)
        np.testing.assert_array_equal(clone(classifier).fit(X, y).decision_function(X), logits)

    def test_warm_start_goes_on_from_the_network_and_calibrates_anew(self):
        X, y = sample(0.3, 0)
        classifier = PUImageClassifier(prior=0.3, criterion="pn", warm_start=True, **QUICK)
        first = classifier.fit(X, y).calibration_
        weights = classifier.module_.head.weight.detach().clone()
        classifier.set_params(lr=1e-9, max_epochs=1, optimizer_params={"weight_decay": 0.0})
        second = classifier.fit(X, y).calibration_
        np.testing.assert_allclose(classifier.module_.head.weight.detach(), weights, atol=1e-6)
        np.testing.assert_allclose(first, second, rtol=1e-3)

    def test_the_prior_of_the_criterion_counts(self):
        X, y = sample(0.3, 0)
        classifier = PUImageClassifier(prior=0.6, criterion="nnpu", **QUICK)
        classifier.set_params(criterion__prior=0.3).fit(X, y)
        assert classifier.predict_proba(X[600:])[:, 1].mean() == pytest.approx(0.3, abs=0.06)
