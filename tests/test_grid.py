import dataclasses
import pickle

import numpy as np
import pytest

from puclassify.grid import GridImage, ScoreMap, map_length, mirror_index

PIXELS = np.arange(12.0).reshape(3, 4)
GRIDS = [
    {},
    {"step": 4.0, "offset": 1.5},
    {"step": (2.0, 3.25), "offset": (-1.0, 0.5)},
    {"step": 0.5, "offset": (0.0, 7.0)},
]


class TestConstruction:
    def test_defaults_are_a_micrograph_as_stored(self):
        image = GridImage(PIXELS)
        assert (image.step, image.offset, image.pixel_size, image.name) == (1.0, 0.0, None, None)

    def test_values_are_not_copied(self):
        assert GridImage(PIXELS).values is PIXELS

    def test_nested_lists_become_an_array(self):
        np.testing.assert_array_equal(GridImage([[1, 2], [3, 4]]).values, [[1, 2], [3, 4]])

    def test_memory_maps_stay_memory_maps(self, tmp_path):
        mapped = np.memmap(tmp_path / "a", dtype=np.int16, mode="w+", shape=(3, 4))
        assert GridImage(mapped).values is mapped

    @pytest.mark.parametrize("values", [np.zeros(3), np.zeros((2, 3, 4)), 1.0, []])
    def test_values_must_be_one_image(self, values):
        with pytest.raises(
            ValueError, match=r"one 2-D image.*pass a stack of images as a sequence"
        ):
            GridImage(values)

    @pytest.mark.parametrize("step", [0, -1.0, (1.0, 0.0), (-2, 1)])
    def test_step_must_be_positive(self, step):
        with pytest.raises(ValueError, match=r"step must be a positive number or an .* pair"):
            GridImage(PIXELS, step=step)

    @pytest.mark.parametrize(("field", "kind"), [("step", "positive"), ("offset", "finite")])
    @pytest.mark.parametrize("value", [np.nan, np.inf, (1, np.nan), (1, 2, 3), [[1, 2]]])
    def test_step_and_offset_must_be_finite_numbers_or_pairs(self, field, kind, value):
        with pytest.raises(
            ValueError, match=rf"{field} must be a {kind} number or an \(x, y\) pair of them, got"
        ):
            GridImage(PIXELS, **{field: value})

    @pytest.mark.parametrize("pixel_size", [0, -1.2, np.nan, np.inf])
    def test_pixel_size_must_be_positive(self, pixel_size):
        with pytest.raises(ValueError, match="pixel_size must be a positive number of ångström"):
            GridImage(PIXELS, pixel_size=pixel_size)

    @pytest.mark.parametrize("pixel_size", [1e-3, 0.5, 1, 300.0])
    def test_pixel_sizes_below_one_are_fine(self, pixel_size):
        assert GridImage(PIXELS, pixel_size=pixel_size).pixel_size == pixel_size

    def test_it_cannot_be_changed(self):
        with pytest.raises(dataclasses.FrozenInstanceError):
            GridImage(PIXELS).step = 2.0

    def test_pickle(self):
        image = GridImage(PIXELS, step=(2.0, 3.0), offset=0.5, pixel_size=1.1, name="a")
        copy = pickle.loads(pickle.dumps(image))
        np.testing.assert_array_equal(copy.values, PIXELS)
        assert repr(copy) == repr(image)

    def test_object_arrays_hold_images_as_items(self):
        items = np.empty(2, dtype=object)
        items[:] = [GridImage(PIXELS), GridImage(PIXELS)]
        assert items.shape == (2,)
        assert isinstance(items[1], GridImage)


class TestPositions:
    def test_numbers_stand_for_both_axes(self):
        image = GridImage(PIXELS, step=2, offset=0.5)
        np.testing.assert_array_equal(image.step_xy, [2, 2])
        np.testing.assert_array_equal(image.offset_xy, [0.5, 0.5])

    def test_x_runs_along_columns(self):
        image = GridImage(PIXELS, step=(10.0, 100.0), offset=(1.0, 2.0))
        row, column = 2, 3
        np.testing.assert_array_equal(image.to_micrograph([[column, row]]), [[31.0, 202.0]])

    @pytest.mark.parametrize("factor", [2, 3, 4])
    def test_block_means_sit_at_the_mean_position_of_their_pixels(self, factor):
        y, x = np.mgrid[: 5 * factor, : 7 * factor]

        def blocks(values):
            return values.reshape(5, factor, 7, factor).mean(axis=(1, 3))

        image = GridImage(blocks(x), step=factor, offset=(factor - 1) / 2)
        rows, columns = np.mgrid[:5, :7]
        positions = image.to_micrograph(np.column_stack([columns.ravel(), rows.ravel()]))
        np.testing.assert_allclose(positions[:, 0], blocks(x).ravel())
        np.testing.assert_allclose(positions[:, 1], blocks(y).ravel())

    @pytest.mark.parametrize("grid", GRIDS)
    def test_round_trip(self, grid):
        image = GridImage(PIXELS, **grid)
        points = np.random.default_rng(0).uniform(-50, 50, (20, 2))
        np.testing.assert_allclose(image.to_grid(image.to_micrograph(points)), points, atol=1e-12)
        np.testing.assert_allclose(image.to_micrograph(image.to_grid(points)), points, atol=1e-12)

    @pytest.mark.parametrize("empty", [[], np.empty((0, 2))])
    def test_no_positions(self, empty):
        image = GridImage(PIXELS, step=2.0)
        assert image.to_micrograph(empty).shape == image.to_grid(empty).shape == (0, 2)

    def test_the_callers_points_are_not_changed(self):
        points = np.array([[1.0, 2.0]])
        GridImage(PIXELS, step=2.0, offset=3.0).to_micrograph(points)
        np.testing.assert_array_equal(points, [[1, 2]])

    def test_extent_ends_half_a_grid_point_outside(self):
        image = GridImage(PIXELS, step=(2.0, 3.0), offset=(10.0, 20.0))
        # Columns at 10, 12, 14, 16 and rows at 20, 23, 26.
        assert image.extent == (9.0, 17.0, 27.5, 18.5)


