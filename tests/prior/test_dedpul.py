import numpy as np
import pytest
from scipy.stats import norm
from sklearn.isotonic import isotonic_regression

from puclassify.prior import DEDPULPrior, unlabelled_prior
from puclassify.prior._best_bin import bounds_of_ratio
from puclassify.prior._density_difference import _largest_prior, _normal_scores

# Scores of two unit Gaussians this far apart, counted in fine bins of their exact densities.
EDGES = np.linspace(-10, 15, 20001)

# Of hundreds of draws with few examples, some let the two estimators disagree.
alone = pytest.mark.filterwarnings("ignore:DEDPULPrior estimates:UserWarning")


def exact_masses(prior, distance):
    positives = np.diff(norm.cdf(EDGES, loc=distance))
    return positives, prior * positives + (1 - prior) * np.diff(norm.cdf(EDGES))


def uncovered(alpha, prior, distance):
    """Return the integral of max(f_p - f_u / alpha, 0) in closed form."""
    # (alpha - prior) f_p > (1 - prior) f_n above one score, as log f_p / f_n = d s - d^2 / 2
    cut = np.log((1 - prior) / (alpha - prior)) / distance + distance / 2
    above_p, above_n = norm.sf(cut - distance), norm.sf(cut)
    return ((alpha - prior) * above_p - (1 - prior) * above_n) / alpha


def by_expectation_maximisation(f_p, f_u, tolerance):
    """Iterate the paper's rule on an isotonic ratio until its relative step is small enough."""
    ratio = isotonic_regression(f_p / f_u, sample_weight=f_u)
    alpha, step = 1.0, np.inf
    while step > tolerance:
        following = np.sum(f_u * np.minimum(alpha * ratio, 1))
        step, alpha = 1 - following / alpha, following
    return alpha


class TestFormula:
    @pytest.mark.parametrize("prior", [0.1, 0.3, 0.6])
    @pytest.mark.parametrize("distance", [1.5, 3.0])
    @pytest.mark.parametrize("tolerance", [0.001, 0.01, 0.05])
    def test_known_densities(self, prior, distance, tolerance):
        masses = exact_masses(prior, distance)
        alpha = _largest_prior(*masses, 0.0001, tolerance)
        assert alpha > prior
        assert uncovered(alpha, prior, distance) == pytest.approx(tolerance, rel=1e-3)

    def test_tends_to_the_prior(self):
        masses = exact_masses(0.3, 3.0)
        estimates = [_largest_prior(*masses, 0.0001, t) for t in (0.1, 0.01, 0.001, 0.0001)]
        assert np.all(np.diff(estimates) < 0)
        assert estimates[-1] == pytest.approx(0.3, abs=0.001)

    @pytest.mark.parametrize("seed", range(5))
    def test_expectation_maximisation_stops_there(self, seed):
        rng = np.random.default_rng(seed)
        f_p, f_u = rng.gamma(2, size=40) * np.linspace(0.1, 2, 40), rng.gamma(2, size=40) + 0.1
        f_p, f_u = f_p / f_p.sum(), f_u / f_u.sum()
        alpha = float(_largest_prior(f_p, f_u, 0.0001, 0.02))
        ratio = isotonic_regression(f_p / f_u, sample_weight=f_u)
        step = 1 - np.sum(f_u * np.minimum(alpha * ratio, 1)) / alpha
        assert step == pytest.approx(0.02, abs=1e-9)
        assert by_expectation_maximisation(f_p, f_u, 0.02) <= alpha
        # without a tolerance the iteration goes on to what the largest ratio allows
        assert _largest_prior(f_p, f_u, 0.0001, 0) == pytest.approx(1 / ratio.max())

    def test_by_hand(self):
        positives, unlabelled = np.array([0, 1, 3]), np.array([6, 2, 2])
        # above the last two bins: (2/10) / (3/4 - 1/4) and (4/10) / (1 - 1/4)
        assert _largest_prior(positives, unlabelled, 0.0001, 0.25) == pytest.approx(0.4)

    def test_ranks_by_hand(self):
        positives, unlabelled = _normal_scores(
            np.array([1.0, 2.0]), np.array([0.0, 0.0, 1.0, 5.0]), np.ones(2)
        )
        # share below plus half of the ties, in either sample, and their mean
        assert norm.cdf(positives) == pytest.approx([(1 / 4 + 5 / 8) / 2, (3 / 4 + 3 / 4) / 2])
        assert norm.cdf(unlabelled) == pytest.approx([1 / 8, 1 / 8, 7 / 16, (1 + 7 / 8) / 2])


class TestEstimate:
    @pytest.mark.parametrize("prior", [0.1, 0.3, 0.6])
    def test_near_the_truth_for_the_likelihood_ratio(self, draw_gaussians, prior):
        samples = [draw_gaussians(prior, seed) for seed in range(20)]
        errors = [
            DEDPULPrior(n_bootstrap=0).fit_scores(X.sum(axis=1), y).prior_ - prior
            for X, y in samples
        ]
        assert np.mean(np.abs(errors)) <= 0.03

    @pytest.mark.parametrize("change", [np.exp, lambda s: 1 / (1 + np.exp(-s)), lambda s: s**3])
    def test_an_increasing_function_of_the_scores_changes_nothing(self, draw_gaussians, change):
        X, y = draw_gaussians(0.3, 0)
        one, other = (
            DEDPULPrior(random_state=0).fit_scores(s, y)
            for s in (X.sum(axis=1), change(X.sum(axis=1)))
        )
        assert other.prior_ == one.prior_
        assert other.confidence_interval_ == one.confidence_interval_

    def test_few_values(self, draw_gaussians):
        X, y = draw_gaussians(0.3, 0)
        estimator = DEDPULPrior().fit_scores(np.round(X.sum(axis=1) / 4), y)
        assert estimator.prior_ == pytest.approx(0.3, abs=0.05)

    def test_infinite_scores_are_ranked(self, draw_gaussians):
        X, y = draw_gaussians(0.3, 0)
        scores = X.sum(axis=1)
        expected = DEDPULPrior().fit_scores(scores, y).prior_
        scores[scores.argmax()], scores[scores.argmin()] = np.inf, -np.inf
        assert DEDPULPrior().fit_scores(scores, y).prior_ == expected

    def test_the_prior_is_over_everything_or_over_the_rest(self):
        rng = np.random.default_rng(0)
        truth = rng.random(8000) < 0.4
        scores = rng.normal(size=8000) + 3 * truth
        labelled = truth & (rng.random(8000) < 0.5)
        everything = DEDPULPrior(scenario="single_training_set").fit_scores(scores, labelled)
        rest = DEDPULPrior().fit_scores(scores, labelled)
        assert everything.prior_ == pytest.approx(0.4, abs=0.03)
        assert rest.prior_ == pytest.approx(unlabelled_prior(0.4, 0.5), abs=0.03)


