import os
import pathlib
import warnings

import numpy as np
import pytest

from puclassify.grid import GridImage
from puclassify.io import (
    MICROGRAPH_FORMATS,
    MicrographFormat,
    match_coordinates,
    read_coordinates,
)


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


class TestExtensions:
    @pytest.mark.parametrize("format", MICROGRAPH_FORMATS.values(), ids=list(MICROGRAPH_FORMATS))
    def test_those_of_every_micrograph_format_do_not_count(self, format):
        for extension in format.extensions:
            assert matched(table("mic.1"), [f"mic.1{extension}"]) == [0]

    def test_those_of_an_own_format_do_not_count(self, monkeypatch):
        with pytest.raises(ValueError, match="none of the 1 names"):
            match_coordinates(table("mic"), ["mic.dm4"])
        entry = MicrographFormat((".dm4",), lambda path: (np.zeros((2, 2)), None))
        monkeypatch.setitem(MICROGRAPH_FORMATS, "dm4", entry)
        assert matched(table("mic"), ["mic.dm4"]) == [0]


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


class TestDecoratedNames:
    UID = "001234567890123456789_"

    @pytest.mark.parametrize(
        ("key", "name"),
        [
            (UID + "mic1", "Movies/mic1.mrc"),
            ("mic1.mrc", f"S1/{UID}mic1.mrc"),
            ("mic1_autopick", "mic1.mrc"),
            ("mic1_manualpick", "mic1.mrc"),
            (UID + "mic1_pick", "mic1.mrc"),
            (UID + "mic1_autopick", UID + "mic1.mrc"),
        ],
    )
    def test_decorations_of_other_programs_do_not_count(self, key, name):
        assert matched(table(key, "mic2"), [name, "mic2"]) == [0, 1]

    def test_equal_names_go_first(self):
        assert matched(table(self.UID + "mic1", "mic1"), ["mic1.mrc"]) == [1]
        names = ["mic1.mrc", self.UID + "mic1.mrc"]
        assert matched(table(self.UID + "mic1", "mic1"), names) == [1, 0]

    @pytest.mark.parametrize(
        ("keys", "names"),
        [
            (["1" * 21 + "_mic1", "2" * 21 + "_mic1"], ["mic1.mrc"]),
            (["mic1_autopick", "mic1_manualpick"], ["mic1.mrc"]),
            (["mic1"], ["1" * 21 + "_mic1.mrc", "2" * 21 + "_mic1.mrc"]),
            (["1" * 21 + "_mic1"], ["2" * 21 + "_mic1.mrc"]),
            (["20240101_mic1"], ["mic1.mrc"]),
            (["1" * 21 + "_"], ["1" * 21]),
        ],
    )
    def test_doubtful_names_do_not_match(self, keys, names):
        with pytest.raises(ValueError, match="none of the"):
            match_coordinates(table(*keys), names)


class TestLostLabels:
    def test_near_misses_beside_matches_are_reported(self):
        coordinates = table("mic1", *(f"mic{i}_DW" for i in range(2, 7)))
        names = [f"f/mic{i}.mrc" for i in range(1, 5)]
        with pytest.warns(UserWarning, match="3 names in coordinates") as caught:
            arrays = match_coordinates(coordinates, names)
        assert [len(array) for array in arrays] == [1, 0, 0, 0]
        (warning,) = caught
        assert warning.filename == __file__
        assert str(warning.message) == (
            "3 names in coordinates match no micrograph, but nearly match micrographs without "
            "coordinates: 'mic2_DW' is near 'mic2', 'mic3_DW' is near 'mic3', 'mic4_DW' is near "
            "'mic4'; remove '_DW' from the keys of coordinates if they are the same"
        )

    def test_names_of_micrographs_may_be_the_longer_ones(self):
        with pytest.warns(UserWarning, match="'mic2' is near 'mic2_aligned'; add '_aligned' to"):
            match_coordinates(table("mic1", "mic2"), ["mic1", "mic2_aligned.mrc"])

    @pytest.mark.parametrize(
        ("keys", "names"),
        [
            (["mic_9", "mic_1", "mic_2"], ["mic_9.mrc", "mic_001.mrc", "mic_002.mrc"]),
            (["mic_9", "mic_0001", "mic_0002"], ["mic_9.mrc", "mic_1.mrc", "mic_02.mrc"]),
        ],
    )
    def test_zeros_in_front_of_numbers(self, keys, names):
        with pytest.warns(UserWarning, match="2 names in coordinates match no micrograph"):
            match_coordinates(table(*keys), names)
        with pytest.raises(ValueError, match=r"near misses: 'mic_0*1' is near 'mic_0*1'"):
            match_coordinates(table(*keys[1:]), names[1:])

    def test_zeros_of_several(self):
        match_coordinates(table("a", "m_1", "m_01"), ["a", "m_001"])  # warnings are errors

    @pytest.mark.parametrize(
        ("keys", "names"),
        [
            (["mic2", "mic1"], ["mic2", "mic10"]),
            (["mic2", "other_1"], ["mic2", "mic3"]),
            (["mic1", "mic1_DW"], ["mic1"]),
        ],
    )
    def test_names_of_other_micrographs_are_no_near_misses(self, keys, names):
        with warnings.catch_warnings(record=True) as caught:
            match_coordinates(table(*keys), names)
        assert not caught

    def test_empty_entries_lose_nothing(self):
        with warnings.catch_warnings(record=True) as caught:
            match_coordinates({**table("mic1"), "mic2_DW": np.empty((0, 2))}, ["mic1", "mic2"])
        assert not caught


class TestErrors:
    @pytest.mark.parametrize(
        ("key", "name", "advice"),
        [
            ("mic1_patch_aligned", "mic1.mrc", "remove '_patch_aligned' from"),
            ("mic1", "mic1_DW.mrc", "add '_DW' to"),
            ("20240101_mic1_DW", "mic1.mrc", "remove '20240101_' and '_DW' from"),
            ("mic1DW", "mic1.mrc", "remove 'DW' from"),
            ("micro1", "mic1.mrc", "rename"),
        ],
    )
    def test_advice(self, key, name, advice):
        stem = name.removesuffix(".mrc")
        message = f"near misses: '{key}' is near '{stem}'; {advice} the keys of coordinates"
        with pytest.raises(ValueError, match=message):
            match_coordinates(table("zzz", key), [f"f/{name}", "qqq.mrc"])

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
