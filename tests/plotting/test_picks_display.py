import numpy as np
import pytest
from matplotlib.colors import same_color
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from puclassify.grid import GridImage
from puclassify.picking import NonMaximumSuppression
from puclassify.plotting import PicksDisplay


@pytest.fixture
def micrograph():
    values = np.random.default_rng(0).normal(size=(30, 40))
    return GridImage(values, step=2.0, offset=0.5, name="mic1.mrc")


PICKS = np.array([[20.0, 21.0, 3.0], [50.0, 40.0, 2.0], [22.0, 20.0, 1.0]])
TRUTH = np.array([[49.0, 40.0], [70.0, 10.0], [20.0, 20.0], [5.0, 5.0]])


def positions(circles):
    return np.asarray(circles.get_offsets()).tolist()


class TestFromPredictions:
    def test_without_truth(self, micrograph):
        display = PicksDisplay.from_predictions(micrograph, PICKS, radius=6.0)
        assert list(display.circles_) == ["picks"]
        circles = display.circles_["picks"]
        assert positions(circles) == PICKS[:, :2].tolist()
        np.testing.assert_array_equal(circles.get_widths(), 12.0)
        np.testing.assert_array_equal(circles.get_heights(), 12.0)
        assert circles in display.ax_.collections

    def test_matched_unmatched_and_missed(self, micrograph):
        display = PicksDisplay.from_predictions(micrograph, PICKS, TRUTH, radius=6.0)
        assert {kind: positions(circles) for kind, circles in display.circles_.items()} == {
            "matched": PICKS[:2, :2].tolist(),
            "unmatched": PICKS[2:, :2].tolist(),
            "missed": TRUTH[[1, 3]].tolist(),
        }
        labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
        assert labels == ["2 matched", "1 unmatched", "2 missed"]
        colors = [circles.get_edgecolor()[0].tolist() for circles in display.circles_.values()]
        assert len({tuple(color) for color in colors}) == 3

    def test_legend_draws_lines_like_those_of_the_circles(self, micrograph):
        display = PicksDisplay.from_predictions(micrograph, PICKS, TRUTH, radius=6.0)
        handles = dict(zip(display.circles_, display.ax_.get_legend().legend_handles, strict=True))
        dashed = {kind for kind, handle in handles.items() if handle.get_linestyle() == "--"}
        for kind, circles in display.circles_.items():
            assert same_color(handles[kind].get_color(), circles.get_edgecolor()[0])
            (_, dashes), *_ = circles.get_linestyle()
            assert (dashes is not None) == (kind in dashed)
        assert dashed == {"missed"}

    def test_circles_lie_in_stored_pixels_and_the_right_way_up(self, micrograph):
        display = PicksDisplay.from_predictions(micrograph, PICKS, radius=6.0)
        assert display.image_.get_extent() == list(micrograph.extent)
        assert display.ax_.get_xlim() == (-0.5, 79.5)
        assert display.ax_.get_ylim() == (59.5, -0.5)
        np.testing.assert_array_equal(display.image_.get_array(), micrograph.values)
        display.figure_.canvas.draw()
        top_left, bottom_right = display.ax_.transData.transform([[1.0, 1.0], [70.0, 50.0]])
        assert top_left[0] < bottom_right[0]
        assert top_left[1] > bottom_right[1]
        circle_width_on_screen = np.ptp(display.ax_.transData.transform([[0, 0], [12.0, 0]])[:, 0])
        circles = display.circles_["picks"]
        half_width = circles.get_transforms()[0][0, 0] * circles.get_transform().get_matrix()[0, 0]
        assert 2 * half_width == pytest.approx(circle_width_on_screen)

    def test_contrast_ignores_a_few_hot_and_broken_pixels(self):
        values = np.linspace(0.0, 1.0, 10_000).reshape(100, 100)
        values[0, :5] = 1e6, -1e6, np.nan, np.inf, 1e6
        display = PicksDisplay.from_predictions(values, [], radius=5.0)
        np.testing.assert_allclose(display.image_.get_clim(), [0.005, 0.995], atol=1e-3)
        wider = PicksDisplay.from_predictions(values, [], radius=5.0, contrast=(10, 90))
        np.testing.assert_allclose(wider.image_.get_clim(), [0.1, 0.9], atol=1e-2)

    @pytest.mark.parametrize("values", [np.full((8, 8), 3.0), np.full((8, 8), np.nan)])
    def test_images_without_contrast_still_draw(self, values):
        display = PicksDisplay.from_predictions(values, [[1.0, 1.0]], [], radius=2.0)
        display.figure_.canvas.draw()
        low, high = display.image_.get_clim()
        assert low < high
        assert positions(display.circles_["unmatched"]) == [[1.0, 1.0]]

    def test_given_axes_and_options(self, micrograph):
        import matplotlib.pyplot as plt

        _, (left, right) = plt.subplots(1, 2)
        display = PicksDisplay.from_predictions(
            micrograph,
            PICKS,
            radius=6.0,
            ax=right,
            legend=False,
            image_options={"cmap": "magma"},
            circle_options={"edgecolors": "red"},
        )
        assert display.ax_ is right
        assert display.figure_ is right.figure
        assert not left.images
        assert right.get_legend() is None
        assert display.image_.get_cmap().name == "magma"
        assert same_color(display.circles_["picks"].get_edgecolor()[0], "red")
        assert right.get_title() == "mic1.mrc"

    def test_tables(self, micrograph):
        pd = pytest.importorskip("pandas")
        table = pd.DataFrame({"score": PICKS[:, 2], "y": PICKS[:, 1], "x": PICKS[:, 0]})
        display = PicksDisplay.from_predictions(micrograph, table, radius=6.0)
        assert positions(display.circles_["picks"]) == PICKS[:, :2].tolist()

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"radius": -1.0}, "radius must be a finite number"),
            ({"radius": 5.0, "contrast": (99, 1)}, "contrast must be two ascending percentiles"),
        ],
    )
    def test_errors(self, micrograph, options, message):
        with pytest.raises(ValueError, match=message):
            PicksDisplay.from_predictions(micrograph, PICKS, **options)


