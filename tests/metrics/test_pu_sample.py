"""What all PU metrics have in common."""

from functools import partial

import numpy as np
import pytest

from puclassify import metrics
from puclassify.metrics._pu_sample import PUSample

LABEL_METRICS = [
    metrics.pu_accuracy_score,
    metrics.pu_precision_score,
    metrics.pu_recall_score,
    metrics.pu_f1_score,
    metrics.pu_lee_liu_score,
]
SCORE_METRICS = [
    metrics.pu_roc_auc_score,
    metrics.pu_average_precision_score,
    metrics.pu_risk_score,
    metrics.pu_calibration_error,
]
ALL = LABEL_METRICS + SCORE_METRICS
NEED_PRIOR = [f for f in ALL if f not in (metrics.pu_recall_score, metrics.pu_lee_liu_score)]


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    y = np.repeat([1, 0], [60, 140])
    return y, np.clip(rng.normal(0.3 + 0.3 * y, 0.2), 0.0, 1.0)


def response(metric, p, labels=(0, 1)):
    if metric is metrics.pu_risk_score:
        return 4 * p - 2  # of logits
    return np.where(p > 0.5, labels[1], labels[0]) if metric in LABEL_METRICS else p


class TestArguments:
    @pytest.mark.parametrize("metric", ALL)
    @pytest.mark.parametrize("labels", [(-1, 1), (False, True), (0.0, 1.0), ("no", "yes")])
    def test_label_conventions(self, metric, labels, data):
        y, p = data
        expected = metric(y, response(metric, p), prior=0.4)
        marked = np.where(y == 1, labels[1], labels[0])
        assert metric(marked, response(metric, p, labels), prior=0.4) == expected
        found = metric(marked.tolist(), response(metric, p, labels).tolist(), prior=0.4)
        assert found == expected

    @pytest.mark.parametrize("metric", ALL)
    def test_python_floats(self, metric, data):
        y, p = data
        assert type(metric(y, response(metric, p), prior=0.4)) is float
        pair = metric(y, response(metric, p), prior=0.4, return_std=True)
        assert [type(value) for value in pair] == [float, float]
        assert pair[1] > 0

    @pytest.mark.parametrize("metric", ALL)
    def test_the_order_of_the_examples_does_not_matter(self, metric, data):
        y, p = data
        order = np.random.default_rng(1).permutation(len(y))
        for scenario in ("case_control", "single_training_set"):
            settings = {"prior": 0.4, "scenario": scenario, "return_std": True}
            np.testing.assert_allclose(
                metric(y[order], response(metric, p)[order], **settings),
                metric(y, response(metric, p), **settings),
            )

    @pytest.mark.parametrize("metric", NEED_PRIOR)
    @pytest.mark.parametrize("prior", [0.0, 1.0, -0.2, np.nan, "0.5", None, True])
    def test_prior(self, metric, prior, data):
        y, p = data
        with pytest.raises(ValueError, match="prior must be a number between 0 and 1"):
            metric(y, response(metric, p), prior=prior)

    @pytest.mark.parametrize("metric", ALL)
    def test_impossible_prior(self, metric, data):
        y, p = data
        message = r"prior=0.2 is impossible .* 60 of 200 examples \(0.300\) are labelled positive"
        with pytest.raises(ValueError, match=message):
            metric(y, response(metric, p), prior=0.2, scenario="single_training_set")
        metric(y, response(metric, p), prior=0.3, scenario="single_training_set")

    @pytest.mark.parametrize("metric", [metrics.pu_accuracy_score, metrics.pu_precision_score])
    def test_exchanged_labels(self, metric, data):
        y, p = data
        with pytest.raises(ValueError, match="y_true comes first: are it and y_pred exchanged"):
            metric(p > 0.1, y, prior=0.4, scenario="single_training_set")

    @pytest.mark.parametrize("metric", SCORE_METRICS)
    def test_exchanged_scores(self, metric, data):
        y, p = data
        message = "y_true holds continuous numbers; are y_true and y_(score|prob) exchanged"
        with pytest.raises(ValueError, match=message):
            metric(p, y, prior=0.4)
        metric(y, response(metric, p), prior=0.2)

    @pytest.mark.parametrize("metric", ALL)
    def test_scenario_and_labels(self, metric, data):
        y, p = data
        with pytest.raises(ValueError, match=r"scenario must be 'case_control' or .* got 'cc'"):
            metric(y, response(metric, p), prior=0.4, scenario="cc")
        with pytest.raises(ValueError, match="y_true holds one class only"):
            metric(np.ones(200, int), response(metric, p), prior=0.4)
        with pytest.raises(ValueError, match=r"inconsistent numbers of samples: y_\w+ has 199"):
            metric(y, response(metric, p)[1:], prior=0.4)

    @pytest.mark.parametrize("metric", LABEL_METRICS)
    def test_predicted_labels(self, metric, data):
        y, p = data
        message = r"y_pred holds \[.*\], but the labels of y_true are \[0, 1\]"
        with pytest.raises(ValueError, match=message):
            metric(y, p, prior=0.4)
        with pytest.raises(ValueError, match=message):
            metric(y, np.where(p > 0.5, "yes", "no"), prior=0.4)
        with pytest.raises(ValueError, match=r"y_pred must have shape \(n,\), got \(200, 1\)"):
            metric(y, (p > 0.5)[:, None], prior=0.4)
        assert metric(y, p > 0.5, prior=0.4) == metric(y, (p > 0.5).astype(int), prior=0.4)

    @pytest.mark.parametrize("metric", SCORE_METRICS)
    def test_scores(self, metric, data):
        y, p = data
        with pytest.raises(ValueError, match=r"got \(200, 2\): pass predict_proba\(X\)\[:, 1\]"):
            metric(y, np.column_stack([1 - p, p]), prior=0.4)
        with pytest.raises(ValueError, match="2 of 200 are NaN, the first at index 3"):
            metric(y, np.where(np.isin(np.arange(200), [3, 7]), np.nan, p), prior=0.4)
        with pytest.raises(ValueError, match="y_score must be one number for each example"):
            metric(y, ["high"] * 200, prior=0.4)

    @pytest.mark.parametrize("metric", SCORE_METRICS)
    def test_labels_for_scores(self, metric, data):
        y, p = data
        with pytest.warns(UserWarning, match=r"y_\w+ holds only 0 and 1: these look like labels"):
            metric(y, (p > np.median(p)).astype(int), prior=0.4)


