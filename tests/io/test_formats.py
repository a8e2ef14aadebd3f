"""All formats of coordinates: files, frames, and layouts of other programs.

``test_round_trips.py`` has all pairs of them.
"""

import json
import pickle
import warnings

import numpy as np
import pytest

from puclassify.io import (
    COORDINATE_FORMATS,
    CoordinateTable,
    match_coordinates,
    read_coordinate_table,
    read_coordinates,
    write_coordinates,
)

SHAPE = (4096, 5760)
NAMES = ["mic_001", "mic_002"]
FORMATS = list(COORDINATE_FORMATS)
SCORED = [name for name, known in COORDINATE_FORMATS.items() if "score" in known.keeps]


def picks(seed=0):
    random = np.random.default_rng(seed)
    return {
        name: np.column_stack([random.uniform(0, 4000, (n, 2)), random.normal(0, 4, n)])
        for name, n in zip(NAMES, (40, 3))
    }


def write(table, folder, format, **parameters):
    """Write into a folder in one format, a file for each micrograph; return the files."""
    folder.mkdir(exist_ok=True)
    ending = COORDINATE_FORMATS[format].extensions[0]
    parameters = {"box_size": 180, "shapes": SHAPE, **parameters}
    write_coordinates(table, folder / f"{{name}}{ending}", format=format, **parameters)
    return sorted(folder.iterdir())


class TestRoundTrips:
    @pytest.mark.parametrize("format", FORMATS)
    def test_a_folder_of_files_is_recognised_by_its_content(self, tmp_path, format):
        expected = picks()
        files = write(expected, tmp_path / format, format)
        known = COORDINATE_FORMATS[format]
        assert [file.name for file in files] == [f"{name}{known.extensions[0]}" for name in NAMES]
        for source in (files, tmp_path / format, str(tmp_path / format / "*_0*")):
            read = read_coordinates(source)
            for name, rows in zip(NAMES, match_coordinates(read, NAMES)):
                width = 3 if format in SCORED else 2
                assert rows.shape == (len(expected[name]), width)
                np.testing.assert_allclose(rows, expected[name][:, :width], rtol=0, atol=1e-3)

    @pytest.mark.parametrize("format", FORMATS)
    @pytest.mark.parametrize("frame", [{"step": 4, "offset": 1.5}, {"origin": "bottom-left"}])
    def test_frames(self, tmp_path, format, frame):
        expected = {name: xy / 4 for name, xy in picks(2).items()}
        write(expected, tmp_path / format, format, shapes=(1024, 1440), **frame)
        read = read_coordinates(tmp_path / format, shapes=(1024, 1440), **frame)
        for name, rows in zip(NAMES, match_coordinates(read, NAMES)):
            np.testing.assert_allclose(rows[:, :2], expected[name][:, :2], rtol=0, atol=0.01)

    @pytest.mark.parametrize("format", [f for f in FORMATS if COORDINATE_FORMATS[f].several])
    def test_one_file_for_all(self, tmp_path, format):
        path = tmp_path / f"a{COORDINATE_FORMATS[format].extensions[0]}"
        write_coordinates(picks(), path, box_size=180, shapes=SHAPE)
        read = read_coordinates(path)
        assert list(read) == NAMES
        np.testing.assert_allclose(read["mic_001"], picks()["mic_001"], rtol=0, atol=1e-3)

    @pytest.mark.parametrize("format", [f for f in FORMATS if not COORDINATE_FORMATS[f].several])
    def test_one_file_for_several_is_refused_where_it_cannot_be(self, tmp_path, format):
        ending = COORDINATE_FORMATS[format].extensions[0]
        with pytest.raises(ValueError, match=r"one micrograph, there are 2; .*\{name\}"):
            write_coordinates(picks(), tmp_path / f"a{ending}", box_size=180)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("format", FORMATS)
    def test_without_picks(self, tmp_path, format):
        files = write({"mic_001": np.empty((0, 3))}, tmp_path / format, format)
        assert len(files) == 1
        assert read_coordinates(files) == {}


