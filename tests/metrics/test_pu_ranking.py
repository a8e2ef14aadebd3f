import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from puclassify.metrics import (
    largest_prior_of_ranking,
    pu_average_precision_score,
    pu_roc_auc_score,
)


def pu_data(scenario, rng, n, *, prior=0.3, labelled=1.0, decimals=None):
    """Truth and scores, and the PU labels and scores that come of them."""
    truth = rng.random(n) < prior
    scores = rng.normal(2.0 * truth)
    scores = scores if decimals is None else scores.round(decimals)
    seen = truth & (rng.random(n) < labelled)
    if scenario == "case_control":
        y = np.append(np.ones(seen.sum(), int), np.zeros(n, int))
        return truth, scores, y, np.append(scores[seen], scores)
    return truth, scores, seen.astype(int), scores


def standard_error(y, scenario, of_positives, of_mixture):
    """Of a functional, by its derivatives with respect to the weights of both samples."""
    if scenario == "case_control":
        return np.sqrt(
            of_positives.var(ddof=1) / len(of_positives) + of_mixture.var(ddof=1) / len(of_mixture)
        )
    # One sample, of which the labelled positives are a random part
    response = of_mixture.copy()
    response[y == 1] += (of_positives - of_positives.mean()) * len(y) / len(of_positives)
    return response.std(ddof=1) / np.sqrt(len(y))


@pytest.fixture(params=["case_control", "single_training_set"])
def scenario(request):
    return request.param


class TestAUC:
    @pytest.mark.parametrize("decimals", [None, 0])
    def test_with_all_positives_labelled_it_is_the_supervised_one(self, scenario, decimals):
        rng = np.random.default_rng(0)
        truth, scores, y, s = pu_data(scenario, rng, 400, decimals=decimals)
        found = pu_roc_auc_score(y, s, prior=truth.mean(), scenario=scenario)
        assert found == pytest.approx(roc_auc_score(truth, scores), abs=1e-12)

    def test_by_hand_with_ties(self):
        y, s = [1, 1, 0, 0, 0], [3.0, 1.0, 3.0, 1.0, 0.0]
        # The positives win (0.5 + 1 + 1) and (0.5 + 1) of 3 pairs each.
        assert pu_roc_auc_score(y, s, prior=0.2) == pytest.approx((4 / 6 - 0.1) / 0.8)
        # Among all five: 3.5, 0.5 with itself and 1, 0.5 with itself, of 5 each
        found = pu_roc_auc_score(y, s, prior=0.5, scenario="single_training_set")
        assert found == pytest.approx(((0.5 + 0.5 + 3 + 0.5 + 0.5 + 1) / 10 - 0.25) / 0.5)

    def test_only_the_order_counts_and_infinities_have_one(self, scenario):
        _, _, y, s = pu_data(scenario, np.random.default_rng(0), 200)
        s[:3], s[-3:] = np.inf, -np.inf
        expected = pu_roc_auc_score(y, s, prior=0.4, scenario=scenario, return_std=True)
        found = pu_roc_auc_score(y, np.arctan(s), prior=0.4, scenario=scenario, return_std=True)
        assert found == expected

    def test_standard_error_by_resampling_pairs(self):
        """DeLong's components, written as loops."""
        rng = np.random.default_rng(0)
        _, _, y, s = pu_data("case_control", rng, 60, decimals=1)
        p, u = s[y == 1], s[y == 0]
        wins = (p[:, None] > u) + 0.5 * (p[:, None] == u)
        of_p, of_u = wins.mean(axis=1), wins.mean(axis=0)
        variance = of_p.var(ddof=1) / len(p) + of_u.var(ddof=1) / len(u)
        _, std = pu_roc_auc_score(y, s, prior=0.3, return_std=True)
        assert std == pytest.approx(np.sqrt(variance) / 0.7)

    def test_weighted_pairs(self, scenario):
        rng = np.random.default_rng(2)
        _, _, y, s = pu_data(scenario, rng, 60, labelled=0.5, decimals=1)
        propensities = rng.uniform(0.1, 1, len(y))
        p, w = s[y == 1], 1 / propensities[y == 1]
        u = s[y == 0] if scenario == "case_control" else s
        wins = (p[:, None] > u) + 0.5 * (p[:, None] == u)
        expected = (np.average(wins.mean(axis=1), weights=w) - 0.2) / 0.6
        settings = {"scenario": scenario, "propensities": propensities}
        assert pu_roc_auc_score(y, s, prior=0.4, **settings) == pytest.approx(expected)

    def test_standard_error_with_ties_by_pairs(self, scenario):
        """A pair with equal scores is half a pair for both of its examples."""
        rng = np.random.default_rng(3)
        _, _, y, s = pu_data(scenario, rng, 70, labelled=0.5, decimals=0)
        p, u = s[y == 1], s[y == 0] if scenario == "case_control" else s
        wins = (p[:, None] > u) + 0.5 * (p[:, None] == u)
        expected = standard_error(y, scenario, wins.mean(axis=1), wins.mean(axis=0))
        _, std = pu_roc_auc_score(y, s, prior=0.4, scenario=scenario, return_std=True)
        assert std == pytest.approx(expected / 0.6, rel=1e-10)

    @pytest.mark.parametrize("weighted", [False, True])
    def test_the_largest_prior_at_which_it_is_possible(self, scenario, weighted):
        """By pairs: the prior at which the area is 1, if a larger one was given."""
        rng = np.random.default_rng(5)
        _, _, y, s = pu_data(scenario, rng, 3000, prior=0.4, labelled=0.5, decimals=1)
        s = s + 2.0 * (y == 1)  # labelled positives that are easier than the others
        propensities = rng.uniform(0.2, 1, len(y)) if weighted else np.ones(len(y))
        sample_weight = rng.uniform(0.5, 1, len(y)) if weighted else np.ones(len(y))
        mixture = y == 0 if scenario == "case_control" else np.full(len(y), True)
        p, u = s[y == 1], s[mixture]
        wins = (p[:, None] > u) + 0.5 * (p[:, None] == u)
        of_p = (sample_weight / propensities)[y == 1]
        of_pairs = np.average(wins, axis=1, weights=sample_weight[mixture])
        most = 2 * (1 - np.average(of_pairs, weights=of_p))
        given = {"propensities": propensities, "sample_weight": sample_weight} if weighted else {}
        for prior in (0.9, (1 + most) / 2):
            found = largest_prior_of_ranking(y == 1, s, prior, scenario, **given)
            assert found == pytest.approx(most, rel=1e-10)
        assert largest_prior_of_ranking(y == 1, s, most - 0.01, scenario, **given) is None
        # An area below 0 is no matter of a prior that is too large.
        assert largest_prior_of_ranking(y == 1, -s, 0.9, scenario, **given) is None


