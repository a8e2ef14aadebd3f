import copy
import pickle

import numpy as np
import pytest
from sklearn.model_selection import train_test_split
from sklearn.utils import _safe_indexing

from puclassify import GridImage, RegionTable


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    micrographs = [rng.normal(size=(20, 30)), rng.normal(size=(25, 15))]
    xy = np.column_stack([np.arange(8.0), 2 * np.arange(8.0)])
    return RegionTable(micrographs, [0, 1, 0, 1, 1, 0, 0, 1], xy)


def assert_is(table, rows, of):
    assert isinstance(table, RegionTable)
    np.testing.assert_array_equal(table.xy, of.xy[rows])
    np.testing.assert_array_equal(table.groups, of.groups[rows])
    assert table.micrographs is of.micrographs
    assert table.shape == (len(rows), 3)


class TestIndexing:
    @pytest.mark.parametrize(
        ("key", "rows"),
        [
            (3, [3]),
            (-1, [7]),
            (np.int64(2), [2]),
            (slice(1, 7, 2), [1, 3, 5]),
            (slice(None, None, -1), [7, 6, 5, 4, 3, 2, 1, 0]),
            ([4, 0, 4], [4, 0, 4]),
            (np.array([6, 1]), [6, 1]),
            (np.arange(8) % 3 == 0, [0, 3, 6]),
            ([True] * 2 + [False] * 6, [0, 1]),
            ([], []),
            ((np.array([6, 1]), ...), [6, 1]),
            ((slice(2, 4), ...), [2, 3]),
            ((5, ...), [5]),
        ],
        ids=str,
    )
    def test_rows_are_selected_as_in_an_array(self, table, key, rows):
        assert_is(table[key], np.array(rows, dtype=int), table)

    def test_as_scikit_learn_does(self, table):
        assert_is(_safe_indexing(table, np.array([5, 2])), [5, 2], table)
        assert_is(_safe_indexing(table, np.arange(8) > 5), [6, 7], table)
        train, test = train_test_split(table, test_size=3, random_state=0)
        assert (len(train), len(test)) == (5, 3)
        assert not set(train.xy[:, 0]) & set(test.xy[:, 0])

    def test_iteration_and_length(self, table):
        assert [region.xy[0, 0] for region in table] == list(range(8))
        assert len(table) == 8

    @pytest.mark.parametrize("key", [8, -9, [0, 8]])
    def test_beyond_the_end(self, table, key):
        with pytest.raises(IndexError):
            table[key]

    @pytest.mark.parametrize("key", [(0, 1), (slice(None), 0), (0, ..., 0)])
    def test_columns_cannot_be_selected(self, table, key):
        with pytest.raises(IndexError, match=r"indexed by regions only, .* are in table\.xy"):
            table[key]

    def test_a_slice_of_a_slice(self, table):
        assert_is(table[[7, 5, 3]][1:], [5, 3], table)

    def test_copies_and_pickles(self, table):
        for other in (copy.deepcopy(table), pickle.loads(pickle.dumps(table))):
            np.testing.assert_array_equal(other.xy, table.xy)
            np.testing.assert_array_equal(other.pixels(5), table.pixels(5))


