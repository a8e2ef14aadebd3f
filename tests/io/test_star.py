"""What is read of STAR files, and what is said of it."""

import math
import warnings

import numpy as np
import pytest

pytest.importorskip("hypothesis")
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from puclassify.io import match_coordinates, read_coordinates, write_coordinates

from .star_files import blocks, loops, texts

SETTINGS = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
X, Y, SCORE, NAME = (
    "rlnCoordinateX",
    "rlnCoordinateY",
    "rlnAutopickFigureOfMerit",
    "rlnMicrographName",
)
NAMES = [
    "mic#1.mrc",
    "mic#2.mrc",
    "data_2024/m1.mrc",
    "_a.mrc",
    "it's.mrc",
    "'q'",
    "a  b.mrc",
    "061",
]
numbers = st.floats(-1e5, 1e5).map(repr)
COORDINATES = {X: numbers, Y: numbers, NAME: st.sampled_from(NAMES)}


def star(tmp_path, text, name="f.star"):
    path = tmp_path / name
    path.write_bytes(text.encode())
    return path


def columns(*titles):
    return "data_\n\nloop_\n" + "".join(f"_{title} #{n}\n" for n, title in enumerate(titles, 1))


def expected_of(content):
    """Return the coordinates of generated blocks, by other means than the reader."""
    found = {}
    for block in content:
        for loop in block.loops:
            if X not in loop.titles:
                continue
            for row in loop.rows:
                cells = dict(zip(loop.titles, row))
                found.setdefault(cells[NAME], []).append([float(cells[X]), float(cells[Y])])
    return found


def assert_same(read, expected):
    assert list(read) == list(expected)
    for name, rows in expected.items():
        np.testing.assert_array_equal(read[name], np.array(rows, dtype=float))


class TestGeneratedFiles:
    @SETTINGS
    @given(
        file=texts(
            st.tuples(
                blocks(loops(titles=COORDINATES, min_rows=1)),
                blocks(),
                blocks(loops(titles=COORDINATES, min_rows=1)),
            ).map(list)
        ),
        ending=st.sampled_from(["\n", "\r\n", "\r"]),
        mark=st.sampled_from(["", "\ufeff"]),
    )
    def test_all_rows_of_all_blocks(self, tmp_path_factory, file, ending, mark):
        content, text = file
        if not any(block.loops for block in (content[0], content[2])):
            return
        path = star(tmp_path_factory.mktemp("star"), mark + text.replace("\n", ending))
        with warnings.catch_warnings():
            # Rows of one column share lines where their text holds nothing else.
            warnings.filterwarnings("ignore", message=".*a row starts behind")
            assert_same(read_coordinates(path, format="star"), expected_of(content))


