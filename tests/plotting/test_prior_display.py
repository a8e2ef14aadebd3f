import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from puclassify.plotting import PriorDisplay
from puclassify.prior import BBEPrior, DEDPULPrior

PRIOR = 0.3


def draw(scenario, n_labelled=400, n=2000):
    """Scores and PU labels of classes four standard deviations apart."""
    rng = np.random.default_rng(0)
    truth = rng.random(n) < PRIOR
    scores = rng.normal(4.0 * truth)
    if scenario == "single_training_set":
        return scores, (truth & (rng.random(n) < 0.6)).astype(int)
    labelled = rng.normal(4.0, size=n_labelled)
    return np.append(labelled, scores), np.repeat([1, 0], [n_labelled, n])


@pytest.fixture(params=["case_control", "single_training_set"])
def scenario(request):
    return request.param


class TestFromScores:
    def test_ratio_by_counting(self, scenario):
        scores, y = draw(scenario)
        display = PriorDisplay.from_scores(scores, y, estimators=[], scenario=scenario)
        mixture = scores[y == 0] if scenario == "case_control" else scores
        expected = []
        for c in np.sort(scores[scores <= scores[y == 1].max()]):
            recall = np.mean(scores[y == 1] >= c)
            expected.append((recall, np.mean(mixture >= c) / recall))
        np.testing.assert_allclose(np.column_stack([display.recall, display.ratio]), expected)
        drawn = np.column_stack(display.ratio_line_.get_data())
        left_out = [row for row in expected if np.abs(drawn - row).max(axis=1).min() > 1e-12]
        for recall, ratio in left_out:  # on a vertical part of the line only
            same = drawn[np.abs(drawn[:, 0] - recall) < 1e-12, 1]
            assert same.min() < ratio < same.max()
        assert display.bars_ == {}
        assert display.ax_.get_xlim() == (0, 1)

    @pytest.mark.parametrize("options", [{}, {"delta": 0.3, "gamma": 0.2}])
    def test_the_least_bound_is_that_of_bbe(self, scenario, options):
        scores, y = draw(scenario)
        bbe = BBEPrior(scenario=scenario, **options).fit_scores(scores, y)
        display = PriorDisplay.from_scores(scores, y, estimators=[bbe], scenario=scenario)
        recall = np.mean(scores[y == 1] >= bbe.threshold_)
        assert display.least_bound_ == pytest.approx((recall, bbe.confidence_interval_[1]))
        at_bound = np.argmin(display.upper_bound)
        assert display.ratio[at_bound] == pytest.approx(bbe.prior_)
        assert display.bound_line_.get_label() == (
            "its upper bound (70%)" if options else "its upper bound (90%)"
        )

    def test_estimates_with_intervals(self, scenario):
        scores, y = draw(scenario)
        display = PriorDisplay.from_scores(scores, y, scenario=scenario, true_prior=PRIOR)
        assert list(display.estimates) == ["DEDPULPrior", "BBEPrior"]
        expected = (
            DEDPULPrior(scenario=scenario, random_state=0).fit_scores(scores, y),
            BBEPrior(scenario=scenario).fit_scores(scores, y),
        )
        for bars, estimator in zip(display.bars_.values(), expected, strict=True):
            low, high = estimator.confidence_interval_
            assert bars.lines[0].get_ydata() == [estimator.prior_]
            assert bars.lines[2][0].get_segments()[0][:, 1] == pytest.approx([low, high])
            assert 1 < bars.lines[0].get_xdata()[0] < display.ax_.get_xlim()[1]
            assert f"{estimator.prior_:.3g} ({low:.3g} to {high:.3g})" in bars.get_label()
            assert high < display.ax_.get_ylim()[1]
        assert display.true_line_.get_ydata() == [PRIOR, PRIOR]
        texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
        assert "true prior 0.3" in texts
        assert len(texts) == 5

    def test_fitted_ones_stay_and_others_are_cloned(self):
        scores, y = draw("case_control")
        fitted = DEDPULPrior(n_bootstrap=0).fit_scores(scores[::2], y[::2])
        fresh = BBEPrior(delta=0.2)
        display = PriorDisplay.from_scores(scores, y, estimators={"half": fitted, "all": fresh})
        assert display.estimates["half"][0] == fitted.prior_
        assert not hasattr(fresh, "prior_")
        assert display.bars_["half"].get_label() == f"half {fitted.prior_:.3g}"
        assert not display.bars_["half"].has_yerr
        assert math.isfinite(display.ax_.get_ylim()[1])

    def test_limits(self):
        scores, y = draw("case_control")
        small = np.append(scores, np.random.default_rng(1).normal(-3, 1, 40_000))
        y = np.append(y, np.zeros(40_000, int))
        display = PriorDisplay.from_scores(small, y, estimators=[DEDPULPrior(random_state=0)])
        assert display.ax_.get_ylim()[1] < 0.5
        assert display.plot(ymax=0.2).ax_.get_ylim() == (0, 0.2)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"estimators": [BBEPrior(), BBEPrior(delta=0.2)]}, "differ in their class.* BBEPrior"),
            ({"estimators": [LogisticRegression()]}, "must be prior estimators .* LogisticReg"),
            (
                {"scenario": "single_training_set", "estimators": [BBEPrior()]},
                "scenario='single_training_set', but BBEPrior has scenario='case_control'",
            ),
            ({"true_prior": 1.5}, "true_prior must be a number between 0 and 1"),
            ({"ymax": 0}, "ymax must be a positive number, or None, got 0"),
            ({"scores": [[1.0, 2.0]] * 4}, r"scores must have shape \(n,\), got \(4, 2\)"),
        ],
    )
    def test_errors(self, arguments, message):
        valid = {"scores": [2.0, 1.0, 1.5, 0.0], "y": [1, 1, 0, 0], "estimators": []}
        with pytest.raises(ValueError, match=message):
            PriorDisplay.from_scores(**{**valid, **arguments})


class TestFromEstimator:
    def test_out_of_fold_scores(self, scenario):
        scores, y = draw(scenario)
        estimator = DEDPULPrior(
            scenario=scenario, estimator=LogisticRegression(), random_state=0
        ).fit(scores[:, np.newaxis], y)
        display = PriorDisplay.from_estimator(estimator, y, true_prior=PRIOR)
        assert display.estimates == {
            "DEDPULPrior": (estimator.prior_, estimator.confidence_interval_)
        }
        expected = PriorDisplay.from_scores(estimator.scores_, y, estimators=[], scenario=scenario)
        np.testing.assert_array_equal(display.ratio, expected.ratio)
        assert display.ax_.get_ylim()[1] > estimator.prior_

    def test_without_scores(self):
        scores, y = draw("case_control")
        for estimator in (BBEPrior(), BBEPrior().fit_scores(scores, y)):
            with pytest.raises(ValueError, match="BBEPrior has no scores_"):
                PriorDisplay.from_estimator(estimator, y)
