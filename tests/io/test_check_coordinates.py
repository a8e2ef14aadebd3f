import numpy as np
import pytest

from puclassify.io import check_coordinates


class TestAccepted:
    def test_arrays_lists_and_empty_ones(self):
        checked = check_coordinates(
            [np.array([[1, 2]], np.int32), [[3.5, 4]], [], np.empty((0, 2))], 4
        )
        assert [array.shape for array in checked] == [(1, 2), (1, 2), (0, 2), (0, 2)]
        assert all(array.dtype == np.float64 for array in checked)
        np.testing.assert_array_equal(checked[1], [[3.5, 4.0]])

    def test_scores_of_picks_are_dropped(self):
        checked = check_coordinates([[[1, 2, 9], [3, 4, 8]], np.empty((0, 3))], 2)
        np.testing.assert_array_equal(checked[0], [[1, 2], [3, 4]])
        assert checked[1].shape == (0, 2)

    def test_object_array_and_three_dimensional_array(self):
        items = np.empty(2, dtype=object)
        items[:] = [np.ones((3, 2)), np.ones((1, 2))]
        assert [len(array) for array in check_coordinates(items, 2)] == [3, 1]
        assert [len(array) for array in check_coordinates(np.ones((4, 5, 2)), 4)] == [5] * 4

    def test_data_frames(self):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame({"score": [9.0], "y": [2], "x": [1]})
        other = pandas.DataFrame({"image_name": ["m"], "x_coord": [3], "y_coord": [4]})
        first, second, empty = check_coordinates([frame, other, frame[:0]], 3)
        np.testing.assert_array_equal(first, [[1, 2]])
        np.testing.assert_array_equal(second, [[3, 4]])
        assert empty.shape == (0, 2)

    def test_the_array_of_the_caller_is_not_changed(self):
        array = np.array([[1.0, 2.0]])
        check_coordinates([array], 1)[0][:] = 0
        np.testing.assert_array_equal(array, [[1, 2]])


class TestRefused:
    def test_lengths_that_differ(self):
        with pytest.raises(ValueError, match="coordinates of 2 micrographs but there are 3"):
            check_coordinates([[], []], 3)

    @pytest.mark.parametrize("y", [None, "abc", 3, (item for item in [])])
    def test_no_sequence(self, y):
        with pytest.raises(TypeError, match=r"y must be a sequence of \(k, 2\) arrays"):
            check_coordinates(y, 3)

    def test_mapping_points_to_match_coordinates(self):
        with pytest.raises(TypeError, match=r"match_coordinates\(y, names\)"):
            check_coordinates({"a": np.ones((1, 2))}, 1)

    def test_single_table_is_to_be_wrapped(self):
        with pytest.raises(TypeError, match=r"single table of shape \(5, 2\).*pass \[y\]"):
            check_coordinates(np.ones((5, 2)), 5)

    @pytest.mark.parametrize(
        ("item", "message"),
        [
            ([1.0, 2.0], r"y\[1\] must be of shape .*got \(2,\)"),
            (np.ones((3, 4)), r"y\[1\] must be of shape .*got \(3, 4\)"),
            (np.ones((1, 2, 2)), r"got \(1, 2, 2\)"),
            ([[1, 2], [3]], r"y\[1\] must be an array of numbers"),
            ([["a", "b"]], r"y\[1\] must be an array of numbers"),
            ([[1, 2], [np.nan, 3]], r"y\[1\] has 1 rows .*first is row 1: \[nan, 3\.0\]"),
            ([[np.inf, 2]], r"y\[1\] has 1 rows"),
        ],
    )
    def test_item_is_named(self, item, message):
        with pytest.raises(ValueError, match=message):
            check_coordinates([[], item], 2)

    def test_data_frame_with_other_columns(self):
        pandas = pytest.importorskip("pandas")
        with pytest.raises(ValueError, match=r"without columns x and y, it has \['a'\]"):
            check_coordinates([pandas.DataFrame({"a": [1]})], 1)


def test_masked_values_are_refused():
    xy = np.ma.masked_invalid([[1.0, 2.0], [np.nan, 4.0]])
    with pytest.raises(ValueError, match=r"y\[0\] is a masked array with 1 masked values"):
        check_coordinates([xy], 1)
    (kept,) = check_coordinates([np.ma.compress_rows(xy)], 1)
    np.testing.assert_array_equal(kept, [[1.0, 2.0]])
    (whole,) = check_coordinates([np.ma.masked_invalid([[1.0, 2.0]])], 1)
    np.testing.assert_array_equal(whole, [[1.0, 2.0]])


@pytest.mark.parametrize("shape", [(2, 5), (3, 30)])
def test_turned_arrays_are_refused(shape):
    with pytest.raises(ValueError, match=r"pass y\[0\]\.T"):
        check_coordinates([np.zeros(shape)], 1)
