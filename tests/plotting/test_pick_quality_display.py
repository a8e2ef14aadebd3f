import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from puclassify import NonMaximumSuppression
from puclassify.metrics import pick_precision_recall_fscore
from puclassify.picking import non_maximum_suppression
from puclassify.plotting import PickQualityDisplay

NAMES = ("precision", "recall", "f1")
AT_THRESHOLD = {
    "threshold": -24.0,
    "n_picks": 24.0,
    "precision": 0.6,
    "recall": 0.7,
    "f1": 0.65,
}


def expected_of(n_candidates=60, n_particles=20.0):
    n_picks = np.arange(1.0, n_candidates + 1)
    right = n_particles * -np.expm1(-n_picks / n_particles)
    told = {
        "threshold": -n_picks,
        "n_picks": n_picks,
        "precision": right / n_picks,
        "recall": right / n_particles,
        "f1": 2 * right / (n_picks + n_particles),
        "n_particles": n_particles,
        "n_particles_interval": (15.0, 30.0),
    }
    return told | {f"{name}_interval": told[name][:, None] * [0.9, 1.1] for name in NAMES}


class MapPicker:
    """Stands for a picker of score maps that was fitted with estimates."""

    matching_radius_ = 3.0
    threshold_ = -24.0

    def __init__(self):
        self.threshold_report_ = AT_THRESHOLD

    def expected_quality(self):
        return expected_of()

    def predict(self, X, threshold=None):
        return [non_maximum_suppression(values, 3.0, threshold=threshold) for values in X]


@pytest.fixture
def maps_and_truth():
    rng = np.random.default_rng(0)
    maps = rng.normal(-1.0, 0.5, (2, 40, 40))
    truth = [np.array([[10.0, 10.0], [30.0, 12.0]]), np.array([[20.0, 25.0]])]
    for values, centres in zip(maps, truth):
        values[centres[:, 1].astype(int), centres[:, 0].astype(int)] += 2.0
    return maps, truth


class TestExpected:
    def test_lines_and_bands_are_the_numbers(self):
        display = PickQualityDisplay.from_estimator(MapPicker())
        told = expected_of()
        drawn = told["n_picks"] <= 2 * 24 + 1  # twice the picks at the threshold, and one beyond
        for name in NAMES:
            x, y = display.lines_[name].get_data()
            np.testing.assert_array_equal(x, told["n_picks"][drawn])
            np.testing.assert_array_equal(y, told[name][drawn])
            (path,) = display.bands_[name].get_paths()
            low, high = told[f"{name}_interval"][drawn].T
            corners = {tuple(point) for point in path.vertices.round(9)}
            assert corners >= set(zip(x, low.round(9))) | set(zip(x, high.round(9)))
        assert display.ax_.get_xlim() == (0, 48)
        assert display.observed_lines_ == {}

    def test_number_and_threshold(self):
        display = PickQualityDisplay.from_estimator(MapPicker())
        x, _ = display.number_line_.get_data()
        assert list(x) == [20.0, 20.0]
        corners = display.number_band_.get_corners()
        assert corners[:, 0].min() == 15.0
        assert corners[:, 0].max() == 30.0
        for name in NAMES:
            assert display.points_[name].get_xdata() == [24.0]
            assert display.points_[name].get_ydata() == [AT_THRESHOLD[name]]
        labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
        assert labels == [
            "precision",
            "recall",
            "F1",
            "threshold -24.00: 24 picks",
            "particles: 20 (15 to 30)",
        ]

    def test_by_hand_and_into_given_axes(self):
        import matplotlib.pyplot as plt

        _, ax = plt.subplots()
        display = PickQualityDisplay(expected_of()).plot(ax, max_picks=10, linewidth=3.0)
        assert display.ax_ is ax
        assert display.points_ == {}
        assert display.lines_["f1"].get_linewidth() == 3.0
        assert ax.get_xlim() == (0, 10)
        assert display.lines_["f1"].get_xdata().max() == 11

    def test_a_hundred_thousand_candidates_are_thinned_to_what_can_be_seen(self):
        expected = expected_of(100_000, n_particles=60_000.0) | {"n_particles_interval": (5e4, 7e4)}
        display = PickQualityDisplay(expected).plot()
        x, y = display.lines_["recall"].get_data()
        assert len(x) == 1000
        assert (x[0], x[-1]) == (1, 100_000)
        np.testing.assert_array_equal(y, expected["recall"][x.astype(int) - 1])


class TestMeasured:
    def test_is_what_the_metrics_say_of_as_many_picks(self, maps_and_truth):
        maps, truth = maps_and_truth
        display = PickQualityDisplay.from_estimator(MapPicker(), maps, truth)
        candidates = MapPicker().predict(maps, threshold=-np.inf)
        scores = np.sort(np.concatenate([picks[:, 2] for picks in candidates]))[::-1]
        x, _ = display.observed_lines_["precision"].get_data()
        np.testing.assert_array_equal(x * 2, np.arange(1, len(x) + 1))
        for index in (0, 2, 9):
            by_hand = pick_precision_recall_fscore(
                truth, candidates, 3.0, threshold=np.nextafter(scores[index], -np.inf)
            )
            drawn = [display.observed_lines_[name].get_ydata()[index] for name in NAMES]
            assert drawn == pytest.approx(by_hand)

    def test_inside_a_pipeline(self, maps_and_truth):
        maps, truth = maps_and_truth
        plain = PickQualityDisplay.from_estimator(MapPicker(), -maps, truth)
        turned = make_pipeline(FunctionTransformer(np.negative), MapPicker())
        display = PickQualityDisplay.from_estimator(turned, maps, truth)
        for name in NAMES:
            np.testing.assert_array_equal(
                display.observed_lines_[name].get_ydata(), plain.observed_lines_[name].get_ydata()
            )
        PickQualityDisplay.from_estimator(turned)

    def test_wider_matching_finds_no_less(self, maps_and_truth):
        maps, truth = maps_and_truth
        shifted = [xy + 2.0 for xy in truth]
        narrow, wide = (
            PickQualityDisplay.from_estimator(MapPicker(), maps, shifted, radius=radius)
            for radius in (1.0, 4.0)
        )
        assert narrow.observed["recall"][3] < wide.observed["recall"][3] == 1


class TestRefusals:
    def test_one_of_micrographs_and_centres(self, maps_and_truth):
        maps, truth = maps_and_truth
        with pytest.raises(ValueError, match="X is given but y is not"):
            PickQualityDisplay.from_estimator(MapPicker(), maps)
        with pytest.raises(ValueError, match="y is given but X is not"):
            PickQualityDisplay.from_estimator(MapPicker(), y=truth)

    def test_what_estimates_nothing(self):
        with pytest.raises(TypeError, match="picker must be a ParticlePicker, got NonMaximum"):
            PickQualityDisplay.from_estimator(NonMaximumSuppression(3.0))