class TestPropensities:
    @pytest.mark.parametrize("metric", ALL)
    @pytest.mark.parametrize("scenario", ["case_control", "single_training_set"])
    def test_equal_ones_change_nothing(self, metric, scenario, data):
        y, p = data
        settings = {"prior": 0.4, "scenario": scenario, "return_std": True}
        expected = metric(y, response(metric, p), **settings)
        settings["propensities"] = np.where(y == 1, 0.3, np.nan)
        assert metric(y, response(metric, p), **settings) == expected

    @pytest.mark.parametrize("metric", ALL)
    def test_a_common_factor_does_not_matter(self, metric, data):
        y, p = data
        propensities = np.random.default_rng(1).uniform(0.1, 1, len(y))
        settings = {"prior": 0.4, "return_std": True}
        one = metric(y, response(metric, p), propensities=propensities, **settings)
        other = metric(y, response(metric, p), propensities=propensities / 7, **settings)
        np.testing.assert_allclose(other, one)
        assert one[0] != metric(y, response(metric, p), prior=0.4)

    @pytest.mark.parametrize(
        "metric", [*LABEL_METRICS, metrics.pu_roc_auc_score, metrics.pu_risk_score]
    )
    def test_like_labelled_positives_repeated(self, metric, data):
        y, p = data
        times = np.where(y == 1, 1 + np.arange(len(y)) % 3, 1)
        found = metric(y, response(metric, p), prior=0.4, propensities=1 / times)
        repeated = metric(np.repeat(y, times), np.repeat(response(metric, p), times), prior=0.4)
        assert found == pytest.approx(repeated)

    @pytest.mark.parametrize("metric", ALL)
    def test_wrong_ones(self, metric, data):
        y, p = data
        for wrong in (0.0, 1.2, -0.1, np.nan):
            propensities = np.full(len(y), 0.5)
            propensities[2] = wrong
            with pytest.raises(
                ValueError, match=rf"1 of 60 are not: the one at index 2 is {wrong:g};"
            ):
                metric(y, response(metric, p), prior=0.4, propensities=propensities)
        with pytest.raises(ValueError, match=r"shape \(200,\), .* got \(60,\); if these belong"):
            metric(y, response(metric, p), prior=0.4, propensities=np.full(60, 0.5))


