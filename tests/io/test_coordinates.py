import csv
import os
import pathlib
import re
import sys

import numpy as np
import pytest

from puclassify.grid import GridImage
from puclassify.io import (
    COORDINATE_FORMATS,
    CoordinateFormat,
    CoordinateTable,
    read_coordinates,
    write_coordinates,
)

DATA = pathlib.Path(__file__).parent / "data"
# Tables that hold any names and every bit; tests/io/test_formats.py has all formats.
WRITTEN = [
    known.extensions
    for known in COORDINATE_FORMATS.values()
    if known.several and known.point == "centre" and known.unit == "pixels"
]
ENDINGS = [extensions[0] for extensions in WRITTEN]  # one of each format that is written


def assert_same(read, expected):
    assert list(read) == list(expected)
    for name, array in expected.items():
        assert read[name].dtype == np.float64
        np.testing.assert_array_equal(read[name], np.array(array, dtype=float))


@pytest.fixture
def star():
    return pytest.importorskip("starfile")


class TestReadSTAR:
    def test_relion_30_single_block(self, star):
        read = read_coordinates(DATA / "relion30_particles.star")
        folder = "MotionCorr/job002/Movies/"
        expected = {
            f"{folder}mic_001.mrc": [[1024.5, 12.25, 0.624705], [0, 3708, -0.1]],
            f"{folder}mic_002.mrc": [[899.062526, 199.791672, 0.623809]],
        }
        assert_same(read, expected)

    def test_relion_31_optics_block_first(self, star):
        read = read_coordinates(DATA / "relion31_particles.star")
        folder = "MotionCorr/job002/Movies/"
        expected = {
            f"{folder}061.mrc": [[614.083339, 1714], [1263, 2526]],
            f"{folder}062.mrc": [[88.125, 953.5]],
        }
        assert_same(read, expected)

    def test_numeric_names_stay_names(self, star, tmp_path):
        path = tmp_path / "a.star"
        path.write_text(
            "data_\n\nloop_\n_rlnMicrographName #1\n_rlnCoordinateX #2\n_rlnCoordinateY #3\n"
            "061 1 2\n1e3 3 4\nnan 5 6\n"
        )
        assert_same(read_coordinates(path), {"061": [[1, 2]], "1e3": [[3, 4]], "nan": [[5, 6]]})

    def test_pick_file_of_one_micrograph_is_named_after_it(self, star):
        read = read_coordinates(DATA / "relion40_mic_007_autopick.star")
        assert_same(read, {"relion40_mic_007": [[100.5, 200.25, 2.125], [300, 10, -0.5]]})

    def test_single_particle_without_loop(self, star, tmp_path):
        path = tmp_path / "mic1_manualpick.star"
        path.write_text("data_\n\n_rlnCoordinateX 1.5\n_rlnCoordinateY 2.5\n")
        assert_same(read_coordinates(path), {"mic1": [[1.5, 2.5]]})

    def test_cryosparc_export(self, star):
        read = read_coordinates(DATA / "cryosparc_exported.star")
        name = "005_FoilHole_7_patch_aligned_doseweighted.mrc"
        assert_same(read, {name: [[2047, 511], [64, 3001]]})

    def test_list_of_coordinate_files_that_are_elsewhere(self):
        message = r"relion40_autopick\.star .*of the \d+ files that it lists are missing, such as"
        with pytest.raises(ValueError, match=message):
            read_coordinates(DATA / "relion40_autopick.star")

    def test_no_particles(self, star, tmp_path):
        path = tmp_path / "a.star"
        path.write_text("data_\n\nloop_\n_rlnCoordinateX #1\n_rlnCoordinateY #2\n\n")
        assert read_coordinates(path) == {}

    def test_no_coordinates_lists_what_is_there(self, star, tmp_path):
        path = tmp_path / "a.star"
        path.write_text("data_optics\n\nloop_\n_rlnVoltage #1\n300\n")
        with pytest.raises(ValueError, match=r"a\.star .*found data_optics \(rlnVoltage\)"):
            read_coordinates(path)

    def test_broken_file_can_be_repaired_and_read_again(self, star, tmp_path):
        path = tmp_path / "a_pick.star"
        good = "data_\n\nloop_\n_rlnCoordinateX #1\n_rlnCoordinateY #2\n1 2\n3 4\n"
        path.write_text(good.replace("3 4", "3 4 5"))
        with pytest.raises(ValueError, match=r"a_pick\.star cannot be read as .* line 7 has 3"):
            read_coordinates(path)
        path.write_text(good)
        assert_same(read_coordinates(path), {"a": [[1, 2], [3, 4]]})

    @pytest.mark.parametrize(
        ("name", "meaning"), [("data_2024/m1.mrc", "block"), ("_a.mrc", "column")]
    )
    @pytest.mark.parametrize("first", [True, False])
    def test_names_in_front_that_would_cut_the_table_are_refused(
        self, star, tmp_path, name, meaning, first
    ):
        rows = [f"{name} 1 2", "m2.mrc 3 4"]
        text = "data_\n\nloop_\n_rlnMicrographName #1\n_rlnCoordinateX #2\n_rlnCoordinateY #3\n"
        (tmp_path / "a.star").write_text(text + "\n".join(rows if first else rows[::-1]) + "\n")
        line = 7 if first else 8
        message = rf"a\.star .*line {line} starts with '{name}', .* starts a {meaning}; .*in quotes"
        with pytest.raises(ValueError, match=message):
            read_coordinates(tmp_path / "a.star")

    def test_quoted_names_in_front(self, star, tmp_path):
        text = "data_\nloop_\n_rlnMicrographName\n_rlnCoordinateX\n_rlnCoordinateY # pixels\n"
        (tmp_path / "a.star").write_text(text + '"data_2024/m 1.mrc" 1 2\n')
        assert_same(read_coordinates(tmp_path / "a.star"), {"data_2024/m 1.mrc": [[1, 2]]})

    def test_no_other_package_is_needed(self, monkeypatch, tmp_path):
        monkeypatch.setitem(sys.modules, "starfile", None)
        monkeypatch.setitem(sys.modules, "pandas", None)
        read = read_coordinates(DATA / "relion30_particles.star")
        write_coordinates(read, tmp_path / "a.star")
        assert_same(read_coordinates(tmp_path / "a.star"), read)


