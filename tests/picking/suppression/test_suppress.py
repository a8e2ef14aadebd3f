import numpy as np
import pytest
import torch

from puclassify.grid import GridImage
from puclassify.picking.suppression import _suppress_by_blocks
from puclassify.picking.suppression._suppress import non_maximum_suppression
from puclassify.picking.suppression._suppress_one_by_one import suppress_one_by_one


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def brute_force(values, radius, *, threshold=0.0, step=(1.0, 1.0), border=0.0, max_picks=None):
    """(row, column) of what the plain loop chooses."""
    rows, columns = np.indices(values.shape)
    heights, widths = rows * step[1], columns * step[0]
    from_edge = np.minimum.reduce([heights, heights.max() - heights, widths, widths.max() - widths])
    counted = np.where(from_edge < border - 1e-9, np.nan, values)
    chosen = suppress_one_by_one(torch.from_numpy(counted), radius, limit=threshold, step_xy=step)
    return np.column_stack(np.divmod(chosen.numpy(), values.shape[1]))[:max_picks]


def grid_picks(values, radius, **options):
    """Row and column of the picks on a map of step 1."""
    picks = non_maximum_suppression(values, radius, subpixel=False, **options)
    np.testing.assert_array_equal(
        picks[:, 2], values[picks[:, 1].astype(int), picks[:, 0].astype(int)]
    )
    return picks[:, 1::-1].astype(int)


@pytest.fixture(params=["rounds only", "one by one"])
def both_ways(request, monkeypatch):
    """Small maps are finished one by one after their first round; try the rounds on them too."""
    monkeypatch.setattr(_suppress_by_blocks, "_FEW", 0 if request.param == "rounds only" else 10**6)


@pytest.mark.usefixtures("both_ways")
class TestAgainstBruteForce:
    @pytest.mark.parametrize("radius", [0, 0.9, 1, 1.5, np.sqrt(13), 4.0, 7.3, 100.0])
    @pytest.mark.parametrize("shape", [(23, 31), (1, 40), (40, 1), (8, 9)])
    def test_random_maps(self, rng, shape, radius):
        values = rng.normal(size=shape)
        for threshold in (-np.inf, 0.0, 1.0):
            expected = brute_force(values, radius, threshold=threshold)
            np.testing.assert_array_equal(grid_picks(values, radius, threshold=threshold), expected)

    @pytest.mark.parametrize("radius", [0.0, 0.5, 1.0, 2.5, 5.0])
    def test_plateaus_and_ties(self, rng, radius):
        values = rng.integers(-1, 3, size=(25, 27)).astype(float)
        np.testing.assert_array_equal(grid_picks(values, radius), brute_force(values, radius))
        everything = brute_force(values, radius, threshold=-np.inf)
        np.testing.assert_array_equal(grid_picks(values, radius, threshold=-np.inf), everything)

    @pytest.mark.parametrize("step", [(4.0, 4.0), (1.1, 1.1), (2.0, 3.0), (3.7, 0.6)])
    @pytest.mark.parametrize("radius", [3.3, 6.0, 13.5])
    def test_steps_of_the_grid(self, rng, step, radius):
        values = rng.normal(size=(20, 24))
        grid = GridImage(values, step=step, offset=(5.0, -2.5))
        picks = non_maximum_suppression(grid, radius, subpixel=False)
        rows, columns = brute_force(values, radius, step=step).T
        np.testing.assert_allclose(picks[:, 0], 5.0 + step[0] * columns)
        np.testing.assert_allclose(picks[:, 1], -2.5 + step[1] * rows)
        np.testing.assert_array_equal(picks[:, 2], values[rows, columns])

    @pytest.mark.parametrize("border", [0, 1, 1.5, 3, 30])
    def test_border(self, rng, border):
        values = rng.normal(size=(15, 18))
        expected = brute_force(values, 2.0, border=border)
        np.testing.assert_array_equal(grid_picks(values, 2.0, border=border), expected)
        grid = GridImage(values, step=(1.0, 2.0))
        rows, columns = brute_force(values, 2.0, border=border, step=(1.0, 2.0)).T
        picks = non_maximum_suppression(grid, 2.0, border=border, subpixel=False)
        np.testing.assert_array_equal(picks[:, :2], np.column_stack([columns, 2.0 * rows]))

    @pytest.mark.parametrize("max_picks", [1, 5, 10_000])
    def test_max_picks_are_the_best(self, rng, max_picks):
        values = rng.normal(size=(20, 21))
        expected = brute_force(values, 3.0, max_picks=max_picks)
        np.testing.assert_array_equal(grid_picks(values, 3.0, max_picks=max_picks), expected)
        zero_radius = brute_force(values, 0.0, max_picks=max_picks)
        np.testing.assert_array_equal(grid_picks(values, 0.0, max_picks=max_picks), zero_radius)

    @pytest.mark.parametrize("levels", [None, 40])
    def test_maps_that_take_several_rounds(self, rng, levels):
        values = rng.normal(size=(100, 90))
        if levels:
            values = np.round(values * levels / 8)
        expected = brute_force(values, 6.0, threshold=-np.inf)
        np.testing.assert_array_equal(grid_picks(values, 6.0, threshold=-np.inf), expected)


