import numpy as np
import pytest
import skorch.callbacks
from sklearn.base import clone

from puclassify import PUImageClassifier
from puclassify.classifier._held_out_examples import hold_out
from puclassify.prior import BBEPrior, unlabelled_prior

QUICK = {"lr": 0.02, "max_epochs": 6, "module_params": {"hidden": (16,)}, "random_state": 0}


def gaussians(n, prior, rng, distance=3.5):
    truth = rng.random(n) < prior
    X = rng.normal(size=(n, 3)).astype(np.float32)
    X[:, 0] += distance * truth
    return X, truth


def sample(prior, seed, n_positive=600, n_unlabelled=2400):
    rng = np.random.default_rng(seed)
    X = np.concatenate([gaussians(n_positive, 1.0, rng)[0], gaussians(n_unlabelled, prior, rng)[0]])
    return X, np.repeat([1, 0], [n_positive, n_unlabelled])


@pytest.fixture(scope="module")
def fitted():
    X, y = sample(0.3, 0)
    return X, y, PUImageClassifier(prior="bbe", **QUICK).fit(X, y)


class TestEstimate:
    @pytest.mark.filterwarnings("ignore:.*Prior estimates the prior:UserWarning")
    @pytest.mark.parametrize("name", ["bbe", "dedpul"])
    @pytest.mark.parametrize("prior", [0.2, 0.5])
    def test_near_the_truth(self, name, prior):
        estimates = []
        for seed in range(3):
            X, y = sample(prior, seed)
            estimates.append(PUImageClassifier(prior=name, **QUICK).fit(X, y).prior_)
        assert np.mean(estimates) == pytest.approx(prior, abs=0.07)

    def test_as_accurate_as_with_the_true_prior(self):
        reached = []
        for seed in range(3):
            X, y = sample(0.3, seed)
            new, truth = gaussians(5000, 0.3, np.random.default_rng(100 + seed))
            classifiers = (PUImageClassifier(prior=prior, **QUICK) for prior in ("bbe", 0.3, 0.6))
            reached.append([np.mean(c.fit(X, y).predict(new) == truth) for c in classifiers])
        estimated, true, wrong = np.mean(reached, axis=0)
        assert estimated > true - 0.02
        assert estimated > wrong

    def test_over_everything_in_a_single_training_set(self):
        X, truth = gaussians(4000, 0.5, np.random.default_rng(0))
        labelled = truth & (np.random.default_rng(1).random(4000) < 0.4)
        classifier = PUImageClassifier(prior="bbe", scenario="single_training_set", **QUICK)
        classifier.fit(X, labelled)
        assert classifier.prior_ == pytest.approx(0.5, abs=0.06)
        expected = unlabelled_prior(classifier.prior_, labelled.mean() / classifier.prior_)
        assert classifier.unlabelled_prior_ == pytest.approx(expected)

    @pytest.mark.filterwarnings("ignore:BBEPrior estimates the prior:UserWarning")
    def test_on_images(self):
        rng = np.random.default_rng(0)
        truth = np.concatenate([np.ones(300, bool), rng.random(900) < 0.4])
        X = rng.normal(size=(1200, 8, 8)).astype(np.float32)
        X[truth, 2:6, 2:6] += 1.5
        classifier = PUImageClassifier(
            prior="bbe", module_params={"units": 4}, lr=0.01, max_epochs=6, random_state=0
        ).fit(X, np.repeat([1, 0], [300, 900]))
        assert classifier.prior_ == pytest.approx(0.4, abs=0.12)

    def test_the_estimate_is_that_from_the_held_out_examples(self, fitted):
        X, y, classifier = fitted
        once = clone(classifier).set_params(max_epochs=1).fit(X, y)
        held = hold_out(y == 1, 0.1, np.random.RandomState(0))[1]
        expected = BBEPrior().fit_scores(once.decision_function(X[held]), y[held]).prior_
        assert once.prior_ == pytest.approx(expected, abs=1e-12)
        assert once.unlabelled_prior_ == once.prior_
        assert once.prior == "bbe"

    def test_the_history_has_it_after_the_warm_up(self, fitted):
        _, _, classifier = fitted
        assert ["prior" in epoch for epoch in classifier.history_] == [False] + [True] * 5
        assert classifier.history_[-1]["prior"] == classifier.prior_

    def test_the_objective_descends_at_the_estimates(self, fitted):
        X, y, classifier = fitted
        seen = []

        class Watcher(skorch.callbacks.Callback):
            def on_epoch_begin(self, net, **kwargs):
                seen.append((type(net.criterion_).__name__, net.criterion_.prior))

        clone(classifier).set_params(callbacks=[Watcher()]).fit(X, y)
        priors = [epoch["prior"] for epoch in classifier.history_[1:]]
        assert [name for name, _ in seen] == ["PNLoss"] * 2 + ["NonNegativePULoss"] * 4
        assert [prior for _, prior in seen[2:]] == priors[:-1]

    def test_the_probabilities_are_those_at_the_estimate(self, fitted):
        X, _, classifier = fitted
        assert classifier.calibration_ != (1.0, 0.0)
        mean = classifier.predict_proba(X[600:])[:, 1].mean()
        assert mean == pytest.approx(classifier.prior_, abs=0.04)

    def test_refit_is_equal_to_the_bit(self, fitted):
        X, y, classifier = fitted
        again = clone(classifier).fit(X, y)
        assert again.prior_ == classifier.prior_
        np.testing.assert_array_equal(again.decision_function(X), classifier.decision_function(X))


class TestWhenItCannotBeEstimated:
    def test_labels_that_say_nothing(self):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(600, 3))
        y = rng.integers(0, 2, 600)
        with pytest.raises(
            ValueError, match=r"prior could not be estimated from the \d+ lab.* as a number"
        ):
            PUImageClassifier(prior="bbe", **QUICK).fit(X, y)

    @pytest.mark.filterwarnings("ignore:BBEPrior estimates the prior as 0.000:UserWarning")
    def test_labelled_positives_from_another_source(self):
        X, y = sample(0.3, 0)
        X[y == 1, 1] += 500.0
        message = r"no unlabelled example scores like the labelled positives; .* another source"
        with pytest.raises(ValueError, match=message) as caught:
            PUImageClassifier(prior="bbe", **QUICK).fit(X, y)
        assert "single-training-set" not in str(caught.value)

    def test_training_that_is_stopped_before_the_first_estimate(self):
        X, y = sample(0.3, 0, n_positive=60, n_unlabelled=300)

        class Stop(skorch.callbacks.Callback):
            def on_epoch_end(self, net, **kwargs):
                net.stop_after_epoch = True

        with pytest.raises(ValueError, match="ended before its first estimate, in epoch 2"):
            PUImageClassifier(prior="bbe", callbacks=[Stop()], **QUICK).fit(X, y)

    def test_early_stopping_is_refused(self, rows):
        with pytest.raises(ValueError, match=r"early_stopping=True compares .* prior='bbe'"):
            PUImageClassifier(prior="bbe", early_stopping=True).fit(rows.X, rows.y)

    def test_that_of_the_criterion_wins(self, rows):
        classifier = PUImageClassifier(prior="bbe", max_epochs=1)
        classifier.set_params(criterion__prior=0.2).fit(rows.X, rows.y)
        assert classifier.prior_ == 0.2
        assert "prior" not in classifier.history_[0]