class TestReadTables:
    def test_tab_separated(self):
        expected = {"mic_001": [[10, 20.5, 1.25], [1, 2, 0]], "mic_002": [[7, 8, -3]]}
        assert_same(read_coordinates(DATA / "picks.txt"), expected)
        assert_same(read_coordinates(DATA / "picks.txt", format="tsv"), expected)

    def test_other_titles_separator_and_byte_order_mark(self):
        expected = {"mic_001": [[10, 20]], "mic_002": [[5, 6]]}
        assert_same(read_coordinates(DATA / "semicolons.csv"), expected)

    @pytest.mark.parametrize(
        "header",
        [
            *("image_name,x_coord,y_coord", "micrograph_name,X,Y", "Micrograph,x-coord,y coord"),
            *("image,x,y", "Name,x,y", "PATH,x,y", "FileName,x,y", "file,x,y"),
            *("rlnMicrographName,rlnCoordinateX,rlnCoordinateY", "Image_Name,x,y"),
            "_rlnMicrographName,_rlnCoordinateX,_rlnCoordinateY",
        ],
    )
    def test_titles(self, tmp_path, header):
        (tmp_path / "a.csv").write_text(f"{header}\nm.mrc,1,2\n")
        assert_same(read_coordinates(tmp_path / "a.csv"), {"m.mrc": [[1, 2]]})

    @pytest.mark.parametrize(
        "title", ["score", "confidence", "Confidence", "_rlnAutopickFigureOfMerit"]
    )
    def test_titles_of_scores(self, tmp_path, title):
        (tmp_path / "a.csv").write_text(f"image_name,x,y,{title}\nm.mrc,1,2,0.75\n")
        assert_same(read_coordinates(tmp_path / "a.csv"), {"m.mrc": [[1, 2, 0.75]]})

    def test_order_of_columns_does_not_matter(self, tmp_path):
        (tmp_path / "a.csv").write_text("score,y,extra,x,image_name\n9,2,?,1,m\n")
        assert_same(read_coordinates(tmp_path / "a.csv"), {"m": [[1, 2, 9]]})

    def test_without_name_column_the_file_names_the_micrograph(self, tmp_path):
        (tmp_path / "mic.1.csv").write_text("x,y\n1,2\n")
        assert_same(read_coordinates(tmp_path / "mic.1.csv"), {"mic.1": [[1, 2]]})

    def test_names_in_a_column_of_unknown_title_are_not_dropped(self, tmp_path):
        (tmp_path / "a.csv").write_text("id,mic,x,y,note\n1,m1,1,2,\n2,m2,3,4,\n")
        message = (
            r"no column image_name, but \['mic'\] hold text; .*\['id', 'mic', 'x', 'y', 'note'\]"
        )
        with pytest.raises(ValueError, match=message):
            read_coordinates(tmp_path / "a.csv")

    def test_further_columns_of_numbers_name_nothing(self, tmp_path):
        (tmp_path / "m.csv").write_text("id,x,y,width,note\n1,1,2,30,\n2,3,4,nan,\n")
        assert_same(read_coordinates(tmp_path / "m.csv"), {"m": [[1, 2], [3, 4]]})

    def test_scores_with_gaps_are_left_out(self, tmp_path):
        (tmp_path / "a.csv").write_text("image_name,x,y,score\nm,1,2,0.5\nm,3,4,\n")
        assert_same(read_coordinates(tmp_path / "a.csv"), {"m": [[1, 2], [3, 4]]})

    def test_quoted_names_and_blank_lines(self, tmp_path):
        (tmp_path / "a.csv").write_text('image_name,x,y\n\n"a, b.mrc",1,2\n\n')
        assert_same(read_coordinates(tmp_path / "a.csv"), {"a, b.mrc": [[1, 2]]})

    def test_header_alone(self, tmp_path):
        (tmp_path / "a.csv").write_text("image_name,x,y\n")
        assert read_coordinates(tmp_path / "a.csv") == {}

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "the file is empty"),
            (
                "image_name,y\nm,1\n",
                r"no column x_coord; the header line has \['image_name', 'y'\]",
            ),
            ("image_name,x,y\nm,1\n", "line 2 has 2 columns, the header has 3"),
            ("image_name,x,y\n\nm,1,2\nm,1,2,3\n", "line 4 has 4 columns"),
            ("image_name,x,y\nm,1,2\nm,1,\n", "line 3 are '1', ''"),
            ("image_name,x,y\nm,inf,2\n", "line 2 are 'inf', '2'"),
            ("image_name,x,y\nm,one,2\n", "line 2 holds 'one', which is no number$"),
            ("x;y\n1;2\n1,5;2,5\n", "line 3 holds '1,5', which is no number; write .* a point"),
            (
                "x,y\n1,5,2,5\n",
                r"line 2 has 4 columns, .*; are commas decimal signs\? Write points",
            ),
            ("image_name,x,y\nm,1,2\n,3,4\n", "line 3 has no name of a micrograph"),
            ('x,y,image_name\n1,2,"m\n3,4,n"\n5,6,o\n', "the quote on line 2 does not end"),
            ('x,y,image_name\n1,2,m\n3,4,"n\n', "the quote on line 3 does not end"),
            ("image_name,x,y\nm,1,1_0\n", "line 2 holds '1_0', which is no number$"),
            ("10 20\n30 40\n", "first line has to be a header, such as image_name,x_coord,y_coord"),
            ("10,20\n30,40\n", "holds numbers: .'10', '20'.; add that line"),
            ("m1,10,20\nm1,30,40\n", "first line has to be a header"),
            (f"image_name,x,y\n{'m' * 200_000},1,2\n", "not a table with columns separated by ','"),
        ],
    )
    def test_errors_name_the_file_and_the_place(self, tmp_path, text, message):
        (tmp_path / "a.csv").write_text(text)
        with pytest.raises(ValueError, match=rf"a\.csv cannot be read as coordinates: .*{message}"):
            read_coordinates(tmp_path / "a.csv")