class TestFromEstimator:
    @pytest.fixture
    def score_map(self):
        values = np.full((20, 20), -1.0)
        values[5, 6] = 2.0
        values[12, 15] = 1.0
        return values

    def test_own_radius(self, score_map):
        nms = NonMaximumSuppression(3.0, subpixel=False)
        display = PicksDisplay.from_estimator(nms, score_map, [[6.0, 6.0]])
        assert positions(display.circles_["matched"]) == [[6.0, 5.0]]
        assert positions(display.circles_["unmatched"]) == [[15.0, 12.0]]
        np.testing.assert_array_equal(display.circles_["matched"].get_widths(), 6.0)

    def test_pipeline_and_given_radius(self, score_map):
        pipeline = make_pipeline(
            FunctionTransformer(lambda maps: [-1.0 * values for values in maps]),
            NonMaximumSuppression(3.0, subpixel=False),
        ).fit([score_map])
        display = PicksDisplay.from_estimator(pipeline, -score_map, radius=4.0)
        assert positions(display.circles_["picks"]) == [[6.0, 5.0], [15.0, 12.0]]
        np.testing.assert_array_equal(display.circles_["picks"].get_widths(), 8.0)


class TestPlotAgain:
    def test_on_other_axes(self, micrograph):
        display = PicksDisplay.from_predictions(micrograph, PICKS, TRUTH, radius=6.0)
        first = display.ax_
        assert display.plot() is display
        assert display.ax_ is not first
        assert positions(display.circles_["unmatched"]) == PICKS[2:, :2].tolist()


class TestColorsOfScores:
    def test_equal_scores_have_equal_colours_in_the_order_of_the_map(self, micrograph):
        from matplotlib import colormaps

        picks = np.array([[5.0, 5.0, -1.0], [20.0, 21.0, 3.0], [50.0, 40.0, 3.0]])
        display = PicksDisplay.from_predictions(micrograph, picks, radius=6.0, color_by_score=True)
        display.figure_.canvas.draw()
        circles = display.circles_["picks"]
        low, high, again = circles.get_edgecolor()
        assert same_color(high, again)
        assert same_color(low, colormaps["viridis"](0.0))
        assert same_color(high, colormaps["viridis"](1.0))
        assert len(circles.get_facecolor()) == 0
        assert [axes.get_ylabel() for axes in display.figure_.axes[1:]] == ["score (logit)"]

    @pytest.mark.parametrize("picks", [PICKS[:, :2], np.empty((0, 3))])
    def test_without_scores(self, micrograph, picks):
        display = PicksDisplay.from_predictions(micrograph, picks, radius=6.0, color_by_score=True)
        display.figure_.canvas.draw()
        assert len(display.circles_["picks"].get_offsets()) == len(picks)

    def test_kinds_keep_their_colours(self, micrograph):
        shown = [
            PicksDisplay.from_predictions(micrograph, PICKS, TRUTH, radius=6.0, color_by_score=by)
            for by in (False, True)
        ]
        for kind, circles in shown[0].circles_.items():
            assert same_color(circles.get_edgecolor(), shown[1].circles_[kind].get_edgecolor())


class TestScaleBar:
    @pytest.mark.parametrize(
        ("pixel_size", "text", "length"),
        [(1.0, "2 nm", 20.0), (7.0, "10 nm", 100.0), (2e3, "5 µm", 5e4), (0.1, "0.2 nm", 2.0)],
    )
    def test_is_a_round_length(self, pixel_size, text, length):
        image = GridImage(np.eye(100), pixel_size=pixel_size)
        display = PicksDisplay.from_predictions(image, [], radius=6.0, scale_bar=True)
        assert [one.get_text() for one in display.ax_.texts] == [text]
        (bar,) = display.ax_.patches
        left, right = display.ax_.get_xlim()
        assert bar.get_width() * (right - left) * pixel_size == pytest.approx(length)

    def test_nobody_knows_the_pixel_size(self, micrograph):
        display = PicksDisplay.from_predictions(micrograph, PICKS, radius=6.0, scale_bar=True)
        assert not display.ax_.texts
        assert not display.ax_.patches
