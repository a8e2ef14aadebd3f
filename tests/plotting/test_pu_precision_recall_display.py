import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, precision_recall_curve
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from puclassify.metrics import (
    pu_average_precision_score,
    pu_precision_score,
    pu_recall_score,
)
from puclassify.plotting import PUPrecisionRecallDisplay

PRIOR = 0.4
METRICS = (pu_precision_score, pu_recall_score)


@pytest.fixture(params=["case_control", "single_training_set"])
def scenario(request):
    return request.param


@pytest.fixture
def data(scenario):
    """PU labels, scores and true classes."""
    rng = np.random.default_rng(0)
    truth = rng.random(500) < PRIOR
    scores = rng.normal(2.0 * truth)
    if scenario == "single_training_set":
        return (truth & (rng.random(500) < 0.3)).astype(int), scores, truth
    y = np.repeat([1, 0], [60, 500])
    return y, np.append(rng.normal(2.0, size=60), scores), np.append(np.ones(60, bool), truth)


class TestNumbers:
    def test_the_line_passes_through_every_threshold(self, data, scenario):
        y, scores, _ = data
        settings = {"prior": PRIOR, "scenario": scenario}
        display = PUPrecisionRecallDisplay.from_predictions(y, scores, **settings)
        assert display.line_.get_drawstyle() == "steps-post"
        recall, precision = display.line_.get_data()
        mixture = scores[y == 0] if scenario == "case_control" else scores
        thresholds = np.unique(scores[scores <= mixture.max()])
        expected = []
        for threshold in thresholds:
            found = (scores >= threshold).astype(int)
            expected.append([metric(y, found, **settings) for metric in METRICS])
        drawn = np.column_stack([precision, recall])
        distance = np.abs(np.array(expected)[:, None] - drawn).max(axis=2).min(axis=1)
        at_labelled = np.isin(thresholds, scores[y == 1])
        assert distance[at_labelled].max() < 1e-12
        # Others may be left out only on a vertical part, between two points of equal recall.
        for point in np.array(expected)[distance >= 1e-12]:
            same = drawn[np.abs(drawn[:, 1] - point[1]) < 1e-12, 0]
            assert same.min() < point[0] < same.max()
        assert (recall[-1], precision[-1]) == (0.0, precision[-2])

    def test_band_and_dot(self, data, scenario):
        y, scores, _ = data
        settings = {"prior": PRIOR, "scenario": scenario, "return_std": True}
        display = PUPrecisionRecallDisplay.from_predictions(
            y, scores, prior=PRIOR, scenario=scenario, threshold=1.0, confidence_level=0.8
        )
        found = (scores >= 1.0).astype(int)
        precision, precision_std = pu_precision_score(y, found, **settings)
        recall, recall_std = pu_recall_score(y, found, **settings)
        point, _, (across, along) = display.point_.lines
        assert (point.get_xdata(), point.get_ydata()) == pytest.approx(
            (recall, precision), abs=1e-12
        )
        bars = across.get_segments()[0][:, 0], along.get_segments()[0][:, 1]
        for bar, middle, std in zip(bars, (recall, precision), (recall_std, precision_std)):
            assert bar == pytest.approx([middle - 1.28155 * std, middle + 1.28155 * std])
        lowest = min(scores[y == 1])
        at_lowest = (scores >= lowest).astype(int)
        precision, std = pu_precision_score(y, at_lowest, **settings)
        corners = display.band_.get_paths()[0].vertices
        for edge in (precision - 1.28155 * std, precision + 1.28155 * std):
            assert np.abs(corners - [1.0, edge]).max(axis=1).min() < 1e-6
        assert corners[:, 1].min() >= 0

    def test_true_classes(self, data, scenario):
        y, scores, truth = data
        display = PUPrecisionRecallDisplay.from_predictions(
            y, scores, prior=PRIOR, scenario=scenario, true_classes=truth, name="net"
        )
        of_mixture = y == 0 if scenario == "case_control" else np.ones(len(y), bool)
        recall, precision = display.true_line_.get_data()
        expected = average_precision_score(truth[of_mixture], scores[of_mixture])
        assert -np.sum(np.diff(recall) * precision[:-1]) == pytest.approx(expected)
        reference = precision_recall_curve(truth[of_mixture], scores[of_mixture])
        np.testing.assert_array_equal(precision[:-1], reference[0][:-1])
        labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
        found = pu_average_precision_score(y, scores, prior=PRIOR, scenario=scenario)
        assert labels == [f"net (AP = {found:.2f})", "net, true classes"]
        assert display.band_ is not None
        assert display.point_ is None