class TestWhatIsNotRead:
    @pytest.mark.parametrize("header", ["x,y,width,height", "x,y,w,h", "Y,X,box_height,box_width"])
    def test_sizes_of_boxes_get_a_warning(self, tmp_path, header):
        (tmp_path / "m.csv").write_text(f"{header}\n1,2,30,40\n")
        with pytest.warns(
            UserWarning, match=r"m\.csv has .* ignored: x and y are read as the cent"
        ):
            read_coordinates(tmp_path / "m.csv")

    @pytest.mark.parametrize("column", ["OriginX", "OriginY", "OriginXAngst", "OriginYAngst"])
    def test_shifts_of_a_refinement_get_a_warning(self, star, tmp_path, column):
        text = f"data_\n\nloop_\n_rlnCoordinateX #1\n_rlnCoordinateY #2\n_rln{column} #3\n"
        (tmp_path / "m_pick.star").write_text(f"{text}1 2 0\n3 4 -1.5\n")
        with pytest.warns(
            UserWarning, match=rf"m_pick\.star has shifts in _rln{column}, .* not applied"
        ):
            read = read_coordinates(tmp_path / "m_pick.star")
        assert_same(read, {"m": [[1, 2], [3, 4]]})

    def test_shifts_of_zero_do_not(self, star, tmp_path):
        (tmp_path / "m_pick.star").write_text(
            "data_\n\nloop_\n_rlnCoordinateX #1\n_rlnCoordinateY #2\n_rlnOriginX #3\n1 2 0.0\n"
        )
        assert_same(read_coordinates(tmp_path / "m_pick.star"), {"m": [[1, 2]]})