class TestFrames:
    def test_bottom_left_counts_rows_from_the_last(self, tmp_path):
        (tmp_path / "m.coord").write_text("10 0\n10 99\n")
        read = read_coordinates(tmp_path / "m.coord", origin="bottom-left", shapes=(100, 50))
        np.testing.assert_array_equal(read["m"], [[10, 99], [10, 0]])

    def test_the_file_is_turned_before_it_is_binned(self, tmp_path):
        # Row 3 of 4 from below on an image of 400 rows: 399 - 3 = 396, pixel 99 of the binned one.
        (tmp_path / "m.coord").write_text("8 3\n")
        parameters = {"origin": "bottom-left", "step": 4, "shapes": (100, 50)}
        read = read_coordinates(tmp_path / "m.coord", **parameters)
        np.testing.assert_array_equal(read["m"], [[2, 99]])

    def test_heights_of_the_micrographs_that_are_named(self, tmp_path):
        mrcfile = pytest.importorskip("mrcfile")
        mrcfile.write(tmp_path / "m.mrc", np.zeros((20, 30), np.float32))
        (tmp_path / "m.coord").write_text("8 3\n")
        for given in (
            {"micrographs": [tmp_path / "other.mrc", tmp_path / "m.mrc"]},
            {"shapes": {"m.mrc": (20, 30)}},
        ):
            read = read_coordinates(tmp_path / "m.coord", origin="bottom-left", **given)
            np.testing.assert_array_equal(read["m"], [[8, 16]])

    def test_heights_that_are_missing(self, tmp_path):
        (tmp_path / "m.coord").write_text("8 3\n")
        with pytest.raises(ValueError, match=r"needs the height of 'm' .*micrographs="):
            read_coordinates(tmp_path / "m.coord", origin="bottom-left")
        with pytest.raises(
            ValueError, match="origin must be 'top-left' or 'bottom-left', got 'up'"
        ):
            read_coordinates(tmp_path / "m.coord", origin="up")
        with pytest.raises(ValueError, match=r"shapes must be \(height, width\)"):
            read_coordinates(tmp_path / "m.coord", origin="bottom-left", shapes=5)

    def test_boxes_need_a_size(self, tmp_path):
        with pytest.raises(ValueError, match="pass box_size= their side in pixels"):
            write_coordinates({"m": [[1, 2]]}, tmp_path / "m.box")
        write_coordinates({"m": [[50, 60]]}, tmp_path / "m.box", box_size=(20, 40))
        assert (tmp_path / "m.box").read_text() == "40\t40\t20\t40\n"

    def test_sizes_of_boxes_are_in_pixels_of_the_file(self, tmp_path):
        write_coordinates({"m": [[50, 60]]}, tmp_path / "m.box", box_size=20, step=2)
        assert (tmp_path / "m.box").read_text() == "80\t100\t40\t40\n"
        table = read_coordinate_table(tmp_path / "m.box", step=2)
        assert table.columns == {"width": [20.0], "height": [20.0]}


