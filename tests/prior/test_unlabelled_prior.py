import numpy as np
import pytest

from puclassify import PUImageClassifier
from puclassify.prior import prior_of_unlabelled, unlabelled_prior

DISTANCE = 3.0  # between the two classes, in standard deviations
PRIOR, LABELLED_FRACTION = 0.5, 0.5
SEEDS = (0, 1, 2)


class TestUnlabelledPrior:
    @pytest.mark.parametrize(
        ("n", "positive", "labelled"), [(100, 40, 10), (100, 40, 40), (100, 40, 0), (7, 6, 5)]
    )
    def test_counted(self, n, positive, labelled):
        counted = (positive - labelled) / (n - labelled)
        converted = unlabelled_prior(positive / n, labelled / positive)
        assert converted == pytest.approx(counted, abs=1e-12)

    @pytest.mark.parametrize("value", [0, 1, -0.2, 1.5, np.nan, None, "0.5", True])
    def test_impossible_priors(self, value):
        with pytest.raises(ValueError, match=rf"^prior must be .*, got {value!r}"):
            unlabelled_prior(value, 0.5)

    @pytest.mark.parametrize("value", [-0.1, 1.01, np.nan, None, "0.5", True])
    def test_impossible_fractions(self, value):
        with pytest.raises(ValueError, match=rf"^labelled_fraction must .*=0\.4\), got {value!r}"):
            unlabelled_prior(0.4, value)


class TestPriorOfUnlabelled:
    POSITIVE = np.arange(100) < 10

    def test_case_control_is_that_prior_already(self):
        assert prior_of_unlabelled(0.05, "case_control", self.POSITIVE) == 0.05

    def test_single_training_set(self):
        found = prior_of_unlabelled(0.4, "single_training_set", self.POSITIVE)
        assert found == pytest.approx(30 / 90)
        assert prior_of_unlabelled(0.1, "single_training_set", self.POSITIVE) == 0

    def test_more_labelled_than_positive(self):
        with pytest.raises(ValueError, match=r"prior=0\.05 is impossible .* 10 of 100"):
            prior_of_unlabelled(0.05, "single_training_set", self.POSITIVE)


def one_sample(seed, n=3000):
    """Two Gaussians of which a fraction of the positives is labelled, at random."""
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < PRIOR
    X = rng.normal(size=(n, 2))
    X[:, 0] += DISTANCE * truth
    return X, truth, truth & (rng.random(n) < LABELLED_FRACTION)


def errors_of_the_share(seed, criterion, among="everything", prior=PRIOR, **params):
    """Train; return how far predicted shares of positives are off, by class and by probability."""
    X, truth, labelled = one_sample(seed)
    classifier = PUImageClassifier(
        criterion=criterion,
        prior=prior,
        module_params={"hidden": (8,)},
        lr=0.01,
        calibration=None,  # of the objective alone
        random_state=seed,
        **params,
    ).fit(X, labelled)
    counted = ~labelled if among == "the rest" else np.ones_like(labelled)
    found = classifier.predict(X[counted]), classifier.predict_proba(X[counted])[:, 1]
    return [share.mean() - truth[counted].mean() for share in found]


@pytest.mark.parametrize("criterion", ["nnpu", "upu"])
class TestShareOfPositives:
    """Half of all examples are positive, and half of these are labelled: of the rest, a third."""

    def test_too_large_without_the_scenario(self, criterion):
        errors = np.array([errors_of_the_share(seed, criterion) for seed in SEEDS])
        assert (errors > 0.04).all()

    def test_right_with_it(self, criterion):
        errors = np.array(
            [errors_of_the_share(s, criterion, scenario="single_training_set") for s in SEEDS]
        )
        assert (np.abs(errors) < 0.025).all()
        assert (np.abs(errors.mean(axis=0)) < 0.015).all()

    def test_right_among_the_rest_with_the_prior_of_the_rest(self, criterion):
        prior = unlabelled_prior(PRIOR, LABELLED_FRACTION)
        errors = np.array([errors_of_the_share(s, criterion, "the rest", prior) for s in SEEDS])
        assert (np.abs(errors) < 0.025).all()
        assert (np.abs(errors.mean(axis=0)) < 0.015).all()


class TestPriorsOfAClassifier:
    def test_over_everything_and_among_the_rest(self):
        X, y = np.random.default_rng(0).normal(size=(100, 2)), np.repeat([1, 0], [10, 90])
        classifier = PUImageClassifier(prior=0.4, max_epochs=1, random_state=0).fit(X, y)
        assert (classifier.prior_, classifier.unlabelled_prior_) == (0.4, 0.4)
        classifier.set_params(scenario="single_training_set").fit(X, y)
        assert classifier.prior_ == 0.4
        assert classifier.unlabelled_prior_ == pytest.approx(30 / 90, abs=1e-12)