class TestAveragePrecision:
    @pytest.mark.parametrize("labelled", [1.0, 0.2])
    def test_in_the_long_run_it_is_the_supervised_one(self, scenario, labelled):
        rng = np.random.default_rng(0)
        truth, scores, y, s = pu_data(scenario, rng, 400000, labelled=labelled)
        found = pu_average_precision_score(y, s, prior=0.3, scenario=scenario)
        assert found == pytest.approx(average_precision_score(truth, scores), abs=0.006)

    @pytest.mark.parametrize("decimals", [None, 0])
    def test_each_step_by_counting(self, scenario, decimals):
        rng = np.random.default_rng(1)
        _, _, y, s = pu_data(scenario, rng, 80, labelled=0.6, decimals=decimals)
        steps = []
        for i in np.flatnonzero(y == 1):
            others = np.arange(len(y)) != i
            recall = np.mean(s[others & (y == 1)] >= s[i])
            mixture = s[(y == 0) if scenario == "case_control" else others]
            passed = np.sum(mixture >= s[i])
            if scenario == "case_control":
                steps.append(0.5 * recall * (len(mixture) + 1) / (passed + 1))
            elif passed:
                steps.append(0.5 * recall * len(mixture) / passed)
        found = pu_average_precision_score(y, s, prior=0.5, scenario=scenario)
        assert found == pytest.approx(np.mean(steps))

    def test_each_weighted_step_by_counting(self, scenario):
        rng = np.random.default_rng(1)
        _, _, y, s = pu_data(scenario, rng, 80, labelled=0.6, decimals=1)
        propensities = rng.uniform(0.1, 1, len(y))
        steps, weights = [], []
        for i in np.flatnonzero(y == 1):
            others = np.arange(len(y)) != i
            labelled = others & (y == 1)
            recall = np.average(s[labelled] >= s[i], weights=1 / propensities[labelled])
            mixture = s[(y == 0) if scenario == "case_control" else others]
            passed, n = np.sum(mixture >= s[i]), len(mixture)
            if scenario == "case_control" or passed:
                inverse = (n + 1) / (passed + 1) if scenario == "case_control" else n / passed
                steps.append(0.5 * recall * inverse)
                weights.append(1 / propensities[i])
        settings = {"prior": 0.5, "scenario": scenario, "propensities": propensities}
        found = pu_average_precision_score(y, s, **settings)
        assert found == pytest.approx(np.average(steps, weights=weights))

    @pytest.mark.parametrize("decimals", [None, 0])
    def test_standard_error_by_its_derivatives(self, scenario, decimals):
        """Every example changes the shares at all steps that it reaches, equal scores included."""
        rng = np.random.default_rng(4)
        _, _, y, s = pu_data(scenario, rng, 90, labelled=0.6, decimals=decimals)
        s[np.flatnonzero(y == 0)[:2]] = s.max() + 1  # the topmost is no step
        p, u = s[y == 1], s[y == 0] if scenario == "case_control" else s
        recall = np.array([(np.sum(p >= c) - 1) / (len(p) - 1) for c in p])
        passed = np.array([np.sum(u >= c) for c in p])
        if scenario == "case_control":
            inverse_share = (len(u) + 1) / (passed + 1)
        else:
            inverse_share = (len(u) - 1) / (passed - 1)
        precision = 0.4 * recall * inverse_share
        of_recall = [np.mean(0.4 * inverse_share * (p <= c)) for c in p]
        of_share = [-np.mean(precision * inverse_share * (p <= c)) for c in u]
        expected = standard_error(y, scenario, precision + of_recall, np.array(of_share))
        found, std = pu_average_precision_score(y, s, prior=0.4, scenario=scenario, return_std=True)
        assert found == pytest.approx(np.mean(precision), rel=1e-10)
        assert std == pytest.approx(expected, rel=1e-10)

    def test_by_hand(self):
        y, s = [1, 1, 0, 0, 0], [4.0, 2.0, 3.0, 1.0, 0.0]
        # Nothing above 4; above 2 the other positive and one of three unlabelled
        expected = (0 + 0.4 * 1 * 4 / 2) / 2
        assert pu_average_precision_score(y, s, prior=0.4) == pytest.approx(expected)
        # 4 is the topmost and left out; above 2 the other positive and two of four others
        found = pu_average_precision_score(y, s, prior=0.4, scenario="single_training_set")
        assert found == pytest.approx(0.4 * 1 * 4 / 2)

    def test_the_step_sum_itself_would_be_too_high(self):
        rng = np.random.default_rng(0)
        draws = [pu_data("case_control", rng, 2000, labelled=0.3) for _ in range(60)]
        plain, found = [], []
        for _, _, y, s in draws:
            # Labelled positives that are drawn separately
            s[y == 1] = rng.normal(2.0, size=y.sum())
            p, u = s[y == 1], s[y == 0]
            recall = (p >= p[:, None]).mean(axis=1)
            plain.append(np.mean(0.3 * recall / np.maximum((u >= p[:, None]).mean(axis=1), 5e-4)))
            found.append(pu_average_precision_score(y, s, prior=0.3))
        truth = np.mean([average_precision_score(*draw[:2]) for draw in draws])
        assert np.mean(plain) > truth + 0.02
        assert abs(np.mean(found) - truth) < 0.01

    def test_perfect_and_random(self, scenario):
        rng = np.random.default_rng(0)
        truth, _, y, _ = pu_data(scenario, rng, 20000)
        positive = np.append(np.ones(y.sum()), truth) if scenario == "case_control" else truth
        settings = {"prior": truth.mean(), "scenario": scenario}
        assert pu_average_precision_score(y, positive * 2.0, **settings) == pytest.approx(
            1, abs=1e-3
        )
        random = rng.random(len(y))
        assert pu_average_precision_score(y, random, **settings) == pytest.approx(0.3, abs=0.02)

    def test_one_labelled_positive(self):
        with pytest.raises(ValueError, match="1 labelled positive, but at least 2 are needed"):
            pu_average_precision_score([1, 0, 0], [3, 2, 1], prior=0.5)