class TestSampleWeight:
    SCENARIOS = ("case_control", "single_training_set")

    @pytest.mark.parametrize("metric", ALL)
    @pytest.mark.parametrize("scenario", SCENARIOS)
    def test_equal_ones_change_nothing(self, metric, scenario, data):
        y, p = data
        settings = {"prior": 0.4, "scenario": scenario, "return_std": True}
        expected = metric(y, response(metric, p), **settings)
        for equal in (np.full(len(y), 0.3), [5] * len(y)):
            found = metric(y, response(metric, p), sample_weight=equal, **settings)
            assert found == expected

    @pytest.mark.parametrize("metric", ALL)
    @pytest.mark.parametrize("scenario", SCENARIOS)
    def test_weights_of_zero_are_not_there(self, metric, scenario, data):
        y, p = data
        rng = np.random.default_rng(1)
        w, e = rng.integers(0, 3, len(y)) / 2, rng.uniform(0.2, 1, len(y))
        settings = {"prior": 0.4, "scenario": scenario, "return_std": True}
        kept = w > 0
        expected = metric(
            y[kept],
            response(metric, p)[kept],
            sample_weight=w[kept],
            propensities=e[kept],
            **settings,
        )
        found = metric(y, response(metric, p), sample_weight=w, propensities=e, **settings)
        assert found == expected
        assert found[0] != metric(y, response(metric, p), **settings)[0]

    @pytest.mark.parametrize(
        "metric", [*LABEL_METRICS, metrics.pu_roc_auc_score, metrics.pu_risk_score]
    )
    @pytest.mark.parametrize("scenario", SCENARIOS)
    def test_whole_ones_are_repetitions(self, metric, scenario, data):
        y, p = data
        times = 1 + np.arange(len(y)) % 3
        settings = {"prior": 0.4, "scenario": scenario}
        found = metric(y, response(metric, p), sample_weight=times / 7, **settings)
        repeated = metric(np.repeat(y, times), np.repeat(response(metric, p), times), **settings)
        assert found == pytest.approx(repeated)

    @pytest.mark.parametrize("strategy", ["uniform", "quantile"])
    def test_the_plain_calibration_error_too(self, strategy, data):
        y, p = data
        times = 1 + np.arange(len(y)) % 3
        settings = {"prior": 0.4, "debiased": False, "strategy": strategy, "n_bins": 4}
        found = metrics.pu_calibration_error(y, p, sample_weight=times, **settings)
        y, p = np.repeat(y, times), np.repeat(p, times)
        if strategy == "uniform":
            expected = metrics.pu_calibration_error(y, p, **settings)
        else:
            edges = np.quantile(p[y == 0], [0.25, 0.5, 0.75], method="inverted_cdf")
            bins = np.searchsorted(edges, p)
            expected = sum(
                abs(np.mean(p[y == 0] * (bins[y == 0] == b)) - 0.4 * np.mean(bins[y == 1] == b))
                for b in range(4)
            )
        assert found == pytest.approx(expected)

    @pytest.mark.parametrize("metric", LABEL_METRICS)
    @pytest.mark.parametrize("scenario", SCENARIOS)
    def test_formulas(self, metric, scenario, data):
        """By plain sums, with the weight of a labelled positive divided by its propensity."""
        y, p = data
        rng = np.random.default_rng(2)
        w, e = rng.uniform(0, 1, (2, len(y)))
        found = p > 0.5
        of_labelled = (w / e)[y == 1]
        recall = np.sum(of_labelled[found[y == 1]]) / np.sum(of_labelled)
        mixture = np.ones(len(y), bool) if scenario == "single_training_set" else y == 0
        share = np.sum(w[mixture & found]) / np.sum(w[mixture])
        expected = {
            metrics.pu_accuracy_score: 1 - 0.4 - share + 2 * 0.4 * recall,
            metrics.pu_precision_score: 0.4 * recall / share,
            metrics.pu_recall_score: recall,
            metrics.pu_f1_score: 2 * 0.4 * recall / (0.4 + share),
            metrics.pu_lee_liu_score: recall**2 / share,
        }
        settings = {"prior": 0.4, "scenario": scenario, "sample_weight": w, "propensities": e}
        assert metric(y, found, **settings) == pytest.approx(expected[metric])

    @pytest.mark.parametrize("metric", ALL)
    def test_wrong_ones(self, metric, data):
        y, p = data
        for wrong, message in (
            (np.full(200, -1.0), "sample_weight must be finite numbers of at least 0"),
            (np.ones(199), r"sample_weight must have shape \(200,\)"),
            (y, "sample_weight is zero for all 140 unlabelled examples"),
        ):
            with pytest.raises(ValueError, match=message):
                metric(y, response(metric, p), prior=0.4, sample_weight=wrong)

    def test_impossible_prior_by_weight(self, data):
        y, p = data
        settings = {"prior": 0.4, "scenario": "single_training_set"}
        with pytest.raises(ValueError, match=r"by weight 92.3 of 200 examples \(0.462\)"):
            metrics.pu_roc_auc_score(y, p, sample_weight=1 + y, **settings)


