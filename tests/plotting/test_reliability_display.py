import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.special import expit
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression

from puclassify.metrics import pu_calibration_error, pu_precision_score
from puclassify.plotting import ReliabilityDisplay

PRIOR = 0.4


@pytest.fixture(params=["case_control", "single_training_set"])
def scenario(request):
    return request.param


@pytest.fixture
def data(scenario):
    """PU labels, probabilities and true classes."""
    rng = np.random.default_rng(0)
    truth = rng.random(2000) < PRIOR
    p = expit(rng.normal(np.where(truth, 1.0, -1.0)))
    if scenario == "single_training_set":
        return (truth & (rng.random(2000) < 0.5)).astype(int), p, truth
    y = np.repeat([1, 0], [400, 2000])
    labelled = expit(rng.normal(1.0, size=400))
    return y, np.append(labelled, p), np.append(np.ones(400, bool), truth)


class TestNumbers:
    def test_points_and_bars(self, data, scenario):
        y, p, _ = data
        display = ReliabilityDisplay.from_predictions(
            y, p, prior=PRIOR, scenario=scenario, n_bins=4, confidence_level=0.8
        )
        mixture = y == 0 if scenario == "case_control" else np.ones(len(y), bool)
        bins = np.minimum((4 * p).astype(int), 3)
        shares, stds = np.transpose(
            [
                pu_precision_score(
                    y, (bins == b).astype(int), prior=PRIOR, scenario=scenario, return_std=True
                )
                for b in range(4)
            ]
        )
        x, drawn = display.line_.get_data()
        np.testing.assert_allclose(drawn, shares)
        np.testing.assert_allclose(x, [p[mixture & (bins == b)].mean() for b in range(4)])
        np.testing.assert_allclose(display.bars_, np.tile(1.28155 * stds, (2, 1)), rtol=1e-5)
        error = pu_calibration_error(y, p, prior=PRIOR, scenario=scenario, n_bins=4)
        assert display.line_.axes.get_legend().get_texts()[-1].get_text() == (
            f"calibration error = {error:.3f}"
        )

    def test_histogram_of_the_mixture_below(self, data, scenario):
        y, p, _ = data
        display = ReliabilityDisplay.from_predictions(y, p, prior=PRIOR, scenario=scenario)
        mixture = p[y == 0] if scenario == "case_control" else p
        heights, edges, _ = display.histogram_ax_.patches[0].get_data()
        assert edges == pytest.approx(np.arange(21) / 20)
        expected = [np.mean((mixture >= low) & (mixture < low + 0.05)) for low in edges[:-1]]
        np.testing.assert_allclose(heights, expected)
        assert display.histogram_ax_.get_ylim()[1] >= heights.max()
        above, below = display.ax_.get_position(), display.histogram_ax_.get_position()
        assert above.y0 > below.y1
        assert display.histogram_ax_.get_xlim() == display.ax_.get_xlim() == (0, 1)

    @pytest.mark.parametrize("strategy", ["uniform", "quantile"])
    def test_true_classes(self, data, scenario, strategy):
        y, p, truth = data
        display = ReliabilityDisplay.from_predictions(
            y, p, prior=PRIOR, scenario=scenario, strategy=strategy, true_classes=truth
        )
        mixture = y == 0 if scenario == "case_control" else np.ones(len(y), bool)
        shares, means = calibration_curve(truth[mixture], p[mixture], n_bins=10, strategy=strategy)
        np.testing.assert_allclose(display.true_line_.get_data(), [means, shares])
        np.testing.assert_allclose(display.line_.get_xdata(), means)
        # Ten bins, 95 %: more than two outside have a chance of 1 %.
        outside = (shares < display.prob_true - display.bars_[0]) | (
            shares > display.prob_true + display.bars_[1]
        )
        assert outside.sum() <= 2

    def test_bar_of_a_bin_without_labelled_positives(self):
        n_labelled = 200
        y = np.repeat([1, 0], [n_labelled, 1000])
        p = np.append(np.full(n_labelled, 0.9), np.repeat([0.9, 0.1], [400, 600]))
        display = ReliabilityDisplay.from_predictions(y, p, prior=0.3, confidence_level=0.9)
        assert display.prob_true.tolist() == pytest.approx([0.0, 0.3 * 1 / 0.4])
        below, above = display.bars_[:, 0]
        assert below == 0
        # The share of the positives in the bin that the end of the bar stands for
        share = above * 0.6 / 0.3
        assert (1 - share) ** n_labelled == pytest.approx(0.1, rel=0.02)


