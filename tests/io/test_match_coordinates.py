import os
import pathlib

import numpy as np
import pytest

from puclassify.grid import GridImage
from puclassify.io import match_coordinates, read_coordinates


def table(*names):
    return {name: np.array([[index, 0.0]]) for index, name in enumerate(names)}


def matched(coordinates, names):
    """Return which entry of the table every micrograph got, None for an empty array."""
    arrays = match_coordinates(coordinates, names)
    return [int(array[0, 0]) if len(array) else None for array in arrays]


class TestMatches:
    @pytest.mark.parametrize("key", ["mic1", "mic1.mrc", "a/mic1", "a/b/mic1.mrc", "mic1.tif"])
    @pytest.mark.parametrize(
        "name", ["mic1", "mic1.mrc", "x/mic1.mrc.gz", "mic1.MRC", "x\\mic1.png"]
    )
    def test_with_and_without_folder_and_extension(self, key, name):
        assert matched(table("other", key), [name]) == [1]

    def test_order_is_that_of_the_micrographs(self):
        names = ["f/c.mrc", "f/a.mrc", "f/none.mrc", "f/b.mrc"]
        assert matched(table("a", "b", "c"), names) == [2, 0, None, 1]

    def test_micrographs_without_entry_get_empty_arrays(self):
        empty = match_coordinates(table("a"), ["a", "b"])[1]
        assert empty.shape == (0, 2)

    def test_entries_of_other_micrographs_are_ignored(self):
        assert matched(table("a", "b", "c"), ["b"]) == [1]

    def test_empty_table(self):
        assert matched({}, ["a", "b"]) == [None, None]

    def test_scores_are_kept(self):
        scored = {"a": np.array([[1.0, 2.0, 3.0]])}
        np.testing.assert_array_equal(match_coordinates(scored, ["a.mrc"])[0], [[1, 2, 3]])

    def test_dots_in_names_are_no_extensions(self):
        names = ["Falcon_12.06.mrc", "Falcon_12.07.mrc"]
        assert matched(table("Falcon_12.07", "Falcon_12.06"), names) == [1, 0]

    def test_paths_and_grid_images(self):
        names = [pathlib.Path("f") / "a.mrc", GridImage(np.zeros((2, 2)), name="b.mrc")]
        assert matched(table("b", "a"), names) == [1, 0]

    def test_upper_and_lower_case_differ(self):
        assert matched(table("A", "b"), ["a", "b"]) == [None, 1]

    def test_one_micrograph_twice(self):
        assert matched(table("a"), ["a.mrc", "a.mrc"]) == [0, 0]


class TestSeveralCandidates:
    def test_folders_decide(self):
        coordinates = table("g1/mic.mrc", "g2/mic.mrc")
        assert matched(coordinates, ["/data/g2/mic.mrc", "/data/g1/mic.mrc"]) == [1, 0]

    def test_extension_decides(self):
        assert matched(table("mic.tif", "mic.mrc"), ["mic.mrc"]) == [1]

    def test_equal_name_decides(self):
        assert matched(table("mic.mrc", "mic"), ["mic"]) == [1]

    def test_equal_path_decides(self):
        assert matched(table("x/g1/mic.mrc", "g1/mic.mrc"), ["g1/mic.mrc"]) == [1]

    def test_entry_goes_to_the_closest_micrograph(self):
        assert matched(table("g1/mic.mrc"), ["g2/mic.mrc", "g1/mic.mrc"]) == [None, 0]

    def test_two_entries_for_one_micrograph(self):
        with pytest.raises(
            ValueError, match=r"micrograph 'mic\.mrc' are ambiguous: 'g1/mic', 'g2/mic'"
        ):
            match_coordinates(table("g1/mic", "g2/mic"), ["mic.mrc"])

    def test_two_micrographs_for_one_entry(self):
        with pytest.raises(
            ValueError, match=r"named 'mic' are ambiguous.*'g1/mic.mrc', 'g2/mic.mrc'"
        ):
            match_coordinates(table("mic"), ["g1/mic.mrc", "g2/mic.mrc"])


class TestErrors:
    def test_nothing_matches(self):
        with pytest.raises(ValueError) as raised:
            match_coordinates(table("mic_0001_DW", "other"), ["f/mic_0001.mrc", "f/zzz.mrc"])
        message = str(raised.value)
        assert "none of the 2 names" in message
        assert "any of the 2 micrographs" in message
        assert "'mic_0001_DW' is near 'mic_0001'" in message
        assert "'f/mic_0001.mrc', 'f/zzz.mrc'" in message

    def test_nothing_matches_nor_comes_near(self):
        with pytest.raises(ValueError, match="none of the 1 names") as raised:
            match_coordinates(table("qqqq"), ["f/zzz.mrc"])
        assert "near" not in str(raised.value)

    def test_long_lists_are_shortened(self):
        with pytest.raises(ValueError) as raised:
            match_coordinates(
                table(*(f"key{i}" for i in range(500))), [f"m{i}" for i in range(500)]
            )
        assert len(str(raised.value)) < 500

    def test_single_name(self):
        with pytest.raises(TypeError, match=r"pass \['a'\]"):
            match_coordinates(table("a"), "a")

    def test_list_instead_of_table(self):
        with pytest.raises(TypeError, match="coordinates must map micrograph names to arrays"):
            match_coordinates([np.zeros((1, 2))], ["a"])


def test_real_labels_match_real_micrographs():
    folder = os.environ.get("PUCLASSIFY_DATA")
    if not folder:
        pytest.skip("set PUCLASSIFY_DATA to the folder with real micrographs")
    data = pathlib.Path(folder) / "micrographs"
    paths = sorted((data / "bgal_images_1024").glob("*.png"))
    coordinates = read_coordinates(data / "bgal_coords_4096px" / "cryoppp.csv", step=4, offset=1.5)
    arrays = match_coordinates(coordinates, paths)
    assert len(arrays) == 8
    for path, array in zip(paths, arrays):
        assert array is coordinates[path.stem]
        assert len(array) > 20
        assert array.min() > 0
        assert array.max() < 1024
