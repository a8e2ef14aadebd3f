import numpy as np
import pytest

from puclassify.prior import ElkanNotoPrior, unlabelled_prior

# Of 8 positives 4 are labelled, and a classifier that knows scores each of them 0.5.
SCORES, LABELLED = np.repeat([0.5, 0.0], [8, 12]), np.arange(20) < 4


@pytest.fixture
def estimator():
    return ElkanNotoPrior(random_state=0)


@pytest.mark.filterwarnings("ignore:ElkanNotoPrior estimates:UserWarning")
class TestByHand:
    def test_among_the_rest(self, estimator):
        estimator.fit_scores(SCORES, LABELLED)
        assert estimator.labelled_fraction_ == 0.5
        assert estimator.prior_ == pytest.approx(4 / 16)
        assert estimator.prior_ == pytest.approx(unlabelled_prior(8 / 20, 4 / 8))

    def test_over_everything(self, estimator):
        estimator.set_params(scenario="single_training_set").fit_scores(SCORES, LABELLED)
        assert estimator.prior_ == pytest.approx(8 / 20)

    def test_the_mean_of_the_positives(self, estimator):
        scores = np.append([0.4, 0.8, 0.3, 0.9], np.full(16, 0.1))
        estimator.fit_scores(scores, LABELLED)
        assert estimator.labelled_fraction_ == pytest.approx(0.6)
        assert estimator.prior_ == pytest.approx(0.4 / 0.6 * 4 / 16)

    def test_interval(self, estimator):
        scores = np.append([0.4, 0.8, 0.3, 0.9], np.full(16, 0.1))
        low, high = estimator.fit_scores(scores, LABELLED).confidence_interval_
        assert 0 <= low < estimator.prior_ < high <= 1
        low, high = estimator.fit_scores(SCORES, LABELLED).confidence_interval_
        assert 0 < low < 0.25 < high <= 1  # though all labelled positives score alike
        none = ElkanNotoPrior(n_bootstrap=0).fit_scores(SCORES, LABELLED)
        assert np.isnan(none.confidence_interval_).all()


class TestSimulated:
    @pytest.mark.parametrize("scenario", ["case_control", "single_training_set"])
    @pytest.mark.parametrize("prior", [0.1, 0.5])
    def test_the_interval_covers_the_prior_where_classes_do_not_overlap(self, scenario, prior):
        covered = 0
        for seed in range(100):
            rng = np.random.default_rng(seed)
            truth = rng.random(1500) < prior
            y = truth & (rng.random(1500) < 0.3)
            share = 0.3
            if scenario == "case_control":  # the labelled ones come on top
                truth = np.append(np.ones(150, bool), truth)
                y = np.append(np.ones(150, bool), np.zeros(1500, bool))
                share = 150 / np.sum(truth)
            # What a classifier says that knows the classes, and how many of the first are labelled
            scores = np.where(truth, y[truth].mean() if scenario != "case_control" else share, 0.0)
            found = ElkanNotoPrior(scenario=scenario, random_state=0).fit_scores(scores, y)
            low, high = found.confidence_interval_
            covered += low <= prior <= high
        assert covered >= 85

    @pytest.mark.parametrize("scenario", ["case_control", "single_training_set"])
    def test_classes_that_do_not_overlap(self, scenario):
        rng = np.random.default_rng(0)
        truth = rng.random(10000) < 0.4
        labelled = truth & (rng.random(10000) < 0.3)
        x = rng.normal(size=10000) + 8 * truth
        # P(labelled | x) = 0.3 P(y = 1 | x), exactly
        scores = 0.3 * 0.4 / (0.4 + 0.6 * np.exp(32 - 8 * x))
        found = ElkanNotoPrior(scenario=scenario, random_state=0).fit_scores(scores, labelled)
        over = truth[~labelled] if scenario == "case_control" else truth
        assert found.prior_ == pytest.approx(over.mean(), abs=0.03)

    def test_too_large_where_they_do_and_says_so(self):
        rng = np.random.default_rng(0)
        truth = rng.random(10000) < 0.4
        labelled = truth & (rng.random(10000) < 0.5)
        x = rng.normal(size=10000) + 1.5 * truth
        scores = 0.5 * 0.4 / (0.4 + 0.6 * np.exp(1.5**2 / 2 - 1.5 * x))
        estimator = ElkanNotoPrior(scenario="single_training_set")
        with pytest.warns(UserWarning, match=r"ElkanNotoPrior .* as 0\.\d+, but DEDPULPrior as 0"):
            estimator.fit_scores(scores, labelled)
        assert estimator.prior_ > 0.5


class TestErrors:
    @pytest.mark.parametrize("scores", [4 * SCORES - 1, 4 * SCORES], ids=["negative", "above one"])
    def test_no_probabilities(self, estimator, scores):
        with pytest.raises(ValueError, match="must be probabilities of being labelled, got values"):
            estimator.fit_scores(scores, LABELLED)

    def test_probabilities_of_something_else(self, estimator):
        with pytest.raises(ValueError, match=r"mean is 0\.4000 while 0\.2000 of the examples"):
            estimator.fit_scores(2 * SCORES, LABELLED)

    def test_one_or_more(self, estimator):
        scores = np.append(np.full(4, 0.199), np.full(16, 0.19))
        with pytest.raises(
            ValueError, match=r"score 0\.1990 on average, which makes the prior 1\."
        ):
            estimator.fit_scores(scores, LABELLED)
        assert not hasattr(estimator, "prior_")
