import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm
from sklearn.base import clone

from puclassify.prior import BBEPrior, unlabelled_prior
from puclassify.prior._best_bin import best_bin, bounds_of_ratio

N_POSITIVE, N_UNLABELLED = 1000, 5000

# Few examples, scores that say nothing: what another estimator makes of them does not count here.
alone = pytest.mark.filterwarnings("ignore:BBEPrior estimates:UserWarning")


def gaussian_scores(n, prior, rng):
    """Exact log-likelihood ratios of 5-D Gaussians three standard deviations apart."""
    truth = rng.random(n) < prior
    shift = np.full(5, 3.0 / np.sqrt(5))
    X = rng.normal(size=(n, 5)) + truth[:, None] * shift
    return X @ shift - shift @ shift / 2, truth


def case_control(prior, seed, n_positive=N_POSITIVE, n_unlabelled=N_UNLABELLED):
    rng = np.random.default_rng(seed)
    positives, _ = gaussian_scores(n_positive, 1.0, rng)
    unlabelled, _ = gaussian_scores(n_unlabelled, prior, rng)
    return np.concatenate([positives, unlabelled]), np.repeat([1, 0], [n_positive, n_unlabelled])


def by_brute_force(positives, unlabelled, delta, gamma):
    """Try every score as a threshold; written from the formula alone."""
    width_u = np.sqrt(np.log(4 / delta) / (2 * len(unlabelled)))
    width_p = np.sqrt(np.log(4 / delta) / (2 * len(positives)))
    least = (np.inf,)
    for c in sorted({*positives, *unlabelled}):
        q_p = sum(z >= c for z in positives) / len(positives)
        q_u = sum(z >= c for z in unlabelled) / len(unlabelled)
        if q_p > 0:
            width = (1 + gamma) * (width_u + width_p) / q_p
            least = min(least, (q_u / q_p + width, c, q_u / q_p, width))
    _, c, ratio, width = least
    return ratio, (max(0.0, ratio - width), min(1.0, ratio + width)), c


class TestEstimate:
    @pytest.mark.parametrize("prior", [0.1, 0.3, 0.6])
    def test_near_the_truth_for_the_likelihood_ratio(self, prior):
        estimates = [BBEPrior().fit_scores(*case_control(prior, seed)).prior_ for seed in range(3)]
        assert np.mean(np.abs(np.array(estimates) - prior)) <= 0.03

    @alone
    @pytest.mark.parametrize("seed", range(10))
    @pytest.mark.parametrize("ties", [False, True])
    def test_like_trying_every_threshold(self, seed, ties):
        scores, y = case_control(0.3, seed, n_positive=40, n_unlabelled=90)
        scores = np.round(scores / 2) if ties else scores
        estimator = BBEPrior(delta=0.2, gamma=0.05).fit_scores(scores, y)
        prior, interval, threshold = by_brute_force(scores[y == 1], scores[y == 0], 0.2, 0.05)
        assert estimator.prior_ == pytest.approx(prior, abs=1e-12)
        assert estimator.confidence_interval_ == pytest.approx(interval, abs=1e-12)
        assert estimator.threshold_ == threshold

    @alone
    def test_by_hand(self):
        scores = [3, 2, 2, 1] + [3, 2, 2, 1, 1, 0, 0, 0, 0, 0]
        y = [1] * 4 + [0] * 10
        labelled, unlabelled = np.array(scores[:4]), np.array(scores[4:])
        found = best_bin(labelled, unlabelled, np.ones(4), delta=0.1, gamma=0.0)
        # at c = 1 the shares are 5/10 and 4/4, at c = 2 (two ties each) 3/10 and 3/4; with
        # sqrt(log(40) / 20) + sqrt(log(40) / 8) = 1.109 the bounds are 1.609 and 0.4 + 1.478
        assert found.threshold == 1
        assert found.prior == pytest.approx(0.5)
        # fifty times as much, with 4 / 0.999: 0.037 + 0.059, so that 0.596 and 0.4 + 0.128
        sharper = BBEPrior(delta=0.999, gamma=0.0).fit_scores(np.tile(scores, 50), np.tile(y, 50))
        assert sharper.threshold_ == 2
        assert sharper.prior_ == pytest.approx(0.4)

    @pytest.mark.parametrize("change", [np.exp, expit, lambda s: s**3, lambda s: 1e6 * s - 5])
    def test_an_increasing_function_of_the_scores_changes_nothing(self, change):
        scores, y = case_control(0.3, 0, n_positive=100, n_unlabelled=300)
        one, other = (BBEPrior().fit_scores(s, y) for s in (scores, change(scores)))
        assert other.prior_ == one.prior_
        assert other.confidence_interval_ == one.confidence_interval_
        assert other.threshold_ == change(one.threshold_)

    def test_order_and_names_of_the_labels_do_not_count(self):
        scores, y = case_control(0.3, 0, n_positive=100, n_unlabelled=300)
        expected = BBEPrior().fit_scores(scores, y).prior_
        order = np.random.default_rng(1).permutation(len(y))
        for labels in (2 * y - 1, y == 1, np.where(y == 1, "p", "n"), y.tolist()):
            assert BBEPrior().fit_scores(scores, labels).prior_ == expected
        assert BBEPrior().fit_scores(scores[order], y[order]).prior_ == expected
        assert BBEPrior().fit_scores(scores.tolist(), y).prior_ == expected

    def test_infinite_scores_are_ranked(self):
        scores, y = case_control(0.3, 0, n_positive=100, n_unlabelled=300)
        expected = BBEPrior().fit_scores(scores, y).prior_
        scores[scores == scores.max()], scores[scores == scores.min()] = np.inf, -np.inf
        assert BBEPrior().fit_scores(scores, y).prior_ == expected