class TestBlocks:
    def test_files_one_behind_the_other(self, tmp_path):
        pytest.importorskip("starfile")
        one, other = tmp_path / "one.star", tmp_path / "other.star"
        write_coordinates({"a.mrc": [[1, 2, 3]], "b.mrc": [[4, 5, 6]]}, one)
        write_coordinates({"a.mrc": [[7, 8, 9]]}, other)
        path = star(tmp_path, one.read_text() + other.read_text())
        assert_same(read_coordinates(path), {"a.mrc": [[1, 2, 3], [7, 8, 9]], "b.mrc": [[4, 5, 6]]})

    def test_scores_of_one_block_alone_are_left_out(self, tmp_path):
        text = columns(X, Y, SCORE, NAME) + "1 2 3 a\n" + columns(X, Y, NAME) + "4 5 b\n"
        assert_same(read_coordinates(star(tmp_path, text)), {"a": [[1, 2]], "b": [[4, 5]]})

    def test_empty_blocks_decide_nothing(self, tmp_path):
        text = columns(X, Y) + "\n" + columns(X, Y, SCORE, NAME) + "1 2 3 a\n"
        assert_same(read_coordinates(star(tmp_path, text)), {"a": [[1, 2, 3]]})

    def test_titles_in_any_case(self, tmp_path):
        text = columns("RLNCoordinateX", "rlncoordinatey", "rlnMicrographname") + "1 2 a\n"
        assert_same(read_coordinates(star(tmp_path, text)), {"a": [[1, 2]]})

    def test_one_coordinate_is_an_error(self, tmp_path):
        text = columns(X, Y, NAME) + "1 2 a\n" + columns(X, NAME) + "1 a\n"
        with pytest.raises(
            ValueError, match=r"table on line 10 .* has a column rlnCoordinateX, but"
        ):
            read_coordinates(star(tmp_path, text))

    @pytest.mark.parametrize("value", ["x", "1_0", "1,5", "inf", "''"])
    def test_coordinates_that_are_no_numbers_are_named_with_their_line(self, tmp_path, value):
        text = columns(X, Y, NAME) + f"1 2 a\n\n{value} 2 a\n"
        with pytest.raises(ValueError, match=r"f\.star cannot be read .*line 9 "):
            read_coordinates(star(tmp_path, text))

    def test_rows_that_share_a_line_get_a_warning(self, tmp_path):
        text = columns(X, Y, NAME) + "1 2 a 3 4 a\n"
        with pytest.warns(
            UserWarning, match=r"f\.star: on line 7 a row starts behind .* 3 columns"
        ):
            assert_same(read_coordinates(star(tmp_path, text)), {"a": [[1, 2], [3, 4]]})

    def test_control_characters_are_refused(self, tmp_path):
        # What is left of a file that was not yet on the disk when the machine stopped.
        text = columns(X, Y, NAME) + "1 2 a\n\0\0\0\0"
        with pytest.raises(ValueError, match=r"line 8 holds the control character '\\x00'"):
            read_coordinates(star(tmp_path, text))


class TestMicrographs:
    def test_names_with_a_hash_stay_apart(self, tmp_path):
        text = columns(NAME, X, Y) + "mic#1.mrc 1 2\nmic#2.mrc 3 4\n"
        expected = {"mic#1.mrc": [[1, 2]], "mic#2.mrc": [[3, 4]]}
        assert_same(read_coordinates(star(tmp_path, text)), expected)

    def test_stacks_name_them(self, tmp_path):
        text = columns("rlnImageName", X, Y) + (
            "000001@Extract/job1/Movies/m1.mrcs 1 2\n000002@Extract/job1/Movies/m1.mrcs 3 4\n"
            "1@J12/extract/m2_patch_aligned_particles.mrc 5 6\nExtract/m3.mrcs 7 8\n"
        )
        with pytest.warns(
            UserWarning, match=r"no _rlnMicrographName for 4 rows.*'m1' from 'Extract"
        ):
            read = read_coordinates(star(tmp_path, text))
        expected = {"m1": [[1, 2], [3, 4]], "m2_patch_aligned": [[5, 6]], "m3": [[7, 8]]}
        assert_same(read, expected)
        matched = match_coordinates(read, ["MotionCorr/job002/Movies/m1.mrc"])
        np.testing.assert_array_equal(matched[0], [[1, 2], [3, 4]])

    def test_stacks_of_one_name_keep_their_folders(self, tmp_path):
        text = columns("rlnImageName", X, Y) + "1@a/m.mrcs 1 2\n1@b/m.mrcs 3 4\n1@b/n.mrcs 5 6\n"
        with pytest.warns(UserWarning, match="no _rlnMicrographName"):
            read = read_coordinates(star(tmp_path, text))
        assert_same(read, {"a/m": [[1, 2]], "b/m": [[3, 4]], "n": [[5, 6]]})

    def test_tomograms_come_before_stacks(self, tmp_path):
        text = columns("rlnImageName", "rlnTomoName", X, Y) + (
            "Subtomo/TS_01/1_stack2d.mrcs TS_01 1 2\nSubtomo/TS_01/2_stack2d.mrcs TS_01 3 4\n"
        )
        assert_same(read_coordinates(star(tmp_path, text)), {"TS_01": [[1, 2], [3, 4]]})

    def test_each_block_by_what_it_has(self, tmp_path):
        text = (
            columns(NAME, X, Y) + "a.mrc 1 2\n" + columns("rlnImageName", X, Y) + "1@e/b.mrcs 3 4\n"
        )
        with pytest.warns(UserWarning, match="for 1 rows"):
            assert_same(read_coordinates(star(tmp_path, text)), {"a.mrc": [[1, 2]], "b": [[3, 4]]})

    def test_single_value_names_the_rows_of_its_block(self, tmp_path):
        text = columns(X, Y) + "1 2\n3 4\n_rlnMicrographName a.mrc\n"
        assert_same(read_coordinates(star(tmp_path, text)), {"a.mrc": [[1, 2], [3, 4]]})

    def test_rows_that_nothing_names_are_said(self, tmp_path):
        text = columns(X, Y) + "1 2\n3 4\n"
        with pytest.warns(UserWarning, match=r"f\.star names no micrograph for 2 of 2 rows.* 'f'"):
            assert_same(read_coordinates(star(tmp_path, text)), {"f": [[1, 2], [3, 4]]})
        read = read_coordinates(star(tmp_path, text, "m_autopick.star"))  # RELION's own name
        assert_same(read, {"m": [[1, 2], [3, 4]]})

    def test_rows_without_a_name_beside_others_are_said(self, tmp_path):
        text = columns(NAME, X, Y) + "a.mrc 1 2\n'' 3 4\n"
        with pytest.warns(UserWarning, match=r"names no micrograph for 1 of 2 rows.* 'f'"):
            read = read_coordinates(star(tmp_path, text, "f_pick.star"))
        assert_same(read, {"a.mrc": [[1, 2]], "f": [[3, 4]]})