class TestPixels:
    @pytest.mark.parametrize("size", [1, 2, 7, 8, 31])
    def test_they_are_those_of_the_mirrored_micrograph(self, size):
        rng = np.random.default_rng(1)
        image = rng.normal(size=(40, 33))
        corners = [[0, 0], [32, 0], [0, 39], [32, 39]]
        xy = np.concatenate([corners, rng.uniform(0, 1, size=(30, 2)) * [32, 39]])
        padded = np.pad(image, size, mode="reflect")
        cut = RegionTable([image], np.zeros(len(xy), int), xy).pixels(size)
        assert cut.shape == (34, 1, size, size)
        assert cut.dtype == np.float32
        for region, (x, y) in zip(cut, xy, strict=True):
            top, left = round(y) + size - size // 2, round(x) + size - size // 2
            expected = padded[top : top + size, left : left + size]
            np.testing.assert_array_equal(region[0], expected.astype(np.float32))

    def test_regions_larger_than_the_micrograph_are_mirrored_again(self):
        image = np.arange(12.0).reshape(3, 4)
        padded = np.pad(image, 9, mode="reflect")
        cut = RegionTable([image], [0], [[1, 2]]).pixels(15)
        np.testing.assert_array_equal(cut[0, 0], padded[9 + 2 - 7 :, 9 + 1 - 7 :][:15, :15])

    def test_a_micrograph_of_one_pixel(self):
        assert (RegionTable([np.full((1, 1), 3.0)], [0], [[0, 0]]).pixels(5) == 3).all()

    @pytest.mark.parametrize(
        ("step", "offset"), [(2.0, 0.5), ((2.0, 3.0), (0.5, 1.0)), (0.5, 0.0), (1.0, -4.0)]
    )
    def test_positions_are_stored_pixels_whatever_the_grid(self, step, offset):
        values = np.arange(80.0).reshape(8, 10)
        image = GridImage(values, step=step, offset=offset)
        (dx, dy), (x0, y0) = np.broadcast_to(step, 2), np.broadcast_to(offset, 2)
        for i, j in [(0, 0), (3, 4), (7, 9)]:
            near = [x0 + dx * (j + 0.3), y0 + dy * (i - 0.3)]
            cut = RegionTable([image], [0], [near]).pixels(1)
            assert cut[0, 0, 0, 0] == values[i, j]

    def test_rows_of_several_micrographs_keep_their_order(self, table):
        cut = table.pixels(3)
        for k in (0, 1, 4, 5):
            np.testing.assert_array_equal(cut[k], table[k].pixels(3)[0])

    def test_no_regions(self, table):
        assert table[:0].pixels(5).shape == (0, 1, 5, 5)

    @pytest.mark.parametrize("dtype", [np.int8, np.float16, np.uint16, ">f4"])
    def test_other_dtypes(self, dtype):
        image = np.arange(25).reshape(5, 5).astype(dtype)
        np.testing.assert_array_equal(RegionTable([image], [0], [[2, 2]]).pixels(5)[0, 0], image)


class TestErrors:
    @pytest.mark.parametrize(
        ("index", "xy", "message"),
        [
            ([0, 1], [[1, 2]], "micrograph_index has 2 rows but xy has 1"),
            ([2], [[1, 2]], "micrograph_index runs from 2 to 2 but there are 2"),
            ([0, -1], [[1, 2], [3, 4]], "micrograph_index runs from -1 to 0 but there are 2"),
            ([0.5], [[1, 2]], "micrograph_index must hold whole numbers, got float64"),
            ([[0]], [[1, 2]], r"micrograph_index must be of shape \(n_regions,\), got \(1, 1\)"),
            ([0], [[1, np.nan]], "xy holds NaN or infinite positions"),
            ([0], [[1, 2, 3]], r"xy must be of shape \(n_regions, 2\), x and y, got \(1, 3\)"),
            ([0] * 3, [[1, 2, 3], [4, 5, 6]], r"xy must be of shape .* got \(2, 3\)"),
            ([0], [1, 2], r"xy must be of shape .* got \(2,\)"),
        ],
    )
    def test_they_name_the_argument(self, index, xy, message):
        with pytest.raises(ValueError, match=message):
            RegionTable([np.zeros((9, 9)), np.zeros((9, 9))], index, xy)

    def test_a_single_micrograph_belongs_in_a_list(self):
        with pytest.raises(TypeError, match=r"put it in a list"):
            RegionTable(np.zeros((9, 9)), [0], [[1, 2]])

    def test_an_empty_table_is_one(self):
        assert len(RegionTable([np.zeros((9, 9))], [], [])) == 0

    def test_repr(self, table):
        assert repr(table) == "RegionTable(8 regions in 2 micrographs)"