class TestByHand:
    def test_distance_equal_to_the_radius_is_suppressed(self):
        values = np.zeros((1, 12))
        values[0, [0, 3, 7]] = 3.0, 2.0, 1.0
        assert grid_picks(values, 3.0).tolist() == [[0, 0], [0, 7]]
        assert grid_picks(values, 2.999).tolist() == [[0, 0], [0, 3], [0, 7]]

    def test_suppressed_positions_suppress_nothing(self):
        values = np.array([[9.0, 0.0, 8.0, 0.0, 7.0]])
        assert grid_picks(values, 2.0).tolist() == [[0, 0], [0, 4]]

    def test_ties_go_to_the_smaller_row_then_column(self):
        values = np.zeros((4, 4))
        values[0, 2] = values[2, 0] = values[2, 2] = 1.0
        assert grid_picks(values, 10.0).tolist() == [[0, 2]]
        assert grid_picks(values, 1.0).tolist() == [[0, 2], [2, 0], [2, 2]]

    def test_constant_map_is_tiled_from_the_first_corner(self):
        assert grid_picks(np.ones((3, 5)), 1.0).tolist() == [
            [0, 0], [0, 2], [0, 4], [1, 1], [1, 3], [2, 0], [2, 2], [2, 4],
        ]  # fmt: skip

    def test_threshold_is_strict_and_nan_never_counts(self):
        values = np.array([[np.nan, 1.0, 2.0, np.nan, -np.inf, 0.5]])
        assert grid_picks(values, 0.5, threshold=1.0).tolist() == [[0, 2]]
        assert grid_picks(values, 0.5, threshold=-np.inf).tolist() == [[0, 2], [0, 1], [0, 5]]

    def test_float32_is_compared_as_it_is(self):
        values = np.full((1, 1), 0.1, dtype=np.float32)  # a little more than 0.1
        assert len(non_maximum_suppression(values, 1.0, threshold=0.1)) == 1

    @pytest.mark.parametrize(
        "values", [np.zeros((5, 5)), np.full((3, 3), np.nan), np.zeros((0, 4))]
    )
    def test_nothing_to_pick(self, values):
        picks = non_maximum_suppression(values, 2.0)
        assert picks.shape == (0, 3)
        assert picks.dtype == np.float64

    def test_integer_and_boolean_maps(self):
        values = np.array([[0, 3, 0, 0], [0, 0, 0, 2]])
        assert non_maximum_suppression(values, 1.0).tolist() == [[1, 0, 3], [3, 1, 2]]
        assert non_maximum_suppression(values > 0, 5.0).tolist() == [[1, 0, 1]]

    def test_map_is_not_changed(self, rng):
        values = rng.normal(size=(9, 9))
        values.flags.writeable = False
        before = values.copy()
        non_maximum_suppression(values, 2.0)
        np.testing.assert_array_equal(values, before)