class TestInterval:
    def test_covers_the_truth_and_shrinks(self):
        widths = []
        for n in (200, 2000):
            estimator = BBEPrior().fit_scores(*case_control(0.3, 0, n, 5 * n))
            low, high = estimator.confidence_interval_
            assert 0 <= low < 0.3 < high <= 1
            assert low < estimator.prior_ < high
            widths.append(high - low)
        assert widths[1] < widths[0] / 2

    def test_reaches_one_where_scores_say_little(self):
        scores = np.random.default_rng(0).normal(size=(20, 1200))
        y = np.repeat([1, 0], [200, 1000])
        for drawn in scores + 0.1 * y:
            found = best_bin(drawn[y == 1], drawn[y == 0], np.ones(200))
            assert found.interval[1] == 1.0

    def test_scores_that_say_nothing_are_refused(self):
        rng = np.random.default_rng(0)
        for _ in range(20):
            with pytest.raises(ValueError, match=r"area under the ROC curve is 0\.\d+, no more"):
                BBEPrior().fit_scores(rng.normal(size=6000), np.repeat([1, 0], [1000, 5000]))


class TestBounds:
    """What exactly reaches a bound belongs to it."""

    @pytest.mark.parametrize(
        ("labelled", "mixture"),
        [
            ([1.0, 1.0], [1.0, 1.0, 1.0]),  # one threshold
            ([2.0, 0.0], [2.0, 0.0, 2.0, 0.0]),  # 1 at both
            ([1.0], [3.0, 2.0, 1.0]),  # unlabelled examples on top
        ],
    )
    def test_a_ratio_of_one_is_refused(self, labelled, mixture):
        with pytest.raises(ValueError, match=r"do not rank .* 1\.0000 of the positives"):
            best_bin(np.array(labelled), np.array(mixture), np.ones(len(labelled)))

    def test_a_ratio_just_below_one_is_not(self):
        labelled, mixture = np.ones(50), np.repeat([1.0, 0.0], [999, 1])
        found = best_bin(labelled, mixture, np.ones(50))
        assert found.prior == 0.999
        assert found.interval[1] == 1.0

    def test_a_threshold_that_only_the_highest_positives_reach_counts(self):
        labelled, mixture = np.array([5.0, 5.0]), np.array([5.0, 1.0, 0.0, 0.0])
        found = best_bin(labelled, mixture, np.ones(2))
        assert (found.prior, found.threshold) == (0.25, 5.0)

    def test_a_fifth_of_the_positives_is_enough_for_the_bounds_of_the_ratio(self):
        """By the formula, at each threshold that a fifth of the positives reach."""
        labelled = np.array([4.0, 2.0, 2.0, 1.0, 1.0])
        mixture = np.repeat([4.0, 2.0, 1.0, 0.0], [1, 30, 60, 109])
        ends = []
        for c, q_p in ((4.0, 0.2), (2.0, 0.6), (1.0, 1.0), (0.0, 1.0)):
            q_u = np.mean(mixture >= c)
            relative = np.sqrt((1 - q_p) / (5 * q_p) + (1 - q_u) / (200 * q_u))
            ends.append(q_u / q_p * (1 + np.array([-1, 1]) * norm.ppf(0.75) * relative))
        assert np.argmin(ends, axis=0).tolist() == [0, 0]
        found = bounds_of_ratio(labelled, mixture, np.ones(5), 0.5)
        assert found == pytest.approx(ends[0], rel=1e-12)
        # none of the mixture above that threshold: as if it were one
        mixture[0] = 2.0
        assert bounds_of_ratio(labelled, mixture, np.ones(5), 0.5) == found


