"""Labelled positives that are no random choice, with known propensities."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression

from puclassify.datasets import label_positives
from puclassify.metrics import pu_precision_score, pu_recall_score
from puclassify.prior import BBEPrior, DEDPULPrior, ElkanNotoPrior
from puclassify.prior._density_difference import _normal_scores, _spread

ALL = pytest.mark.parametrize("cls", [BBEPrior, DEDPULPrior, ElkanNotoPrior])
OF_RANKS = pytest.mark.parametrize("cls", [BBEPrior, DEDPULPrior])

# Where labels are biased, or few, the estimators disagree.
alone = pytest.mark.filterwarnings("ignore:.* estimates the prior as:UserWarning")


def labelled_probability(scores, y, propensities, distance=3.5, prior=0.4):
    """Return P(labelled | score) as it is in the draws of ``biased_scores``."""
    positive = prior * norm.pdf(scores, distance)
    negative = (1 - prior) * norm.pdf(scores)
    return propensities * positive / (positive + negative)


class TestBias:
    @alone
    @OF_RANKS
    def test_clear_ones_first_make_the_prior_too_small(self, cls, biased_scores):
        scenario, draw = biased_scores
        params = {"scenario": scenario} | ({"n_bootstrap": 0} if cls is DEDPULPrior else {})
        plain, weighted = [], []
        for seed in range(10):
            scores, y, propensities = draw(seed)
            plain.append(cls(**params).fit_scores(scores, y).prior_)
            weighted.append(cls(**params).fit_scores(scores, y, propensities).prior_)
        assert np.mean(plain) < 0.34
        assert np.mean(weighted) == pytest.approx(0.4, abs=0.02)

    @alone
    def test_elkan_noto(self):
        """Exact probabilities, classes that hardly overlap, both scenarios."""
        rng = np.random.default_rng(0)
        n, prior = 40000, 0.4
        truth = rng.random(n) < prior
        e = rng.uniform(0.05, 0.8, n)
        y = (truth & (rng.random(n) < e)).astype(int)
        found = ElkanNotoPrior(scenario="single_training_set", n_bootstrap=0)
        # P(labelled | x) of a positive is e, of a negative 0
        assert found.fit_scores(e * truth, y, e).prior_ == pytest.approx(prior, abs=0.01)
        assert found.labelled_fraction_ == pytest.approx(e.mean(), abs=0.01)
        assert found.fit_scores(e * truth, y).prior_ < prior - 0.08

        e_p = rng.uniform(0.05, 0.8, 20000)
        e_p = e_p[rng.random(20000) < e_p][:4000]
        e_all, y = np.append(e_p, e), np.repeat([1, 0], [len(e_p), n])
        # density of the labelled ones over that of all positives, at a point
        labelled, others = len(e_p) * e_all / e.mean(), n * prior
        g = labelled / (labelled + others) * np.append(np.ones(len(e_p), bool), truth)
        found = ElkanNotoPrior(n_bootstrap=0).fit_scores(g, y, e_all)
        assert found.prior_ == pytest.approx(prior, abs=0.01)
        fraction = len(e_p) / (len(e_p) + prior * n)
        assert found.labelled_fraction_ == pytest.approx(fraction, abs=0.01)
        assert abs(ElkanNotoPrior(n_bootstrap=0).fit_scores(g, y).prior_ - prior) > 0.03

    @alone
    @pytest.mark.filterwarnings("ignore:the precision of .* is impossible")  # without propensities
    @pytest.mark.parametrize("sign", [1, -1], ids=["easiest_first", "hardest first"])
    def test_the_propensities_of_the_simulator(self, sign):
        """Labels, prior, recall and precision, from the mechanism to its correction."""
        found = []
        for seed in range(8):
            rng = np.random.default_rng(seed)
            truth = rng.random(8000) < 0.4
            scores = rng.normal(3.5 * truth)
            y, e = label_positives(
                truth,
                500,
                mechanism="easiest_first",
                easiness=sign * (scores + rng.normal(size=8000)),
                return_propensities=True,
                random_state=seed,
            )
            settings = {"scenario": "single_training_set", "prior": 0.4}
            predicted = (scores > 2.5).astype(int)
            of_truth = np.mean(predicted[truth]), np.mean(truth[predicted == 1])
            for propensities in (None, e):
                prior = BBEPrior(scenario="single_training_set")
                settings["propensities"] = propensities
                found.append(
                    [
                        prior.fit_scores(scores, y, propensities).prior_ - 0.4,
                        pu_recall_score(y, predicted, **settings) - of_truth[0],
                        pu_precision_score(y, predicted, **settings) - of_truth[1],
                    ]
                )
        plain, weighted = np.mean(np.reshape(found, (8, 2, 3)), axis=0)
        assert plain[0] * sign < -0.03
        assert np.all(plain[1:] * sign > 0.04)
        assert np.all(np.abs(weighted) < 0.025)

    def test_set_aside(self):
        """Labelled positives of one sample set aside: the odds of the propensities."""
        rng = np.random.default_rng(1)
        truth = rng.random(8000) < 0.4
        scores = rng.normal(4.0 * truth)
        e = 0.1 + 0.7 / (1 + np.exp(-2 * (scores - 4)))
        y = truth & (rng.random(8000) < e)
        odds = e / (1 - e)
        rest = DEDPULPrior(n_bootstrap=0).fit_scores(scores, y, odds / odds.max())
        assert rest.prior_ == pytest.approx(np.mean(truth[~y]), abs=0.03)

    @alone
    def test_fit_passes_them_on(self, draw_gaussians):
        X, y = draw_gaussians(0.3, 0, n_positive=300, n_unlabelled=1500)
        propensities = np.random.default_rng(0).uniform(0.1, 1, len(y))
        params = {"estimator": LogisticRegression(), "random_state": 0}
        for cls in (BBEPrior, DEDPULPrior, ElkanNotoPrior):
            fitted = cls(**params).fit(X, y, propensities=propensities)
            again = cls(random_state=0).fit_scores(fitted.scores_, y, propensities)
            assert again.prior_ == fitted.prior_ != cls(**params).fit(X, y).prior_


class TestWeights:
    @alone
    @ALL
    def test_equal_ones_change_nothing(self, cls, biased_scores):
        scenario, draw = biased_scores
        scores, y, propensities = draw(0)
        if cls is ElkanNotoPrior:
            scores = labelled_probability(scores, y, propensities)
            scores *= y.mean() / scores.mean()
        built = (
            cls(scenario=scenario) if cls is BBEPrior else cls(scenario=scenario, random_state=0)
        )
        expected = vars(built.fit_scores(scores, y)).copy()
        found = vars(built.fit_scores(scores, y, np.where(y == 1, 0.3, np.nan)))
        assert found["prior_"] == expected["prior_"]
        assert found["confidence_interval_"] == expected["confidence_interval_"]

    @alone
    @OF_RANKS
    def test_a_common_factor_does_not_matter(self, cls, biased_scores):
        scenario, draw = biased_scores
        scores, y, propensities = draw(0)
        built = cls(scenario=scenario)
        expected = built.fit_scores(scores, y, propensities).prior_
        assert built.fit_scores(scores, y, propensities / 7).prior_ == pytest.approx(expected)

    @alone
    def test_best_bin_by_brute_force(self, biased_scores):
        scenario, draw = biased_scores
        scores, y, propensities = draw(3, n_labelled=60, n=300)
        scores = np.round(scores, 1)
        p, w = scores[y == 1], 1 / propensities[y == 1]
        u = scores[y == 0] if scenario == "case_control" else scores
        n_p = w.sum() ** 2 / (w**2).sum()
        least = (np.inf,)
        for c in np.unique(scores[scores <= p.max()]):
            q_p, q_u = w[p >= c].sum() / w.sum(), np.mean(u >= c)
            width = np.sqrt(np.log(40) / (2 * len(u))) + np.sqrt(np.log(40) / (2 * n_p))
            width *= 1.01 / q_p
            least = min(least, (q_u / q_p + width, c, q_u / q_p, width))
        _, c, ratio, width = least
        found = BBEPrior(scenario=scenario).fit_scores(scores, y, propensities)
        assert found.threshold_ == c
        assert found.prior_ == pytest.approx(ratio)
        interval = max(0, ratio - width), min(1, ratio + width)
        assert found.confidence_interval_ == pytest.approx(interval)

    def test_densities_like_those_of_repeated_examples(self):
        rng = np.random.default_rng(0)
        positives, unlabelled = rng.normal(2, 1, 40), rng.normal(size=90)
        times = 1 + np.arange(40) % 3
        weighted = _normal_scores(positives, unlabelled, times.astype(float))
        repeated = _normal_scores(np.repeat(positives, times), unlabelled, np.ones(times.sum()))
        assert np.repeat(weighted[0], times) == pytest.approx(repeated[0])
        assert weighted[1] == pytest.approx(repeated[1])
        assert _spread(positives, times) == pytest.approx(
            np.repeat(positives, times).std(), rel=0.2
        )
        quartiles = np.percentile(positives, [25, 75])
        expected = min(positives.std(), np.ptp(quartiles) / 1.349)
        assert _spread(positives) == pytest.approx(expected)

    @alone
    def test_the_interval_covers_the_truth_as_often_as_it_says(self, biased_scores):
        scenario, draw = biased_scores
        inside, widths = [], []
        for seed in range(40):
            scores, y, propensities = draw(seed, n_labelled=400, n=2000, distance=4.5)
            found = DEDPULPrior(scenario=scenario, n_bootstrap=100, random_state=seed)
            low, high = found.fit_scores(scores, y, propensities).confidence_interval_
            inside.append(low <= 0.4 <= high)
            widths.append(high - low)
        assert np.mean(inside) >= 0.77  # 0.9 less 2.7 standard errors
        assert np.mean(widths) < 0.25


class TestErrors:
    @ALL
    def test_values_and_length(self, cls):
        y = np.repeat([1, 0], [20, 100])
        scores = np.random.default_rng(0).random(120)
        with pytest.raises(ValueError, match="20 of 20 are not: the one at index 0 is 2"):
            cls().fit_scores(scores, y, np.full(120, 2.0))
        with pytest.raises(ValueError, match=r"must have shape \(120,\)"):
            cls().fit(scores[:, None], y, propensities=np.ones(20))

    def test_few_that_count(self):
        y = np.repeat([1, 0], [20, 100])
        propensities = np.where(np.arange(120) < 2, 0.001, 1.0)
        message = r"density of 20 .*: at least 5 are needed, .* are worth 2\.0 of equal"
        with pytest.raises(ValueError, match=message):
            DEDPULPrior().fit_scores(5.0 * y + np.arange(120) / 120, y, propensities)

    def test_weighted_positives_that_rank_no_better_than_chance(self):
        # one clear positive of many, and the others, which stand for most, below the unlabelled
        scores = np.concatenate([np.full(60, 5.0), np.full(20, -5.0), np.linspace(-1, 1, 200)])
        y = np.repeat([1, 0], [80, 200])
        propensities = np.where(scores == 5, 0.9, 0.1)
        with pytest.raises(ValueError, match=r"ROC curve is 0\.250, no more"):
            BBEPrior().fit_scores(scores, y, propensities)