class TestLayoutsOfOtherPrograms:
    def test_first_row_of_a_cbox(self, tmp_path):
        text = (
            "\ndata_global\n\n_cbox_format_version 1.0\n\n\ndata_cryolo\n\nloop_\n"
            "_CoordinateX #1\n_CoordinateY #2\n_CoordinateZ #3\n_Width #4\n_Height #5\n_Depth #6\n"
            "_EstWidth #7\n_EstHeight #8\n_Confidence #9\n_NumBoxes #10\n_Angle #11\n"
            "3720.37 3894.46 <NA> 180.0 180.0 <NA> 151.25 149.5 0.658 <NA> <NA>\n"
            "10.5 20 <NA> 180.0 180.0 <NA> 150 150 0.31 <NA> <NA>\n\n\n"
            "data_cryolo_include\n\nloop_\n_slice_index #1\n"
        )
        (tmp_path / "m.cbox").write_text(text)
        table = read_coordinate_table(tmp_path / "m.cbox")
        np.testing.assert_allclose(table.values[0], [3810.37, 3984.46, 0.658])
        assert table.columns["estimated_width"] == ["151.25", "150"]
        assert set(table.columns) == {"width", "height", "estimated_width", "estimated_height"}
        write_coordinates(table, tmp_path / "all.csv")
        write_coordinates(read_coordinate_table(tmp_path / "all.csv"), tmp_path / "n.cbox")
        again = read_coordinate_table(tmp_path / "n.cbox")
        np.testing.assert_allclose(again.values, table.values)
        assert again.columns["estimated_height"] == ["149.5", "150"]

    def test_eman2_info_file_keeps_what_else_it_holds(self, tmp_path):
        path = tmp_path / "mic7_info.json"
        content = {
            "boxes": [[100.5, 200, "manual"], [7, 8, "auto_local", 5.5]],
            "ctf": [1.25, {"__class__": "EMAN2Ctf"}],
            "quality": 5,
        }
        path.write_text(json.dumps(content))
        table = read_coordinate_table(path)
        np.testing.assert_array_equal(table.by_micrograph()["mic7"], [[100.5, 200], [7, 8]])
        assert table.columns["label"] == ["manual", "auto_local"]
        write_coordinates({"mic7.mrc": [[1, 2, 3.5]]}, tmp_path / "{name}_info.json")
        new = json.loads(path.read_text())
        assert new == {**content, "boxes": [[1.0, 2.0, "manual", 3.5]]}
        path.write_text("[]")
        with pytest.raises(ValueError, match=r"cannot write .*over the existing file"):
            write_coordinates({"mic7.mrc": [[1, 2]]}, path)
        assert path.read_text() == "[]"

    def test_imod_points(self, tmp_path):
        # Models have the centre of the first pixel at (0.5, 0.5).
        (tmp_path / "a.pt").write_text("   0.50   0.50  0.00\n  12.50  40.00  0.00\n")
        np.testing.assert_array_equal(
            read_coordinates(tmp_path / "a.pt")["a"], [[0, 0], [12, 39.5]]
        )
        (tmp_path / "b.pt").write_text("1 2 10.5 20.5 0\n1 3 1.5 2.5 0\n")
        np.testing.assert_array_equal(read_coordinates(tmp_path / "b.pt")["b"], [[10, 20], [1, 2]])
        (tmp_path / "c.pt").write_text("1 2 0\n1 2 7\n")
        with pytest.raises(ValueError, match="2 sections"):
            read_coordinates(tmp_path / "c.pt")

    def test_imagej_results(self, tmp_path):
        text = " ,Label,Area,X,Y,Slice\n1,mic1.tif:0001-0002,0,10.500,20,1\n2,mic1.tif,0,3,4,1\n"
        (tmp_path / "Results.csv").write_text(text)
        table = read_coordinate_table(tmp_path / "Results.csv")
        np.testing.assert_array_equal(table.by_micrograph()["mic1.tif"], [[10.5, 20], [3, 4]])
        assert table.columns == {"Area": ["0", "0"]}
        (tmp_path / "mic2.csv").write_text(" \tX\tY\n1\t5\t6\n".replace("\t", ","))
        np.testing.assert_array_equal(read_coordinates(tmp_path / "mic2.csv")["mic2"], [[5, 6]])

    def test_napari_points(self, tmp_path):
        (tmp_path / "mic1.csv").write_text("index,axis-0,axis-1\n0.0,200.0,100.5\n1.0,8.0,7.0\n")
        read = read_coordinates(tmp_path / "mic1.csv")
        np.testing.assert_array_equal(read["mic1"], [[100.5, 200], [7, 8]])
        (tmp_path / "a.csv").write_text("index,axis-0,axis-1,axis-2\n0,0,2,1\n1,1,8,7\n")
        with pytest.raises(ValueError, match="axis-0 of the points differs"):
            read_coordinates(tmp_path / "a.csv")

    def test_via(self, tmp_path):
        head = "filename,file_size,file_attributes,region_count,region_id,"
        rows = [
            '{"name":"point","cx":10,"cy":20}',
            '{"name":"circle","cx":30.5,"cy":4,"r":9}',
            '{"name":"rect","x":10,"y":20,"width":30,"height":50}',
            '{"name":"polygon","all_points_x":[0,4,2],"all_points_y":[1,1,9]}',
        ]
        cells = [row.replace('"', '""') for row in rows]
        text = head + "region_shape_attributes,region_attributes\n"
        text += "".join(f'm.png,123,"{{}}",4,{i},"{c}","{{}}"\n' for i, c in enumerate(cells))
        text += 'empty.png,123,"{}",0,0,"{}","{}"\n'
        (tmp_path / "via_region_data.csv").write_text(text)
        read = read_coordinates(tmp_path / "via_region_data.csv")
        assert list(read) == ["m.png"]
        np.testing.assert_array_equal(read["m.png"], [[10, 20], [30.5, 4], [25, 45], [2, 5]])

    def test_coco(self, tmp_path):
        content = {
            "images": [
                {"id": 7, "file_name": "a.png", "width": 640, "height": 480},
                {"id": 8, "file_name": "b.png", "width": 640, "height": 480},
            ],
            "annotations": [
                {"id": 1, "image_id": 7, "category_id": 3, "bbox": [10, 20, 30, 50], "score": 0.5}
            ],
            "categories": [{"id": 3, "name": "cell"}],
        }
        (tmp_path / "instances.json").write_text(json.dumps(content))
        table = read_coordinate_table(tmp_path / "instances.json")
        np.testing.assert_array_equal(table.values, [[25, 45, 0.5]])
        assert (table.names, table.columns["label"]) == (["a.png"], ["cell"])
        assert table.shapes == {"a.png": (480, 640), "b.png": (480, 640)}
        write_coordinates(table, tmp_path / "again.json")
        again = json.loads((tmp_path / "again.json").read_text())
        assert [image["file_name"] for image in again["images"]] == ["a.png", "b.png"]
        assert again["annotations"][0]["bbox"] == [10, 20, 30, 50]

    def test_labelme(self, tmp_path):
        shapes = [
            {"label": "cell", "points": [[10.5, 20]], "shape_type": "point"},
            {"label": "cell", "points": [[30, 4], [30, 9]], "shape_type": "circle"},
            {"label": "cell", "points": [[0, 0], [10, 20]], "shape_type": "rectangle"},
        ]
        content = {"version": "5.4.1", "flags": {}, "shapes": shapes, "imagePath": "a.png"}
        content |= {"imageData": None, "imageHeight": 480, "imageWidth": 640}
        (tmp_path / "x.json").write_text(json.dumps(content))
        read = read_coordinates(tmp_path / "x.json")
        np.testing.assert_array_equal(read["a.png"], [[10.5, 20], [30, 4], [5, 10]])

    def test_columns_of_star_files_stay(self, tmp_path):
        text = (
            "data_particles\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n_rlnMicrographName\n"
            "_rlnClassNumber\n_rlnOpticsGroup\n1 2 m.mrc 7 1\n"
        )
        (tmp_path / "a.star").write_text(text)
        write_coordinates(read_coordinate_table(tmp_path / "a.star"), tmp_path / "b.star")
        written = (tmp_path / "b.star").read_text()
        assert written.splitlines()[3:] == [
            *("_rlnCoordinateX #1", "_rlnCoordinateY #2", "_rlnMicrographName #3"),
            *("_rlnClassNumber #4", "1.0\t2.0\tm.mrc\t7"),
        ]

    def test_frames_in_and_out(self, tmp_path):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(
            {
                "image_name": ["m", "n"],
                "x_coord": [1.5, 2],
                "y_coord": [3.0, 4],
                "class": ["a", "b"],
            }
        )
        write_coordinates(frame, tmp_path / "a.csv")
        table = read_coordinate_table(tmp_path / "a.csv")
        pandas.testing.assert_frame_equal(table.to_frame(), frame)
        with pytest.raises(ValueError, match="no column image_name"):
            CoordinateTable.from_frame(frame.drop(columns="image_name"))