class TestScenario:
    def test_the_prior_is_over_everything_or_over_the_rest(self):
        rng = np.random.default_rng(0)
        scores, truth = gaussian_scores(6000, 0.4, rng)
        labelled = truth & (rng.random(6000) < 0.5)
        everything = BBEPrior(scenario="single_training_set").fit_scores(scores, labelled)
        rest = BBEPrior().fit_scores(scores, labelled)
        assert everything.prior_ == pytest.approx(0.4, abs=0.03)
        assert rest.prior_ == pytest.approx(unlabelled_prior(0.4, 0.5), abs=0.03)

    def test_like_labelled_examples_beside_a_copy_of_themselves(self):
        scores, y = case_control(0.3, 0, n_positive=100, n_unlabelled=300)
        copied = BBEPrior().fit_scores(np.append(scores, scores[y == 1]), np.append(0 * y, y[:100]))
        union = BBEPrior(scenario="single_training_set").fit_scores(scores, y)
        assert union.prior_ == copied.prior_
        assert union.confidence_interval_ == copied.confidence_interval_

    @alone
    def test_never_below_what_is_labelled_already(self):
        scores, y = np.repeat([2.0, 0.0], [50, 50]), np.repeat([1, 0], [50, 50])
        assert BBEPrior(scenario="single_training_set").fit_scores(scores, y).prior_ == 0.5
        assert BBEPrior().fit_scores(scores, y).prior_ == 0.0


class TestErrors:
    @pytest.mark.parametrize(
        ("scores", "y", "message"),
        [
            ([1, 2, 3], [0, 0, 0], r"y holds one class only, 0, .*mark labelled positives with 1"),
            ([1, 2, 3], [1, 1, 1], r"y holds one class only, 1, .*unlabelled examples"),
            ([1, 2, 3], [1, 0], r"scores has 3, y has 2"),
            ([1, 2, 3], None, r"target y is None"),
            ([1, 2, 3], [1, 0, -1], r"3 different labels"),
            ([1, np.nan, 3], [1, 0, 0], r"scores .* 1 of 3 are NaN, the first at index 1"),
            ([1, None, 3], [1, 0, 0], r"scores .* 1 of 3 are NaN, the first at index 1"),
            (["1", "2", "3"], [1, 0, 0], r"scores must be one number .*got <U1"),
            ([1j, 2, 3], [1, 0, 0], r"scores must be one number .*complex"),
            ([[1, 0], [0, 1], [0, 1]], [1, 0, 0], r"\(3, 2\): pass predict_proba\(X\)\[:, 1\]"),
            ([[1], [0], [0]], [1, 0, 0], r"shape \(n,\), got \(3, 1\)"),
            ([2, 2, 2], [1, 0, 0], r"scores are all equal, 2, "),
            ([], [], r"y is empty"),
            ([1, 2, 3, 4], [1, 1, 0, 0], r"do not rank .*ROC curve is 0\.000"),
            ([1, 1, 1, 4], [1, 1, 1, 0], r"do not rank"),
        ],
        ids=lambda value: None,
    )
    def test_scores_and_labels(self, scores, y, message):
        with pytest.raises(ValueError, match=message):
            BBEPrior().fit_scores(scores, y)

    @pytest.mark.parametrize(
        ("name", "value"),
        [("delta", v) for v in (0, 1, -1, np.nan, "0.1", None, True)]
        + [("gamma", v) for v in (-0.1, 1, np.inf, np.nan, None)]
        + [("scenario", v) for v in ("censoring", None, 1)],
    )
    def test_parameters(self, name, value):
        with pytest.raises(ValueError, match=rf"^{name} must be .*, got {value!r}$"):
            BBEPrior(**{name: value}).fit_scores([1.0, 2.0], [0, 1])

    def test_unlabelled_examples_on_top(self):
        scores = np.concatenate([np.full(50, 1.0), np.full(60, 2.0), np.zeros(40)])
        with pytest.raises(ValueError, match="do not rank"):
            BBEPrior().fit_scores(scores, np.repeat([1, 0], [50, 100]))

    def test_a_failed_fit_leaves_nothing_behind(self):
        estimator = BBEPrior()
        with pytest.raises(ValueError, match="all equal"):
            estimator.fit_scores([1, 1], [1, 0])
        assert not hasattr(estimator, "prior_")


class TestEstimator:
    def test_clone_keeps_the_settings(self):
        estimator = BBEPrior(scenario="single_training_set", delta=0.05, gamma=0.1)
        assert clone(estimator).get_params() == estimator.get_params()

    def test_representations(self):
        estimator = BBEPrior(delta=0.05)
        assert repr(estimator) == "BBEPrior(delta=0.05)"
        assert "BBEPrior" in estimator._repr_html_()