class TestInterval:
    @alone
    def test_covers_the_truth_as_often_as_it_says(self, draw_gaussians):
        inside = []
        for seed in range(60):
            X, y = draw_gaussians(0.3, seed, n_positive=300, n_unlabelled=1500)
            estimator = DEDPULPrior(random_state=seed).fit_scores(X.sum(axis=1), y)
            low, high = estimator.confidence_interval_
            assert 0 <= low < estimator.prior_ < high <= 1
            inside.append(low <= 0.3 <= high)
        assert np.mean(inside) >= 0.8  # 0.9 less 2.6 standard errors

    def test_level_and_seed(self, draw_gaussians):
        X, y = draw_gaussians(0.3, 0)

        def interval(**params):
            return DEDPULPrior(**params).fit_scores(X.sum(axis=1), y).confidence_interval_

        narrow = interval(confidence_level=0.5, random_state=0)
        wide = interval(confidence_level=0.99, random_state=0)
        assert wide[0] < narrow[0] < narrow[1] < wide[1]
        assert interval(random_state=1) == interval(random_state=1)
        assert np.isnan(interval(n_bootstrap=0)).all()


class TestBoundsOfRatio:
    def test_by_brute_force(self):
        rng = np.random.default_rng(0)
        labelled = rng.normal(2.0, size=40).round(1)
        mixture = rng.normal(rng.choice([0.0, 2.0], 150)).round(1)
        weights = rng.uniform(1, 3, 40)
        n = weights.sum() ** 2 / np.sum(weights**2)
        lows, highs = [], []
        for threshold in np.unique([*labelled, *mixture]):
            q_p = weights[labelled >= threshold].sum() / weights.sum()
            q_u = max(np.mean(mixture >= threshold), 1 / 150)
            if q_p >= 0.2:
                ratio = q_u / q_p
                error = ratio * np.sqrt((1 - q_p) / (n * q_p) + (1 - q_u) / (150 * q_u))
                lows.append(ratio - 1.6448536 * error)
                highs.append(ratio + 1.6448536 * error)
        found = bounds_of_ratio(labelled, mixture, weights, 0.9)
        assert found == pytest.approx((max(0, min(lows)), min(1, min(highs))))


class TestErrors:
    def test_scores_that_say_nothing(self):
        scores, y = np.random.default_rng(0).normal(size=6000), np.repeat([1, 0], [1000, 5000])
        with pytest.raises(ValueError, match="do not rank labelled positives above"):
            DEDPULPrior().fit_scores(scores, y)

    def test_scores_the_wrong_way_round(self, draw_gaussians):
        X, y = draw_gaussians(0.3, 0)
        with pytest.raises(ValueError, match="do not rank labelled positives above"):
            DEDPULPrior().fit_scores(-X.sum(axis=1), y)

    def test_a_prior_of_one(self):
        scores = np.random.default_rng(1).normal(size=6000)
        scores[:1000] += 0.15
        with pytest.raises(ValueError, match="do not distinguish the prior from 1: nowhere"):
            DEDPULPrior(tolerance=0.2).fit_scores(scores, np.repeat([1, 0], [1000, 5000]))

    def test_no_positives_among_the_unlabelled(self):
        rng = np.random.default_rng(0)
        scores = np.append(rng.normal(20, 1, 200), rng.normal(0, 1, 1000))
        with pytest.raises(
            ValueError, match=r"do not resolve the prior: .* less than one of the 1"
        ):
            DEDPULPrior().fit_scores(scores, np.repeat([1, 0], [200, 1000]))

    def test_two_values(self):
        y = np.repeat([1, 0], [50, 200])
        with pytest.raises(ValueError, match="do not resolve the prior"):
            DEDPULPrior().fit_scores(y.astype(float), y)

    def test_too_few_positives(self):
        with pytest.raises(ValueError, match="the density of 4 labelled positives"):
            DEDPULPrior().fit_scores(np.arange(20.0), np.arange(20) > 15)

    @pytest.mark.parametrize(
        ("name", "value"),
        [("tolerance", v) for v in (0, 1, -0.1, np.nan, "none", None, True)]
        + [("bandwidth", v) for v in (0, -1, np.inf, np.nan, "scott", None)]
        + [("confidence_level", v) for v in (0, 1, np.nan, "0.9")]
        + [("n_bootstrap", v) for v in (-1, 1.5, None, True)]
        + [("scenario", v) for v in ("censoring", None)],
    )
    def test_parameters(self, name, value):
        with pytest.raises(ValueError, match=rf"^{name} must be .*, got {value!r}$"):
            DEDPULPrior(**{name: value}).fit_scores([1.0, 2.0], [0, 1])