class TestCryoSPARC:
    # As in picks of a blob picker.
    TYPE = np.dtype(
        [
            *(("uid", "<u8"), ("location/micrograph_uid", "<u8"), ("location/exp_group_id", "<u4")),
            *(("location/micrograph_path", "S60"), ("location/micrograph_shape", "<u4", (2,))),
            *(("location/center_x_frac", "<f4"), ("location/center_y_frac", "<f4")),
            *(("pick_stats/ncc_score", "<f4"), ("pick_stats/power", "<f4")),
        ]
    )
    PATH = b"J2/motioncorrected/014500042_mic1_patch_aligned_doseweighted.mrc"

    def save(self, path, rows):
        with open(path, "wb") as file:
            np.save(file, rows)

    def test_fractions_of_width_and_height(self, tmp_path):
        rows = np.array([(5, 9, 1, b"J2/mic1.mrc", SHAPE, 0.5, 0.25, 0.75, 33.0)], dtype=self.TYPE)
        self.save(tmp_path / "picks.cs", rows)
        table = read_coordinate_table(tmp_path / "picks.cs")
        np.testing.assert_allclose(table.values, [[2880, 1024, 0.75]])
        assert table.names == ["J2/mic1.mrc"]
        assert table.shapes == {"J2/mic1.mrc": SHAPE}
        write_coordinates(table, tmp_path / "again.cs")
        again = np.load(tmp_path / "again.cs")
        for title in self.TYPE.names:
            np.testing.assert_array_equal(again[title], rows[title])

    def test_uid_of_the_micrograph_is_in_front_of_its_name(self, tmp_path):
        name = "J2/imported/003990261457822210443_mic1.mrc"
        write_coordinates({name: [[1, 2, 3]]}, tmp_path / "a.cs", shapes=SHAPE)
        rows = np.load(tmp_path / "a.cs", allow_pickle=False)
        assert rows["location/micrograph_uid"].tolist() == [3990261457822210443]
        assert len(set(rows["uid"].tolist())) == 1

    def test_sizes_of_micrographs_are_needed(self, tmp_path):
        with pytest.raises(ValueError, match=r"not known of 'm' .*micrographs= .*shapes="):
            write_coordinates({"m": [[1, 2]]}, tmp_path / "a.cs")

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            (["micrograph_blob/path", "mscope_params/cs_mm"], "of exposures: export"),
            (["blob/path", "ctf/df1_A"], "particles without their locations"),
        ],
    )
    def test_files_without_locations(self, tmp_path, fields, message):
        self.save(tmp_path / "a.cs", np.zeros(2, dtype=[(field, "<f4") for field in fields]))
        with pytest.raises(ValueError, match=rf"a\.cs .*center_x_frac; .*{message}"):
            read_coordinates(tmp_path / "a.cs")

    def test_pickle_bombs_are_not_executed(self, tmp_path):
        class Bomb:
            def __reduce__(self):
                return (open, (str(tmp_path / "exploded"), "w"))

        rows = np.empty(1, dtype=[("uid", object), ("location/center_x_frac", "<f4")])
        rows["uid"][0] = Bomb()
        with open(tmp_path / "bomb.cs", "wb") as file:
            np.save(file, rows, allow_pickle=True)
        (tmp_path / "plain.cs").write_bytes(pickle.dumps(Bomb()))
        with pytest.raises(ValueError, match=r"bomb\.cs .*pickled Python objects, .*never loaded"):
            read_coordinates(tmp_path / "bomb.cs")
        with pytest.raises(ValueError, match=r"plain\.cs .*pickle, which is never loaded"):
            read_coordinates(tmp_path / "plain.cs")
        with pytest.raises(ValueError, match=r"plain\.cs .*does not start as a \.cs file"):
            read_coordinates(tmp_path / "plain.cs", format="cryosparc")
        assert not (tmp_path / "exploded").exists()

    @pytest.mark.parametrize("n_rows", [10**15, 1, 3])
    def test_headers_that_lie_about_the_size(self, tmp_path, n_rows):
        self.save(tmp_path / "a.cs", np.zeros(2, dtype=self.TYPE))
        content = (tmp_path / "a.cs").read_bytes()
        old, new = b"'shape': (2,)", f"'shape': ({n_rows},)".encode()
        start = content.index(old)
        space = len(new) - len(old)
        header = content[:start] + new + content[start + len(old) :]
        end = header.index(b"}", start) + 1
        header = header[:end] + header[end + space :] if space else header
        (tmp_path / "a.cs").write_bytes(header)
        with pytest.raises(
            ValueError, match=rf"tells of {n_rows} rows of \d+ bytes, \d+ bytes follow"
        ):
            read_coordinates(tmp_path / "a.cs")

    def test_headers_that_are_no_literals(self, tmp_path):
        text = b"__import__('os').system('touch exploded')".ljust(118) + b"\n"
        (tmp_path / "a.cs").write_bytes(b"\x93NUMPY\x01\x00\x77\x00" + text)
        with pytest.raises(ValueError, match="header of its array cannot be read"):
            read_coordinates(tmp_path / "a.cs")

    def test_stream_format_is_explained(self, tmp_path):
        (tmp_path / "a.cs").write_bytes(b"\x95CSDAT\x00\x00")
        with pytest.raises(ValueError, match=r"Dataset\.load\(path\)\.save\(path\)"):
            read_coordinates(tmp_path / "a.cs")

    def test_its_own_class_reads_and_writes_the_same(self, tmp_path):
        dataset = pytest.importorskip("cryosparc.dataset")
        write_coordinates(picks(), tmp_path / "ours.cs", shapes=SHAPE)
        theirs = dataset.Dataset.load(str(tmp_path / "ours.cs"))
        expected = np.concatenate(list(picks().values()))
        x = theirs["location/center_x_frac"] * theirs["location/micrograph_shape"][:, 1]
        np.testing.assert_allclose(x, expected[:, 0], atol=1e-3)
        np.testing.assert_allclose(theirs["pick_stats/ncc_score"], expected[:, 2], rtol=1e-6)
        theirs.save(str(tmp_path / "theirs.cs"))
        read = read_coordinates(tmp_path / "theirs.cs")
        for name, rows in picks().items():
            np.testing.assert_allclose(read[name], rows, rtol=0, atol=1e-3)