class TestReadBox:
    def test_corners_become_centres(self):
        read = read_coordinates(DATA / "mic_009.box")
        assert_same(read, {"mic_009": [[100, 200, 0.75], [0.5, 5.5, 0.5]]})

    def test_flags_are_no_scores(self, tmp_path):
        (tmp_path / "a.box").write_text("0 0 10 10 -3\n5 5 10 10 -3\n")
        assert_same(read_coordinates(tmp_path / "a.box"), {"a": [[5, 5], [10, 10]]})

    def test_sides_of_different_length(self, tmp_path):
        (tmp_path / "a.box").write_text("10 20 30 50\n\n-5 7 11 4\n")
        assert_same(read_coordinates(tmp_path / "a.box"), {"a": [[25, 45], [0.5, 9]]})

    def test_no_boxes(self, tmp_path):
        (tmp_path / "a.box").write_text("")
        assert read_coordinates(tmp_path / "a.box") == {}

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("1 2 3 4 5\n1 2 3 4\n", "line 2 has 4 numbers, the first has 5: '1 2 3 4'"),
            ("1 2 3 4\n\n1 2 3 4 5\n", "line 3 has 5 numbers, the first has 4"),
            ("1 2 3 4\n\n1 2 3 x\n", "line 3 holds 'x', which is no number"),
            ("1 2 3 4\n1 2 nan 4\n", "line 2 are 'nan', '4', expected two finite numbers"),
        ],
    )
    def test_errors_name_the_line(self, tmp_path, text, message):
        (tmp_path / "a.box").write_text(text)
        with pytest.raises(ValueError, match=rf"a\.box cannot be read as coordinates: .*{message}"):
            read_coordinates(tmp_path / "a.box")

    def test_lines_that_are_too_short(self, tmp_path):
        (tmp_path / "a.box").write_text("1 2\n")
        with pytest.raises(ValueError, match=r"a\.box .*x, y, width and height, got '1 2'"):
            read_coordinates(tmp_path / "a.box")


class TestReadCoordinates:
    def test_content_decides_where_the_extension_does_not(self, star, tmp_path):
        text = (DATA / "relion30_particles.star").read_text()
        (tmp_path / "particles.txt").write_text(text)
        read = read_coordinates(tmp_path / "particles.txt")
        assert_same(read, read_coordinates(DATA / "relion30_particles.star"))

    def test_format_overrides(self, tmp_path):
        (tmp_path / "a.dat").write_text("image_name,x,y\nm,1,2\n")
        assert_same(read_coordinates(tmp_path / "a.dat", format="csv"), {"m": [[1, 2]]})
        with pytest.raises(ValueError, match="no column x_coord"):
            read_coordinates(tmp_path / "a.dat", format="tsv")

    def test_unknown_format(self):
        with pytest.raises(ValueError, match=r"^format must be 'auto', 'star', .*, got 'xml'$"):
            read_coordinates(DATA / "picks.txt", format="xml")

    def test_missing_file(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"no coordinate file .*a\.star"):
            read_coordinates(tmp_path / "a.star")

    def test_empty_folders_and_patterns_that_fit_nothing(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"folder .* holds no files of coordinates"):
            read_coordinates(tmp_path)
        with pytest.raises(FileNotFoundError, match=r"no coordinate file .*taken as a pattern"):
            read_coordinates(tmp_path / "*.star")

    @pytest.mark.parametrize("path", [None, 3, b"a.csv"])
    def test_path_is_named_where_it_is_none(self, path):
        with pytest.raises(TypeError, match=r"path must be a str or path-like, got"):
            read_coordinates(path)

    def test_files_that_are_no_text(self, tmp_path):
        (tmp_path / "a.cs").write_bytes(b"\x93NUMPY\x01\x00v\x00")
        with pytest.raises(ValueError, match=r"a\.cs .*the header of its array cannot be read"):
            read_coordinates(tmp_path / "a.cs")
        (tmp_path / "a.csv").write_bytes(b"image_name,x,y\nm\xff,1,2\n")
        with pytest.raises(ValueError, match=r"a\.csv .*not a text file.*export the coordinates"):
            read_coordinates(tmp_path / "a.csv")

    @pytest.mark.parametrize("value", ["a", None, (1, "b"), [[1], [2, 3]]])
    @pytest.mark.parametrize("name", ["step", "offset"])
    def test_frames_that_are_no_numbers(self, tmp_path, name, value):
        (tmp_path / "a.csv").write_text("image_name,x,y\nm,1,2\n")
        with pytest.raises(ValueError, match=f"{name} must be a"):
            read_coordinates(tmp_path / "a.csv", **{name: value})
        with pytest.raises(ValueError, match=f"{name} must be a"):
            write_coordinates({"m": [[1, 2]]}, tmp_path / "b.csv", **{name: value})

    def test_frame_of_unbinned_images(self, tmp_path):
        # Pixel 3 of an image that was averaged in blocks of 4 covers pixels 12 to 15, centre 13.5.
        (tmp_path / "a.csv").write_text("image_name,x,y,score\nm,13.5,1.5,7\n")
        assert_same(read_coordinates(tmp_path / "a.csv", step=4, offset=1.5), {"m": [[3, 0, 7]]})
        read = read_coordinates(tmp_path / "a.csv", step=(4, 3), offset=(1.5, 0))
        assert_same(read, {"m": [[3, 0.5, 7]]})