class TestDrawing:
    def test_several_curves_on_one_axes(self):
        y, scores = np.repeat([1, 0], [30, 200]), np.random.default_rng(0).normal(size=230)
        first = PUPrecisionRecallDisplay.from_predictions(y, scores, prior=0.9, name="a")
        top = first.ax_.get_ylim()[1]
        second = PUPrecisionRecallDisplay.from_predictions(
            y, scores, prior=0.3, name="b", ax=first.ax_, color="black"
        )
        assert second.ax_ is first.ax_
        assert second.line_.get_color() == "black"
        assert second.ax_.get_ylim()[1] == top > 1.0
        assert len(first.ax_.get_legend().get_texts()) == 2

    def test_constructed_by_hand(self):
        display = PUPrecisionRecallDisplay(
            np.array([0.5, 0.8, 1.0]), np.array([1.0, 0.6, 0.0]), np.array([0.0, 2.0])
        ).plot(threshold=1.0)
        assert display.line_.get_xdata().tolist() == [1.0, 0.6, 0.0]
        assert display.line_.get_ydata().tolist() == [0.5, 0.8, 0.8]
        assert display.band_ is None
        assert display.ax_.get_legend() is None
        assert display.point_.lines[0].get_xdata() == [0.6]

    def test_precision_above_one_is_in_sight(self):
        y = np.repeat([1, 0], [20, 100])
        scores = np.append(np.linspace(1, 2, 20), np.linspace(-1, 1.5, 100))
        display = PUPrecisionRecallDisplay.from_predictions(y, scores, prior=0.6)
        at_most = display.ax_.get_ylim()[1]
        assert 1.5 < at_most <= 2.1


class TestFromEstimator:
    def test_prior_and_scenario_of_the_estimator(self, data, scenario):
        y, scores, _ = data
        X = scores[:, np.newaxis]
        classifier = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
        with pytest.raises(ValueError, match=r"prior='auto' means .* LogisticRegression has none"):
            PUPrecisionRecallDisplay.from_estimator(classifier, X, y)
        classifier[-1].prior_, classifier[-1].scenario = 0.5, scenario
        display = PUPrecisionRecallDisplay.from_estimator(classifier, X, y)
        expected = pu_average_precision_score(
            y, classifier.decision_function(X), prior=0.5, scenario=scenario
        )
        assert display.average_precision == expected
        assert display.name == "LogisticRegression"
        display = PUPrecisionRecallDisplay.from_estimator(
            classifier, X, y, prior=0.6, scenario="case_control", name="net"
        )
        assert display.precision[0] == 0.6
        assert display.name == "net"

    def test_probabilities(self, data):
        y, scores, _ = data
        X = scores[:, np.newaxis]
        classifier = GaussianNB().fit(X, y)
        display = PUPrecisionRecallDisplay.from_estimator(classifier, X, y, prior=0.5)
        assert 0 <= display.thresholds.min() < display.thresholds.max() <= 1


class TestErrors:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"threshold": 9.0}, "threshold=9.0 is above all scores .* the highest .* 0.5"),
            ({"confidence_level": 95}, "confidence_level must be a number between 0 and 1.* 95"),
            ({"true_classes": [1, 1]}, r"one value for each of the 4 examples.* shape \(2,\)"),
            ({"true_classes": [1, 1, 0, 2]}, r"must be 1 for positives.* got \[0, 1, 2\]"),
            ({"true_classes": [1, 0, 0, 1]}, "but is 0 for 1 of them"),
            ({"scores": [1.0, np.nan, 0.5, 0.0]}, "scores must be numbers, but 1 of 4 are NaN"),
            ({"scores": ["high"] * 4}, "scores must be one number for each example"),
            ({"prior": 0.0}, "prior must be a number between 0 and 1"),
        ],
    )
    def test_arguments(self, arguments, message):
        valid = {"y": [1, 1, 0, 0], "scores": [1.0, 0.2, 0.5, 0.0], "prior": 0.5}
        with pytest.raises(ValueError, match=message):
            PUPrecisionRecallDisplay.from_predictions(**{**valid, **arguments})