class TestLists:
    """Of RELION's coordinate files: the key is the micrograph, the path is of the project."""

    @pytest.fixture
    def project(self, tmp_path):
        project = tmp_path / "project"
        movies = project / "AutoPick" / "job006" / "Movies"
        movies.mkdir(parents=True)
        head = "data_\n\nloop_\n_rlnCoordinateX #1\n_rlnCoordinateY #2\n"
        head += "_rlnAutopickFigureOfMerit #3\n"
        (movies / "mic1_autopick.star").write_text(head + "1 2 0.5\n3 4 -1\n")
        (movies / "mic2_autopick.star").write_text(head)
        self.write_list(project, "AutoPick/job006/Movies/{}_autopick.star")
        return project

    def write_list(self, project, pattern, names=("mic1", "mic2")):
        rows = "".join(
            f"MotionCorr/job002/Movies/{name}.mrc {pattern.format(name)}\n" for name in names
        )
        (project / "AutoPick" / "job006" / "autopick.star").write_text(
            "# version 30001\n\ndata_coordinate_files\n\nloop_\n_rlnMicrographName #1\n"
            f"_rlnMicrographCoordinates #2\n{rows}\n"
        )

    EXPECTED = np.array([[1, 2, 0.5], [3, 4, -1]])

    @pytest.mark.parametrize(
        "pattern",
        ["AutoPick/job006/Movies/{}_autopick.star", "Movies/{}_autopick.star"],
        ids=["project", "folder"],
    )
    def test_paths_of_the_project_and_of_the_folder(self, project, pattern):
        self.write_list(project, pattern)
        for path in ("AutoPick/job006/autopick.star", "AutoPick/job006"):
            read = read_coordinates(project / path)
            assert list(read) == ["MotionCorr/job002/Movies/mic1.mrc"]
            np.testing.assert_array_equal(*read.values(), self.EXPECTED)
        table = read_coordinate_table(project / "AutoPick/job006/autopick.star")
        assert len(table.micrographs) == 2

    def test_absolute_paths_within_the_project(self, project):
        self.write_list(project, f"{project}/AutoPick/job006/Movies/{{}}_autopick.star")
        assert len(read_coordinates(project / "AutoPick/job006")) == 1

    @pytest.mark.parametrize("mark", [True, False])
    def test_paths_that_lead_elsewhere(self, project, mark):
        (project.parent / "mic1_autopick.star").write_text("data_\n_rlnCoordinateX 1\n")
        if mark:
            (project / "default_pipeline.star").write_text("")
        for pattern in ("../../../{}_autopick.star", f"{project.parent}/{{}}_autopick.star"):
            self.write_list(project, pattern)
            with pytest.raises(ValueError, match=r"leads out of|is outside of"):
                read_coordinates(project / "AutoPick/job006")
        if mark:  # a relative path is not looked for above the project
            self.write_list(project, "{}_autopick.star")
            with pytest.raises(ValueError, match="2 of the 2 files that it lists are missing"):
                read_coordinates(project / "AutoPick/job006")

    def test_a_list_in_itself(self, project):
        self.write_list(project, "AutoPick/job006/autopick.star", ["mic1"])
        with pytest.raises(ValueError, match=r"listed file .*no block has columns"):
            read_coordinates(project / "AutoPick/job006")

    def test_our_own(self, tmp_path):
        (tmp_path / "out").mkdir()
        expected = {"Movies/mic1.mrc": self.EXPECTED, "Movies/mic2.mrc": np.empty((0, 3))}
        write_coordinates(expected, tmp_path / "out")
        read = read_coordinates(tmp_path / "out")
        assert list(read) == ["Movies/mic1.mrc"]
        np.testing.assert_array_equal(read["Movies/mic1.mrc"], self.EXPECTED)