class TestWriteCoordinates:
    PICKS = (
        np.array([[0.1, 1 / 3, -2.5e-7], [4095.123456789012, 1e5, 3.0]]),
        np.empty((0, 3)),
        np.array([[7.0, 8.0, np.float32(0.1)]]),
    )
    NAMES = ("Movies/mic 1.mrc", "Movies/mic2.mrc", "Movies/061")

    @pytest.mark.parametrize("ending", [ending for endings in WRITTEN for ending in endings])
    @pytest.mark.parametrize("n_columns", [2, 3])
    def test_every_bit_comes_back(self, star, tmp_path, ending, n_columns):
        picks = [array[:, :n_columns] for array in self.PICKS]
        path = tmp_path / f"picks{ending}"
        write_coordinates(picks, path, names=self.NAMES)
        expected = {self.NAMES[0]: picks[0], self.NAMES[2]: picks[2]}
        assert_same(read_coordinates(path), expected)
        assert os.listdir(tmp_path) == [path.name]

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_without_any_picks(self, star, tmp_path, ending):
        write_coordinates([np.empty((0, 3)), []], tmp_path / f"a{ending}", names=["a", "b"])
        assert read_coordinates(tmp_path / f"a{ending}") == {}

    def test_star_is_what_relion_30_writes(self, star, tmp_path):
        write_coordinates([[[1.5, 2, 0.25]], [[3, 4, -1]]], tmp_path / "a.star", names=["m", "n"])
        lines = (tmp_path / "a.star").read_text().split("\n")
        assert [line.split() for line in lines if line.strip()] == [
            ["data_"],
            ["loop_"],
            ["_rlnCoordinateX", "#1"],
            ["_rlnCoordinateY", "#2"],
            ["_rlnAutopickFigureOfMerit", "#3"],
            ["_rlnMicrographName", "#4"],
            ["1.5", "2.0", "0.25", "m"],
            ["3.0", "4.0", "-1.0", "n"],
        ]

    @pytest.mark.parametrize("ending", ENDINGS)
    @pytest.mark.parametrize(
        "name",
        ["data_2024/m1.mrc", "_a.mrc", "loop_1.mrc", "save_1.mrc", "stop_", "a b  c.mrc", "-1.5"],
    )
    def test_names_that_look_like_syntax_come_back(self, star, tmp_path, ending, name):
        picks = {name: [[1, 2], [3, 4]], "m": [[5, 6]]}
        write_coordinates(picks, tmp_path / f"a{ending}")
        assert_same(read_coordinates(tmp_path / f"a{ending}"), picks)

    def test_star_is_read_by_another_reader(self, star, tmp_path):
        write_coordinates(self.PICKS, tmp_path / "a.star", names=self.NAMES)
        frame = star.read(tmp_path / "a.star")
        values = frame[["rlnCoordinateX", "rlnCoordinateY", "rlnAutopickFigureOfMerit"]].to_numpy()
        np.testing.assert_allclose(values, np.concatenate(self.PICKS), rtol=1e-14)
        assert list(frame["rlnMicrographName"]) == [self.NAMES[0], self.NAMES[0], self.NAMES[2]]

    def test_csv_is_a_plain_table(self, tmp_path):
        write_coordinates([[[1.5, 2]], [[3, 4]]], tmp_path / "a.csv", names=["m", "n"])
        text = (tmp_path / "a.csv").read_text()
        assert text == "image_name,x_coord,y_coord\nm,1.5,2.0\nn,3.0,4.0\n"

    def test_format_overrides_extension(self, tmp_path):
        write_coordinates({"m": [[1, 2]]}, tmp_path / "a.csv", format="tsv")
        assert (tmp_path / "a.csv").read_text() == "image_name\tx_coord\ty_coord\nm\t1.0\t2.0\n"

    def test_mapping_paths_and_grid_images_name_the_micrographs(self, tmp_path):
        path = tmp_path / "a.csv"
        write_coordinates({"m": [[1, 2]], "n": [[3, 4]]}, path)
        assert_same(read_coordinates(path), {"m": [[1, 2]], "n": [[3, 4]]})
        images = [pathlib.PurePosixPath("f/m.mrc"), GridImage(np.zeros((2, 2)), name="n.mrc")]
        write_coordinates([[[1, 2]], [[3, 4]]], path, names=images)
        assert_same(read_coordinates(path), {"f/m.mrc": [[1, 2]], "n.mrc": [[3, 4]]})

    def test_data_frames(self, tmp_path):
        pandas = pytest.importorskip("pandas")
        picks = np.empty(2, dtype=object)
        frame = pandas.DataFrame({"score": [0.5, 1.0], "x": [1.0, 2.0], "y": [3.0, 4.0]})
        picks[:] = [frame, frame[:0]]
        write_coordinates(picks, tmp_path / "a.csv", names=["m", "n"])
        assert_same(read_coordinates(tmp_path / "a.csv"), {"m": [[1, 3, 0.5], [2, 4, 1]]})

    def test_frame_of_unbinned_images(self, tmp_path):
        picks = [np.array([[3.0, 0.0, 7.0]])]
        write_coordinates(picks, tmp_path / "a.csv", names=["m"], step=4, offset=1.5)
        assert_same(read_coordinates(tmp_path / "a.csv"), {"m": [[13.5, 1.5, 7]]})
        np.testing.assert_array_equal(picks[0], [[3, 0, 7]])

    @pytest.mark.parametrize(
        ("picks", "names", "message"),
        [
            ([[[1, 2]]], None, "names must hold the names of the micrographs"),
            ([[[1, 2]]], ["a", "b"], "one name for each of the 1 arrays"),
            ([[[1, 2]]], "a", "one name for each of the 1 arrays"),
            ([[[1, 2]], []], ["a", "a"], "'a' occurs more than once"),
            ({"a": [[1, 2]]}, ["a"], "names must be None"),
            ([[[1, 2]], [[1, 2, 3]]], ["a", "b"], "those of 'b' have three columns, those of 'a'"),
            ([[[1, np.nan]]], ["a"], "picks of 'a' has 1 rows with non-finite values"),
            ([[[1, 2, 3, 4]]], ["a"], r"picks of 'a' must be of shape .*got \(1, 4\)"),
        ],
    )
    def test_errors_leave_the_old_file(self, tmp_path, picks, names, message):
        path = tmp_path / "a.csv"
        path.write_text("old")
        with pytest.raises(ValueError, match=message):
            write_coordinates(picks, path, names=names)
        assert path.read_text() == "old"
        assert os.listdir(tmp_path) == ["a.csv"]

    def test_failing_write_leaves_the_old_file_and_nothing_else(self, tmp_path, monkeypatch):
        path = tmp_path / "a.csv"
        path.write_text("old")

        def refuse(source, target):
            assert pathlib.Path(source).parent == tmp_path
            raise OSError("disk full")

        monkeypatch.setattr(os, "replace", refuse)
        with pytest.raises(OSError, match="disk full"):
            write_coordinates({"a": [[1, 2]]}, path)
        assert path.read_text() == "old"
        assert os.listdir(tmp_path) == ["a.csv"]

    def test_single_array_is_to_be_wrapped(self, tmp_path):
        with pytest.raises(TypeError, match=r"pass \[picks\] and names=\[name\]"):
            write_coordinates(np.zeros((4, 2)), tmp_path / "a.csv", names=["a"])

    @pytest.mark.parametrize(
        "name", ["a#b", "#x", 'a"b', "it's", "a\tb", "a\x85b", " a", "a ", "", "NaN", "<NA>"]
    )
    def test_names_that_star_cannot_store(self, star, tmp_path, name):
        with pytest.raises(ValueError, match="which a STAR file cannot store"):
            write_coordinates({name: [[1, 2]]}, tmp_path / "a.star")

    @pytest.mark.parametrize("name", ["a\nb", "a\u2028b", "a\x07b", " a", "a ", ""])
    def test_names_that_tables_cannot_store(self, tmp_path, name):
        with pytest.raises(ValueError, match="a table can only store names of one line"):
            write_coordinates({name: [[1, 2]]}, tmp_path / "a.csv")

    @pytest.mark.parametrize("name", ["a.xml", "a.xyz", "a"])
    def test_formats_that_are_not_written(self, tmp_path, name):
        known = [
            f"{name} ({', '.join(entry.extensions)})"
            for name, entry in COORDINATE_FORMATS.items()
            if entry.write is not None
        ]
        message = re.escape(f"{name} does not imply a format; known are {', '.join(known)}. Change")
        with pytest.raises(ValueError, match=message):
            write_coordinates({"a": [[1, 2]]}, tmp_path / name)
        with pytest.raises(ValueError, match=r"^format must be 'auto', 'star', .*, got 'xml'$"):
            write_coordinates({"a": [[1, 2]]}, tmp_path / name, format="xml")

    @pytest.mark.parametrize("n_columns", [2, 3])
    def test_empty_arrays_may_have_other_columns(self, tmp_path, n_columns):
        picks = {"a": np.ones((1, n_columns)), "b": np.empty((0, 5 - n_columns))}
        write_coordinates(picks, tmp_path / "{name}.csv")
        assert_same(read_coordinates(tmp_path / "a.csv"), {"a": picks["a"]})
        headers = {(tmp_path / f"{name}.csv").read_text().split("\n")[0] for name in "ab"}
        assert len(headers) == 1

    def test_missing_folder(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="there is no folder"):
            write_coordinates({"a": [[1, 2]]}, tmp_path / "none" / "a.csv")