OPTICS = (
    "data_optics\nloop_\n_rlnOpticsGroup\n_rlnImagePixelSize\n_rlnMicrographOriginalPixelSize\n"
    "1 4.0 1.0\n2 4.0 2.0\n"
)
SHIFTED = columns(X, Y, "rlnOriginXAngst", NAME)


class TestOrigins:
    """The centre is x - origin, in pixels of the micrographs."""

    def read(self, tmp_path, text, **options):
        return read_coordinates(star(tmp_path, text), origins="apply", **options)

    def test_angstrom_by_the_optics_group(self, tmp_path):
        text = OPTICS + columns(X, Y, "rlnOriginXAngst", "rlnOriginYAngst", NAME, "rlnOpticsGroup")
        text += "100 200 10 -4 a 1\n100 200 10 -4 a 2\n"
        assert_same(self.read(tmp_path, text), {"a": [[90, 204], [95, 202]]})
        assert_same(self.read(tmp_path, text, pixel_size=5), {"a": [[98, 200.8], [98, 200.8]]})
        with pytest.warns(UserWarning, match=r"_rlnOriginXAngst, _rlnOriginYAngst, .* not applied"):
            assert_same(read_coordinates(star(tmp_path, text)), {"a": [[100, 200], [100, 200]]})

    def test_each_of_several_files_has_its_optics(self, tmp_path):
        body = columns(X, Y, "rlnOriginXAngst", NAME, "rlnOpticsGroup") + "100 200 10 a 1\n"
        text = OPTICS + body + OPTICS.replace("1 4.0 1.0", "1 4.0 5.0") + body
        assert_same(self.read(tmp_path, text), {"a": [[90, 200], [98, 200]]})

    def test_pixels_of_rescaled_images(self, tmp_path):
        text = OPTICS + columns(X, Y, "rlnOriginX", "rlnOriginY", NAME, "rlnOpticsGroup")
        assert_same(self.read(tmp_path, text + "100 200 1 -2 a 2\n"), {"a": [[98, 204]]})

    def test_relion_30(self, tmp_path):
        titles = (X, Y, "rlnOriginX", NAME, "rlnDetectorPixelSize", "rlnMagnification")
        text = columns(*titles) + "100 200 1.5 a 5 25000\n"  # 2 ångström per pixel of the images
        assert_same(self.read(tmp_path, text, pixel_size=1), {"a": [[97, 200]]})
        with pytest.warns(
            UserWarning, match=r"taken as pixels of the micrographs.*Pass pixel_size"
        ):
            assert_same(self.read(tmp_path, text), {"a": [[98.5, 200]]})

    def test_step_and_offset_are_of_the_result(self, tmp_path):
        text = OPTICS + columns(X, Y, "rlnOriginXAngst", NAME, "rlnOpticsGroup")
        read = self.read(tmp_path, text + "100 200 10 a 1\n", step=4, offset=2)
        assert_same(read, {"a": [[22, 49.5]]})

    def test_micrographs_pixel_size_of_the_particles_comes_first(self, tmp_path):
        text = OPTICS + columns(X, Y, "rlnOriginXAngst", NAME, "rlnMicrographPixelSize")
        assert_same(self.read(tmp_path, text + "100 200 10 a 2.5\n"), {"a": [[96, 200]]})

    def test_pixel_size_of_the_images_is_a_guess(self, tmp_path):
        text = columns(X, Y, "rlnOriginXAngst", NAME, "rlnImagePixelSize") + "100 200 10 a 2\n"
        with pytest.warns(UserWarning, match="pixel size of the extracted images alone"):
            assert_same(self.read(tmp_path, text), {"a": [[95, 200]]})

    def test_zero_or_no_shifts_need_no_pixel_size(self, tmp_path):
        text = columns(X, Y, "rlnOriginXAngst", NAME) + "100 200 0.0 a\n"
        assert_same(self.read(tmp_path, text), {"a": [[100, 200]]})
        assert_same(self.read(tmp_path, columns(X, Y, NAME) + "1 2 a\n"), {"a": [[1, 2]]})

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (SHIFTED + "1 2 3 a\n", "pass pixel_size="),
            (SHIFTED + "1 2 nan a\n", "line 8: _rlnOriginXAngst is 'nan'"),
            (OPTICS + SHIFTED + "1 2 3 a\n", "2 optics groups, but no column"),
            (
                OPTICS + columns(X, Y, "rlnOriginXAngst", NAME, "rlnOpticsGroup") + "1 2 3 a 7\n",
                "line 16 belongs to the optics group '7', data_optics has 1, 2",
            ),
            (
                OPTICS.replace("1 4.0 1.0", "1 4.0 0.0")
                + columns(X, Y, "rlnOriginXAngst", NAME, "rlnOpticsGroup")
                + "1 2 3 a 1\n",
                "line 6: _rlnMicrographOriginalPixelSize is 0",
            ),
        ],
    )
    def test_what_cannot_be_applied_is_an_error(self, tmp_path, text, message):
        with pytest.raises(ValueError, match=rf"f\.star cannot be read .*{message}"):
            self.read(tmp_path, text)

    def test_other_formats_have_none(self, tmp_path):
        (tmp_path / "a.csv").write_text("image_name,x,y\nm,1,2\n")
        with pytest.raises(
            ValueError, match=r"origins='apply' is for .* format star store and .*a\.csv"
        ):
            read_coordinates(tmp_path / "a.csv", origins="apply")

    @pytest.mark.parametrize("value", [0, -1, math.nan, "1", True])
    def test_pixel_sizes_that_are_none(self, tmp_path, value):
        with pytest.raises(ValueError, match="pixel_size must be a positive number"):
            self.read(tmp_path, columns(X, Y), pixel_size=value)

    def test_options_that_are_none(self, tmp_path):
        with pytest.raises(ValueError, match="origins must be 'ignore' or 'apply', got 'yes'"):
            read_coordinates(star(tmp_path, columns(X, Y)), origins="yes")