class TestSubpixel:
    def test_finds_the_top_of_paraboloids(self, rng):
        y, x = np.mgrid[:9, :11]
        for _ in range(20):
            top = rng.uniform([4.6, 3.6], [5.4, 4.4])
            a, b = rng.uniform(0.5, 2.0, 2)
            tilt = rng.uniform(-0.3, 0.3)
            dx, dy = x - top[0], y - top[1]
            scores = 100.0 - a * dx**2 - b * dy**2 - tilt * dx * dy
            grid = GridImage(scores, step=(2.0, 3.0), offset=(7.0, 1.0))
            (pick,) = non_maximum_suppression(grid, 100.0)
            np.testing.assert_allclose(pick[:2], top * [2.0, 3.0] + [7.0, 1.0], atol=1e-9)
            assert pick[2] == scores[4, 5]

    @pytest.mark.parametrize("top", [(1.2, 0.9), (0.8, 2.1), (3.9, 1.2), (4.1, 3.2)])
    def test_positions_next_to_the_outermost_move(self, top):
        y, x = np.mgrid[:5, :6]
        values = 9.0 - (x - top[0]) ** 2 - (y - top[1]) ** 2
        (pick,) = non_maximum_suppression(values, 100.0)
        np.testing.assert_allclose(pick[:2], top, atol=1e-9)

    @pytest.mark.parametrize("turned", [np.asarray, np.transpose, np.flipud, np.rot90])
    def test_outermost_positions_stay_on_the_grid(self, turned):
        values = np.zeros((5, 5))
        values[0, 1:4] = 2.0, 5.0, 3.0
        values[1, 1:4] = 1.0, 4.0, 2.0
        ((row, column),) = np.argwhere(turned(values) == 5.0)
        assert non_maximum_suppression(turned(values), 100.0).tolist() == [[column, row, 5.0]]

    @pytest.mark.parametrize("turned", [np.asarray, np.transpose])
    def test_outermost_positions_beside_an_equal_value_stay_on_the_grid(self, turned):
        values = np.zeros((5, 5))
        values[:2, 1:4] = [2.0, 5.0, 3.0], [1.0, 5.0, 2.0]
        row, column = np.argwhere(turned(values) == 5.0)[0]  # the smaller row, then column
        assert 0 in (row, column)
        assert non_maximum_suppression(turned(values), 100.0).tolist() == [[column, row, 5.0]]

    @pytest.mark.parametrize("shape", [(2, 9), (9, 2), (1, 9)])
    def test_narrow_maps_stay_on_the_grid(self, rng, shape):
        values = 1 + rng.random(shape)
        picks = non_maximum_suppression(values, 1.0)
        assert len(picks) > 2
        np.testing.assert_array_equal(picks, non_maximum_suppression(values, 1.0, subpixel=False))

    def test_moves_by_half_a_step_at_most(self):
        values = np.zeros((7, 7))
        values[2:5, 2:5] = [[0, 1, 2], [1, 3, 4], [2, 4, 5]]
        values[4, 4] = 3.9
        values[3, 3] = 4.1
        offset = non_maximum_suppression(values, 10.0)[0, :2] - 3.0
        np.testing.assert_array_equal(offset, [0.5, 0.5])

    def test_the_least_squares_fit(self, rng):
        y, x = (part.ravel() for part in np.mgrid[-1:2, -1:2])
        design = np.column_stack([np.ones(9), x, y, x**2, x * y, y**2])
        n_moved = 0
        for _ in range(50):
            patch = rng.uniform(0, 1, (3, 3))
            patch[1, 1] = 1.5
            _, b, c, d, e, f = np.linalg.lstsq(design, patch.ravel(), rcond=None)[0]
            hessian = np.array([[2 * d, e], [e, 2 * f]])
            if np.linalg.eigvalsh(hessian).max() >= 0:
                continue
            expected = np.clip(np.linalg.solve(hessian, [-b, -c]), -0.5, 0.5)
            found = non_maximum_suppression(patch, 10.0)[0, :2] - 1.0
            np.testing.assert_allclose(found, expected, atol=1e-9)
            n_moved += 1
        assert n_moved > 40

    def test_a_large_background_does_not_blur_the_top(self):
        y, x = np.mgrid[:5, :5]
        scores = 1e9 - (x - 2.25) ** 2 - (y - 1.875) ** 2
        np.testing.assert_allclose(non_maximum_suppression(scores, 9.0)[0, :2], [2.25, 1.875])

    @pytest.mark.parametrize(
        "values",
        [
            [[9.0, 8.0, 0.0], [8.0, 7.0, 0.0], [0.0, 0.0, 0.0]],  # in the corner
            [[0.0, 2.0, 1.0], [1.0, 5.0, np.nan], [0.0, 2.0, 1.0]],  # beside a NaN
            [[0.0, 2.0, 1.0], [1.0, 5.0, -np.inf], [0.0, 2.0, 1.0]],
            [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]],  # plateau
            [[8.0, 6.0, 4.0], [6.0, 9.0, 6.0], [4.0, 6.0, 8.0]],  # the fit is a level ridge
            [[4.9, 4.0, 4.8], [4.0, 5.0, 4.0], [4.7, 4.0, 4.9]],  # the fit opens upwards
        ],
    )
    def test_stays_on_the_grid_where_no_top_can_be_told(self, values):
        moved = non_maximum_suppression(values, 10.0, border=0)
        fixed = non_maximum_suppression(values, 10.0, border=0, subpixel=False)
        np.testing.assert_array_equal(moved, fixed)

    def test_every_position_is_judged_alone(self):
        """Beside one that is next to a NaN, and one on the edge."""
        y, x = np.mgrid[:9, :40]
        values = 9.0 - (x - 4.2) ** 2 - (y - 4.1) ** 2
        values = np.maximum(values, 0.0)
        values[4, 12], values[4, 13] = 5.0, np.nan
        values[0, 30] = 3.0
        picks = non_maximum_suppression(values, 4.0)
        expected = [[4.2, 4.1, values[4, 4]], [12, 4, 5], [30, 0, 3]]
        np.testing.assert_allclose(picks, expected, atol=1e-9)

    @pytest.mark.parametrize("height", [1.0, 1e-3])
    def test_flank_of_a_suppressed_maximum_stays_on_the_grid(self, height):
        y, x = np.mgrid[:7, :12]
        values = height * (100.0 - (x - 3.2) ** 2 - (y - 3.1) ** 2)
        picks = non_maximum_suppression(values, 3.0, threshold=-np.inf)
        assert len(picks) > 2
        np.testing.assert_allclose(picks[0, :2], [3.2, 3.1])
        np.testing.assert_array_equal(picks[1:, :2], np.round(picks[1:, :2]))

    def test_suppression_is_decided_before_refinement(self, rng):
        values = rng.normal(size=(40, 40))
        on_grid = non_maximum_suppression(values, 3.0, subpixel=False)
        refined = non_maximum_suppression(values, 3.0)
        np.testing.assert_array_equal(on_grid[:, 2], refined[:, 2])
        assert np.abs(on_grid - refined)[:, :2].max() <= 0.5
        assert (on_grid != refined).any()