class TestStandardError:
    def test_two_samples(self):
        rng = np.random.default_rng(0)
        positive = np.repeat([True, False], [30, 70])
        at_positives, at_mixture = rng.normal(size=(2, 100))
        sample = PUSample.check(positive, 100, prior=0.5, scenario="case_control", name="y_pred")
        expected = np.sqrt(
            np.var(at_positives[:30], ddof=1) / 30 + np.var(at_mixture[30:], ddof=1) / 70
        )
        assert sample.standard_error(at_positives, at_mixture) == pytest.approx(expected)
        assert sample.standard_error(at_positives + 9, at_mixture - 5) == pytest.approx(expected)

    def test_one_sample(self):
        # The mean of the labelled less that of all is 1 - share times that of the labelled less
        # that of the others, two independent means.
        rng = np.random.default_rng(0)
        n, share = 100000, 0.25
        positive = np.arange(n) < share * n
        values = rng.normal(size=n)
        sample = PUSample.check(
            positive, n, prior=0.5, scenario="single_training_set", name="y_pred"
        )
        expected = np.sqrt((1 - share) ** 2 * (1 / (share * n) + 1 / ((1 - share) * n)))
        assert sample.standard_error(values, -values) == pytest.approx(expected, rel=0.01)

    def test_a_single_positive_tells_nothing(self):
        y = np.array([1, 0, 0, 0, 0])
        found = np.array([1, 0, 1, 0, 0])
        score, std = metrics.pu_accuracy_score(y, found, prior=0.5, return_std=True)
        assert score == pytest.approx(1.25)
        assert np.isnan(std)


class TestStandardErrorByDerivatives:
    """The spread of what each example adds: the derivative with respect to its own weight."""

    METRICS = {  # noqa: RUF012
        "accuracy": partial(metrics.pu_accuracy_score, prior=0.6),
        "recall": metrics.pu_recall_score,
        "precision": partial(metrics.pu_precision_score, prior=0.6),
        "f1": partial(metrics.pu_f1_score, prior=0.6),
        "lee_liu": metrics.pu_lee_liu_score,
        "auc": partial(metrics.pu_roc_auc_score, prior=0.6),
        "risk": partial(metrics.pu_risk_score, prior=0.6),
    }

    @pytest.mark.parametrize("scenario", ["case_control", "single_training_set"])
    @pytest.mark.parametrize("name", METRICS)
    def test_of_unweighted_examples(self, name, scenario):
        rng = np.random.default_rng(6)
        y = np.repeat([1, 0], [15, 30])
        scores = rng.normal(1.0 * y, 1.0).round(1)
        found = scores if name in ("auc", "risk") else (scores > 0).astype(int)
        metric = partial(self.METRICS[name], y, found, scenario=scenario)

        def derivative(i, eps=1e-5):
            heavier, lighter = np.ones((2, len(y)))
            heavier[i], lighter[i] = 1 + eps, 1 - eps
            return (metric(sample_weight=heavier) - metric(sample_weight=lighter)) / (2 * eps)

        added = np.array([derivative(i) for i in range(len(y))])
        samples = [y == 1, y == 0] if scenario == "case_control" else [np.full(len(y), True)]
        variances = [np.sum(one) * np.var(added[one], ddof=1) for one in samples]
        _, std = metric(return_std=True)
        assert std == pytest.approx(np.sqrt(np.sum(variances)), rel=1e-6)