class TestWhereFilesGo:
    PICKS = ([[1.5, 2, 0.25]], [], [[3, 4, -1]])
    NAMES = ("Movies/mic1.mrc", "Movies/mic_12.06.mrc.gz", "Movies/mic 3.mrc")

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_a_file_for_each_micrograph(self, star, tmp_path, ending):
        write_coordinates(self.PICKS, tmp_path / f"{{name}}_x{ending}", names=self.NAMES)
        stems = ["mic1", "mic_12.06", "mic 3"]
        assert sorted(os.listdir(tmp_path)) == sorted(f"{stem}_x{ending}" for stem in stems)
        read = [read_coordinates(tmp_path / f"{stem}_x{ending}") for stem in stems]
        assert_same(read[0], {self.NAMES[0]: self.PICKS[0]})
        assert read[1] == {}
        assert_same(read[2], {self.NAMES[2]: self.PICKS[2]})

    @pytest.mark.parametrize("slash", ["", "/"])
    def test_folder_is_laid_out_as_by_autopick(self, star, tmp_path, slash):
        write_coordinates(self.PICKS, f"{tmp_path}{slash}", names=self.NAMES)
        listed = star.read(tmp_path / "autopick.star", always_dict=True)["coordinate_files"]
        assert tuple(listed["rlnMicrographName"]) == self.NAMES
        files = list(listed["rlnMicrographCoordinates"])
        assert files[0] == f"{tmp_path}/mic1_autopick.star"
        assert sorted(os.listdir(tmp_path)) == sorted(
            ["autopick.star", *map(os.path.basename, files)]
        )
        assert_same(read_coordinates(files[2]), {self.NAMES[2]: self.PICKS[2]})

    def test_names_of_one_stem_are_refused(self, tmp_path):
        message = (
            r"names 'a/m\.mrc' and 'b/m\.mrc' would both be written to .*m\.csv; .*two folders"
        )
        with pytest.raises(ValueError, match=message):
            write_coordinates({"a/m.mrc": [], "b/m.mrc": []}, tmp_path / "{name}.csv")
        assert os.listdir(tmp_path) == []

    def test_folders_are_for_star_files(self, tmp_path):
        with pytest.raises(ValueError, match=r"got 'csv'; .*pass path='.*\{name\}\.csv'"):
            write_coordinates({"m": []}, tmp_path, format="csv")
        with pytest.raises(FileNotFoundError, match="there is no folder"):
            write_coordinates({"m": []}, f"{tmp_path}/none/")

    def test_lists_that_would_be_misread_are_refused(self, star, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "data_1").mkdir()
        with pytest.raises(ValueError, match=r"write it as '\./data_1/m_autopick\.star'"):
            write_coordinates({"m": []}, "data_1")
        write_coordinates({"data_2/m.mrc": []}, "./data_1")
        assert sorted(os.listdir("data_1")) == ["autopick.star", "m_autopick.star"]

    def test_failing_write_leaves_no_file_of_several(self, tmp_path):
        picks = {"m": [[1, 2]], "n\ud800": [[3, 4]]}  # which no encoding can store
        with pytest.raises(UnicodeEncodeError):
            write_coordinates(picks, tmp_path / "{name}.csv")
        assert os.listdir(tmp_path) == []

    @pytest.mark.parametrize("path", [None, 3, b"a.csv"])
    def test_path_is_named_where_it_is_none(self, path):
        with pytest.raises(TypeError, match=r"path must be a str or path-like, got"):
            write_coordinates({"m": []}, path)

    @pytest.mark.skipif(os.name != "posix", reason="permissions as POSIX has them")
    def test_permissions_are_those_of_an_ordinary_file(self, tmp_path):
        previous = os.umask(0o027)
        try:
            write_coordinates({"m": [[1, 2]]}, tmp_path / "new.csv")
        finally:
            os.umask(previous)
        assert (tmp_path / "new.csv").stat().st_mode & 0o777 == 0o640
        (tmp_path / "new.csv").chmod(0o664)
        write_coordinates({"m": [[3, 4]]}, tmp_path / "new.csv")
        assert (tmp_path / "new.csv").stat().st_mode & 0o777 == 0o664

    def test_write_protected_files_stay(self, tmp_path, monkeypatch):
        (tmp_path / "a.csv").write_text("old")
        monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anything
        with pytest.raises(PermissionError, match=r"a\.csv: it is write-protected"):
            write_coordinates({"m": [[1, 2]]}, tmp_path / "a.csv")
        assert (tmp_path / "a.csv").read_text() == "old"

    @pytest.mark.skipif(os.name != "posix", reason="links need no privilege on POSIX")
    def test_links_are_followed(self, tmp_path):
        (tmp_path / "target").mkdir()
        (tmp_path / "link.csv").symlink_to(tmp_path / "target" / "a.csv")
        for xy in ([[1, 2]], [[3, 4]]):
            write_coordinates({"m": xy}, tmp_path / "link.csv")
            assert (tmp_path / "link.csv").is_symlink()
            assert_same(read_coordinates(tmp_path / "target" / "a.csv"), {"m": xy})
        assert os.listdir(tmp_path / "target") == ["a.csv"]


