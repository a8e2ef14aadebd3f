"""Whether what is learned from positive and unlabelled data is what is true."""

from functools import cache

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from puclassify import PUImageClassifier
from puclassify.losses import LOSSES

DISTANCE = 2.5  # between the two classes, in standard deviations


def gaussians(n, prior, rng):
    truth = (rng.random(n) < prior).astype(int)
    X = rng.normal(size=(n, 2))
    X[:, 0] += DISTANCE * truth
    return X, truth


def bayes(X, prior):
    """Decide by the true densities."""
    return (X[:, 0] * DISTANCE - DISTANCE**2 / 2 + np.log(prior / (1 - prior)) > 0).astype(int)


@cache
def accuracies(prior, seed, **params):
    """Return the accuracy of a classifier and of Bayes' rule on new data."""
    rng = np.random.default_rng(seed)
    unlabelled, _ = gaussians(900, prior, rng)
    positives, _ = gaussians(150, 1.0, rng)
    X, truth = gaussians(4000, prior, rng)
    classifier = PUImageClassifier(prior=prior, lr=0.01, random_state=seed, **params).fit(
        np.concatenate([positives, unlabelled]), np.repeat([1, 0], [150, 900])
    )
    return np.mean(classifier.predict(X) == truth), np.mean(bayes(X, prior) == truth)


@pytest.mark.parametrize("seed", [0, 1, 2])
class TestCaseControl:
    @pytest.mark.parametrize("criterion", ["nnpu", "ge_binomial"])
    @pytest.mark.parametrize("prior", [0.2, 0.5])
    def test_near_bayes_with_the_true_prior(self, criterion, prior, seed):
        reached, best = accuracies(prior, seed, criterion=criterion)
        assert reached > best - 0.05

    def test_better_than_taking_unlabelled_for_negative(self, seed):
        aware, _ = accuracies(0.2, seed, criterion="nnpu")
        naive, _ = accuracies(0.2, seed, criterion="pn")
        assert aware > naive + 0.02


@pytest.mark.parametrize("seed", [0, 1, 2])
class TestSingleTrainingSet:
    def test_near_bayes_when_some_positives_of_one_sample_are_labelled(self, seed):
        rng = np.random.default_rng(seed)
        X, truth = gaussians(1000, 0.4, rng)
        labelled = (truth == 1) & (rng.random(1000) < 0.4)
        new, new_truth = gaussians(4000, 0.4, rng)
        classifier = PUImageClassifier(
            prior=0.4, scenario="single_training_set", lr=0.01, random_state=seed
        ).fit(X, labelled)
        best = np.mean(bayes(new, 0.4) == new_truth)
        assert np.mean(classifier.predict(new) == new_truth) > best - 0.05


class TestPrior:
    def test_more_is_found_with_a_larger_one(self):
        rng = np.random.default_rng(0)
        X = np.concatenate([gaussians(150, 1.0, rng)[0], gaussians(900, 0.3, rng)[0]])
        y = np.repeat([1, 0], [150, 900])
        found = [
            PUImageClassifier(prior=prior, lr=0.01, random_state=0).fit(X, y).predict(X).mean()
            for prior in (0.1, 0.3, 0.6)
        ]
        assert found[0] < found[1] < found[2]

    @pytest.mark.parametrize("criterion", sorted(set(LOSSES) - {"pn", "nnpu", "ge_binomial"}))
    def test_the_other_criteria_rank_well(self, criterion):
        rng = np.random.default_rng(0)
        X = np.concatenate([gaussians(150, 1.0, rng)[0], gaussians(900, 0.3, rng)[0]])
        classifier = PUImageClassifier(criterion=criterion, prior=0.3, lr=0.01, random_state=0)
        classifier.fit(X, np.repeat([1, 0], [150, 900]))
        new, truth = gaussians(2000, 0.3, rng)
        assert classifier.score(new, truth) > 0.93  # the best possible: Phi(2.5 / sqrt 2) = 0.961


class TestDivergence:
    """Weights that are no numbers score nothing, and whoever trained them is told so."""

    def test_a_fit_that_diverged_warns(self, rows):
        classifier = PUImageClassifier(lr=1e6, optimizer="sgd", max_epochs=4, random_state=0)
        with pytest.warns(ConvergenceWarning, match=r"diverged: .* nan.* lr=1000000\.0"):
            classifier.fit(rows.X, rows.y)
        with pytest.warns(ConvergenceWarning, match="diverged"):
            classifier.set_params(early_stopping=True).fit(rows.X, rows.y)

    def test_early_stopping_ends_it(self, rows):
        classifier = PUImageClassifier(
            lr=1e6, optimizer="sgd", max_epochs=50, early_stopping=True, random_state=0
        )
        with pytest.warns(ConvergenceWarning):
            classifier.fit(rows.X, rows.y)
        assert classifier.n_iter_ < 50