class TestWithValues:
    def test_same_grid(self):
        image = GridImage(PIXELS, step=(2.0, 3.0), offset=1.0, pixel_size=1.5, name="a")
        other = image.with_values(PIXELS + 1)
        np.testing.assert_array_equal(other.values, PIXELS + 1)
        np.testing.assert_array_equal(other.step_xy, image.step_xy)
        np.testing.assert_array_equal(other.offset_xy, image.offset_xy)
        assert (other.pixel_size, other.name) == (1.5, "a")

    @pytest.mark.parametrize("grid", GRIDS)
    @pytest.mark.parametrize("relative", GRIDS)
    def test_grids_compose(self, grid, relative):
        image = GridImage(PIXELS, **grid)
        other = image.with_values(np.zeros((2, 2)), **relative)
        points = np.random.default_rng(1).uniform(0, 9, (10, 2))
        on_image = GridImage(PIXELS, **relative).to_micrograph(points)
        expected = image.to_micrograph(on_image)
        np.testing.assert_allclose(other.to_micrograph(points), expected, atol=1e-12)

    def test_map_of_a_strided_network(self):
        binned = GridImage(PIXELS, step=4.0, offset=1.5)
        scores = binned.with_values(np.zeros((5, 5)), step=4, offset=35)
        # Output (0, 0) looks at binned pixel 35, which averages stored pixels 140 to 143.
        np.testing.assert_array_equal(
            scores.to_micrograph([[0, 0], [1, 2]]), [[141.5] * 2, [157.5, 173.5]]
        )

    def test_bad_relative_step(self):
        with pytest.raises(ValueError, match=r"step must be a positive number or .*, got -1\.0"):
            GridImage(PIXELS).with_values(PIXELS, step=-1.0)


class TestAsArray:
    def test_same_memory_unless_a_copy_is_needed(self):
        image = GridImage(PIXELS)
        assert np.shares_memory(np.asarray(image), PIXELS)
        assert not np.shares_memory(np.array(image), PIXELS)
        converted = np.asarray(image, dtype=np.float32)
        assert converted.dtype == np.float32
        np.testing.assert_array_equal(converted, PIXELS)

    def test_no_copy_where_one_is_needed(self):
        with pytest.raises(ValueError, match="copy"):
            np.array(GridImage(PIXELS), dtype=np.float32, copy=False)

    def test_shape(self):
        assert GridImage(PIXELS).shape == (3, 4)


def test_repr_shows_size_and_grid():
    image = GridImage(PIXELS, step=2.0, pixel_size=1.5, name="a.mrc")
    assert repr(image) == "GridImage('a.mrc', 3 x 4, step=2.0, offset=0.0, pixel_size=1.5)"
    assert repr(GridImage(PIXELS)).startswith("GridImage(3 x 4, ")


class TestScoreMap:
    def test_it_lies_where_the_image_lies(self):
        image = GridImage(PIXELS, step=(2.0, 3.0), offset=(0.5, -1.0), pixel_size=1.5, name="a")
        scores = ScoreMap.of(image)
        assert isinstance(scores, ScoreMap)
        assert scores.values is PIXELS
        assert (scores.step, scores.offset) == ((2.0, 3.0), (0.5, -1.0))
        assert (scores.pixel_size, scores.name) == (1.5, "a")


@pytest.mark.parametrize("stride", [1, 2, 3, 5])
@pytest.mark.parametrize("length", [0, 1, 4, 5, 6, 10])
def test_map_length_counts_the_positions(length, stride):
    assert map_length(length, stride) == len(range(0, length, stride))


class TestMirrorIndex:
    @pytest.mark.parametrize("length", [2, 3, 7])
    def test_equals_padding_by_reflection(self, length):
        padded = np.pad(np.arange(length), 20, mode="reflect")
        np.testing.assert_array_equal(mirror_index(np.arange(-20, length + 20), length), padded)

    def test_single_pixel(self):
        np.testing.assert_array_equal(mirror_index([-3, 0, 5], 1), [0, 0, 0])