class TestRegisteredFormats:
    @pytest.fixture
    def _plain_format(self, monkeypatch):
        def read(path):
            if "broken" in path:
                raise IndexError("index out of range")
            rows = [line.split() for line in pathlib.Path(path).read_text().splitlines()[1:]]
            return CoordinateTable.from_text([row[0] for row in rows], list(zip(*rows))[1:3])

        def write(table):
            columns = zip(table.names, *table.text_columns())
            return "\n".join(["@plain", *(" ".join(row) for row in columns)])

        entry = CoordinateFormat((".plain",), read, write, first_line="@plain")
        monkeypatch.setitem(COORDINATE_FORMATS, "plain", entry)

    @pytest.mark.usefixtures("_plain_format")
    def test_one_entry_is_enough(self, tmp_path):
        picks = {"m": [[1, 2]], "n": [[3, 4]]}
        write_coordinates(picks, tmp_path / "a.plain")
        assert_same(read_coordinates(tmp_path / "a.plain"), picks)
        assert_same(read_coordinates(tmp_path / "a.plain", format="plain"), picks)
        (tmp_path / "a.plain").rename(tmp_path / "a.csv")
        assert_same(read_coordinates(tmp_path / "a.csv"), picks)
        with pytest.raises(ValueError, match=r"known are .*plain \(\.plain\)"):
            write_coordinates(picks, tmp_path / "a.xyz")
        with pytest.raises(ValueError, match="or 'plain', got 'xyz'"):
            read_coordinates(tmp_path / "a.csv", format="xyz")

    @pytest.mark.usefixtures("_plain_format")
    def test_any_error_of_a_parser_names_the_file(self, tmp_path):
        (tmp_path / "broken.plain").write_text("")
        message = r"broken\.plain cannot be read as coordinates \(IndexError: index out of range\)"
        with pytest.raises(ValueError, match=message):
            read_coordinates(tmp_path / "broken.plain")