class TestSeveralFiles:
    def test_files_of_one_name_in_several_folders_stay_apart(self, tmp_path):
        for number, folder in enumerate(["a", "b"]):
            (tmp_path / folder).mkdir()
            (tmp_path / folder / "mic1.coord").write_text(f"{number} 5\n")
        read = read_coordinates(tmp_path / "*" / "*.coord")
        assert list(read) == [f"{tmp_path}/a/mic1", f"{tmp_path}/b/mic1"]
        first, second = match_coordinates(read, ["b/mic1.mrc", "a/mic1.mrc"])
        assert (first[0, 0], second[0, 0]) == (1, 0)

    def test_a_micrograph_in_several_files_gets_a_warning(self, tmp_path):
        for name in ("a", "b"):
            (tmp_path / f"{name}.csv").write_text(f"image_name,x,y\nm,1,2\n{name},3,4\n")
        with pytest.warns(UserWarning, match=r"1 micrographs .*'m' in .*a\.csv and .*b\.csv"):
            read = read_coordinates([tmp_path / "a.csv", tmp_path / "b.csv"])
        assert {name: len(rows) for name, rows in read.items()} == {"m": 2, "a": 1, "b": 1}

    def test_the_same_file_twice_is_read_once(self, tmp_path):
        (tmp_path / "m.coord").write_text("1 2\n")
        read = read_coordinates([tmp_path / "m.coord", str(tmp_path / "*.coord")])
        assert len(read["m"]) == 1

    def test_folders_of_two_kinds(self, tmp_path):
        (tmp_path / "m.coord").write_text("1 2\n")
        (tmp_path / "m.box").write_text("1 2 3 4\n")
        with pytest.raises(ValueError, match=r"several kinds \(1 \.box, 1 \.coord\)"):
            read_coordinates(tmp_path)