class TestDrawing:
    def test_two_diagrams_share_their_axes(self):
        rng = np.random.default_rng(0)
        y, p = np.repeat([1, 0], [100, 300]), rng.random(400)
        first = ReliabilityDisplay.from_predictions(y, p, prior=0.5, name="a")
        second = ReliabilityDisplay.from_predictions(y, p**4, prior=0.5, name="b", ax=first.ax_)
        assert second.ax_ is first.ax_
        assert second.histogram_ax_ is first.histogram_ax_
        assert len(first.figure_.axes) == 2
        heights = [patch.get_data().values.max() for patch in first.histogram_ax_.patches]
        assert first.histogram_ax_.get_ylim()[1] >= max(heights)
        labels = [text.get_text() for text in first.ax_.get_legend().get_texts()]
        assert labels[0] == "calibrated"
        assert [label[:3] for label in labels[1:]] == ["a (", "b ("]

    @pytest.mark.parametrize("rectangle", [None, (0.1, 0.2, 0.8, 0.7)])
    def test_axes_of_others(self, rectangle):
        figure = plt.figure()
        ax = figure.add_subplot() if rectangle is None else figure.add_axes(rectangle)
        before = ax.get_position()
        y, p = np.repeat([1, 0], [30, 70]), np.linspace(0, 1, 100)
        display = ReliabilityDisplay.from_predictions(y, p, prior=0.5, ax=ax)
        assert display.ax_ is ax
        assert display.figure_ is figure
        below = display.histogram_ax_.get_position()
        assert below.y0 == pytest.approx(before.y0)
        assert below.y1 < ax.get_position().y0
        assert ax.get_position().y1 == pytest.approx(before.y1)

    def test_constructed_by_hand(self):
        display = ReliabilityDisplay(np.array([0.2, 0.7]), np.array([0.3, 0.6])).plot()
        assert display.bars_ is None
        assert display.histogram_ax_ is None
        assert display.ax_.get_xlabel() == "predicted probability"
        assert len(display.figure_.axes) == 1


class TestFromEstimator:
    def test_probabilities_prior_and_scenario(self, data, scenario):
        y, p, _ = data
        X = p[:, np.newaxis]
        classifier = LogisticRegression().fit(X, y)
        with pytest.raises(ValueError, match="prior='auto' means"):
            ReliabilityDisplay.from_estimator(classifier, X, y)
        classifier.prior_, classifier.scenario = PRIOR, scenario
        display = ReliabilityDisplay.from_estimator(classifier, X, y, n_bins=4)
        expected = ReliabilityDisplay.from_predictions(
            y, classifier.predict_proba(X)[:, 1], prior=PRIOR, scenario=scenario, n_bins=4
        )
        np.testing.assert_array_equal(display.prob_true, expected.prob_true)
        np.testing.assert_array_equal(display.probabilities, expected.probabilities)
        assert display.name == "LogisticRegression"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"y_prob": [2.0, 0.2, 0.5, 0.0]},
            "y_prob must be probabilities, but it ranges from 0 to 2",
        ),
        ({"n_bins": 0}, "n_bins must be a whole number"),
        ({"true_classes": [1, 0, 0, 1]}, "but is 0 for 1 of them"),
        ({"confidence_level": 1.0}, "confidence_level must be a number between 0 and 1"),
        ({"y": [1, 0, 0, 0]}, "1 labelled positive, but at least 2 are needed"),
    ],
)
def test_errors(arguments, message):
    valid = {"y": [1, 1, 0, 0], "y_prob": [1.0, 0.2, 0.5, 0.0], "prior": 0.5}
    with pytest.raises(ValueError, match=message):
        ReliabilityDisplay.from_predictions(**{**valid, **arguments})
