import numpy as np
import pytest
from sklearn.base import BaseEstimator

from puclassify.metrics import (
    pick_average_precision_score,
    pick_precision_recall_fscore,
)
from puclassify.picking import non_maximum_suppression
from puclassify.plotting import PickPrecisionRecallDisplay

TRUTH = [[[10.0, 10.0], [30.0, 10.0], [50.0, 10.0], [70.0, 10.0]]]
PICKS = [[[10.0, 10.0, 3.0], [90.0, 10.0, 2.0], [30.0, 10.0, 1.0]]]


def area_under_steps(line):
    """The area under a line drawn "steps-post" from right to left."""
    recall, precision = line.get_data()
    assert line.get_drawstyle() == "steps-post"
    return -np.sum(np.diff(recall) * precision[:-1])


class MapPicker(BaseEstimator):
    """Stands for a fitted picker with threshold 0.5."""

    matching_radius_ = 3.0
    threshold_ = 0.5

    def predict(self, X, threshold=None):
        threshold = self.threshold_ if threshold is None else threshold
        return [non_maximum_suppression(values, 3.0, threshold=threshold) for values in X]


class TestFromPredictions:
    def test_area_under_the_line_is_the_average_precision(self):
        display = PickPrecisionRecallDisplay.from_predictions(TRUTH, PICKS, 5.0, name="net")
        expected = pick_average_precision_score(TRUTH, PICKS, 5.0)
        assert area_under_steps(display.line_) == pytest.approx(expected)
        assert display.average_precision == expected
        assert display.line_.get_label() == "net (AP = 0.42)"
        assert display.line_.get_xdata().tolist() == [0.5, 0.25, 0.25, 0.0]
        assert display.line_.get_ydata().tolist() == [2 / 3, 0.5, 1.0, 1.0]
        assert display.point_ is None

    def test_dot_at_the_threshold(self):
        display = PickPrecisionRecallDisplay.from_predictions(TRUTH, PICKS, 5.0, threshold=1.5)
        assert display.point_.get_xdata() == [0.25]
        assert display.point_.get_ydata() == [0.5]
        assert display.point_.get_color() == display.line_.get_color()
        assert display.line_.get_label() == "AP = 0.42"

    def test_several_curves_on_one_axes(self):
        first = PickPrecisionRecallDisplay.from_predictions(TRUTH, PICKS, 5.0, name="a")
        second = PickPrecisionRecallDisplay.from_predictions(
            TRUTH, PICKS, 5.0, name="b", ax=first.ax_, color="black", linestyle="--"
        )
        assert second.ax_ is first.ax_
        labels = [text.get_text() for text in first.ax_.get_legend().get_texts()]
        assert labels == ["a (AP = 0.42)", "b (AP = 0.42)"]
        assert second.line_.get_color() == "black"

    def test_no_picks(self):
        display = PickPrecisionRecallDisplay.from_predictions(TRUTH, [[]], 5.0)
        assert display.line_.get_label() == "AP = 0.00"
        display.figure_.canvas.draw()

    def test_constructed_by_hand(self):
        display = PickPrecisionRecallDisplay(np.array([0.5, 1.0]), np.array([0.8, 0.0])).plot()
        assert display.ax_.get_legend() is None
        assert area_under_steps(display.line_) == pytest.approx(0.4)


class TestFromEstimator:
    def test_all_candidates_and_the_own_threshold(self):
        rng = np.random.default_rng(0)
        maps = rng.normal(-1.0, 0.5, (2, 40, 40))
        truth = [np.array([[10.0, 10.0], [30.0, 12.0]]), np.array([[20.0, 25.0]])]
        for values, centres in zip(maps, truth):
            values[centres[:, 1].astype(int), centres[:, 0].astype(int)] += 2.0
        picker = MapPicker()
        display = PickPrecisionRecallDisplay.from_estimator(picker, maps, truth)
        everything = picker.predict(maps, threshold=-np.inf)
        expected = pick_average_precision_score(truth, everything, 3.0)
        assert display.average_precision == expected
        precision, recall, _ = pick_precision_recall_fscore(truth, picker.predict(maps), 3.0)
        assert display.operating_point == (precision, recall)
        assert display.line_.get_label().startswith("MapPicker (AP = ")
        narrow = PickPrecisionRecallDisplay.from_estimator(
            picker, maps, truth, radius=0.01, name="narrow"
        )
        assert narrow.average_precision < expected
        assert narrow.name == "narrow"