class TestOtherFiles:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"PK\x03\x04rest", "a ZIP archive: unpack it"),
            (b"\x1f\x8brest", "compressed by gzip"),
            (b"IMODV1.2rest", "write its points with model2point"),
            (b"\x89PNG\r\n", "an image: read it with read_micrograph"),
            (b"\0" * 208 + b"MAP " + b"\0" * 900, "an image: read it with read_micrograph"),
            (b"<?xml version='1.0'?>", "an XML file: export"),
            (pickle.dumps([1]), "a Python pickle, which is never loaded"),
        ],
    )
    def test_the_way_out_is_named(self, tmp_path, content, message):
        (tmp_path / "a.star").write_bytes(content)
        with pytest.raises(
            ValueError, match=rf"a\.star cannot be read as coordinates: .*{message}"
        ):
            read_coordinates(tmp_path / "a.star")

    @pytest.mark.parametrize("start", ["", "data_\n\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n"])
    @pytest.mark.parametrize("line", ["", "x" * 70 + "\n", "\x01garbage\n", "one two three\n"])
    def test_garbage_is_refused_by_its_first_megabyte(self, tmp_path, monkeypatch, start, line):
        # A gigabyte that takes no room on the disk; reading it all would be noticed.
        path = tmp_path / "a.star"
        with open(path, "w") as file:
            file.write(start + line * 100_000 if line else start + "x" * 2_000_000)
            file.truncate(1 << 30)
        from puclassify.io import _coordinate_text

        read = []
        monkeypatch.setattr(
            _coordinate_text, "_check_no_controls", _counting(_coordinate_text, read)
        )
        with pytest.raises(ValueError, match=r"a\.star cannot be read as coordinates"):
            read_coordinates(path)
        assert max(read, default=0) <= 1 << 20

    def test_nested_json(self, tmp_path):
        (tmp_path / "a.json").write_text("[" * 100_000)
        with pytest.raises(ValueError, match=r"a\.json .*(nested too deeply|no JSON file)"):
            read_coordinates(tmp_path / "a.json")


def _counting(module, read):
    check = module._check_no_controls

    def counted(text):
        read.append(len(text))
        check(text)

    return counted


def test_large_tables_come_back_bit_by_bit(tmp_path):
    random = np.random.default_rng(3)
    values = np.column_stack([random.uniform(0, 4096, (20_000, 2)), random.normal(0, 4, 20_000)])
    table = {f"Movies/mic_{i:04d}.mrc": values[i::40] for i in range(40)}
    for ending in (".star", ".csv"):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            write_coordinates(table, tmp_path / f"a{ending}")
            read = read_coordinates(tmp_path / f"a{ending}")
        assert all((read[name] == rows).all() for name, rows in table.items())