class TestErrors:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"radius": -1.0}, "radius must be a finite number .* got -1.0"),
            ({"radius": np.inf}, "radius must be a finite number"),
            ({"radius": "4"}, "radius must be a finite number of stored pixels.* got '4'"),
            ({"radius": None}, "radius must be .* got None"),
            ({"radius": True}, "radius must be .* got True"),
            ({"border": -2}, "border must be a finite number .* got -2"),
            ({"threshold": np.nan}, r"threshold must be a number \(-inf keeps .* got nan"),
            ({"threshold": "auto"}, "threshold must be a number .* got 'auto'"),
            ({"max_picks": 0}, "max_picks must be a whole number >= 1, or None .* got 0"),
            ({"max_picks": 2.5}, "max_picks must be a whole number .* got 2.5"),
            ({"subpixel": "yes"}, "subpixel must be True or False, got 'yes'"),
        ],
    )
    def test_parameters(self, options, message):
        with pytest.raises(ValueError, match=message):
            non_maximum_suppression(np.zeros((4, 4)), **{"radius": 2.0, **options})

    @pytest.mark.parametrize("scores", [np.zeros(4), np.zeros((2, 3, 4)), [["a", "b"]]])
    def test_scores(self, scores):
        with pytest.raises(ValueError, match=r"scores must be a GridImage or a 2-D array"):
            non_maximum_suppression(scores, 2.0)