class TestFilesOfOtherPrograms:
    @pytest.fixture
    def data(self):
        folder = os.environ.get("PUCLASSIFY_DATA")
        if not folder:
            pytest.skip("set PUCLASSIFY_DATA to the folder with real micrographs")
        return pathlib.Path(folder) / "micrographs"

    def test_relion_autopick(self, star, data):
        path = data / "micrograph_cleaner_sample" / "Ucsf_stack_1142_DW_autopick.star"
        rows = [line.split() for line in path.read_text().splitlines()]
        expected = [[float(text) for text in row[:3]] for row in rows if len(row) == 5]
        assert len(expected) > 10
        assert_same(read_coordinates(path), {"Ucsf_stack_1142_DW": expected})

    @pytest.mark.parametrize("name", ["cryoppp", "manual_pos", "pred_repic_topaz"])
    @pytest.mark.parametrize("ending", ENDINGS)
    def test_tables_survive_every_format(self, star, data, tmp_path, name, ending):
        path = data / "bgal_coords_4096px" / f"{name}.csv"
        with open(path, newline="") as file:
            rows = list(csv.DictReader(file))
        read = read_coordinates(path)
        assert sum(len(array) for array in read.values()) == len(rows) > 100
        first = [float(rows[0][title]) for title in list(rows[0])[1:]]
        np.testing.assert_array_equal(read[rows[0]["image_name"]][0], first)
        write_coordinates(read, tmp_path / f"a{ending}")
        assert_same(read_coordinates(tmp_path / f"a{ending}"), read)
