"""Files that other programs wrote, and ours read by their own readers.

``data/make_program_files.py`` made the files. Readers that are not installed are skipped: starfile,
pycocotools, cryolo 1.9.9 (unpacked beside the others, since it asks for an older Python) and, as a
program that the variable PUCLASSIFY_TOPAZ names, topaz-em.
"""

import json
import os
import pathlib
import shutil
import subprocess

import numpy as np
import pytest

from puclassify.io import read_coordinate_table, read_coordinates, write_coordinates

PROGRAMS = pathlib.Path(__file__).parent / "data" / "programs"
ROWS = np.array(json.loads((PROGRAMS / "expected.json").read_text()))
BOX = 180


class TestTheirs:
    @pytest.mark.parametrize("ending", ["cbox", "box"])
    def test_boxes_of_cryolo(self, ending):
        table = read_coordinate_table(PROGRAMS / f"cryolo.{ending}")
        n_columns = {"cbox": 3, "box": 2}[ending]
        assert table.values.shape == (3, n_columns)
        np.testing.assert_allclose(table.values, ROWS[:, :n_columns], rtol=0, atol=1e-6)
        assert table.columns["width"] == [BOX] * 3
        assert set(table.names) == {"cryolo"}

    def test_sizes_that_cryolo_estimated(self):
        columns = read_coordinate_table(PROGRAMS / "cryolo.cbox").columns
        assert [float(size) for size in columns["estimated_width"]] == ROWS[:, 3].tolist()
        assert [float(size) for size in columns["estimated_height"]] == (ROWS[:, 3] - 1).tolist()

    def test_star_of_cryolo_names_no_micrograph(self):
        with pytest.warns(UserWarning, match="read as those of 'cryolo'"):
            read = read_coordinates(PROGRAMS / "cryolo.star")
        np.testing.assert_allclose(read["cryolo"], ROWS[:, :2], rtol=0, atol=1e-6)

    @pytest.mark.parametrize(
        ("file", "name"),
        [("topaz.coord", "mic_001"), ("topaz.csv", "mic_001.png"), ("topaz.star", "mic_001.mrc")],
    )
    def test_tables_of_topaz(self, file, name):
        read = read_coordinates(PROGRAMS / file)
        assert list(read) == [name]
        np.testing.assert_array_equal(read[name], ROWS[:, :3])

    @pytest.mark.parametrize("file", ["mic_001.box", "mic_001_info.json"])
    def test_whole_pixels_of_topaz(self, file):
        (xy,) = read_coordinates(PROGRAMS / file).values()
        np.testing.assert_array_equal(xy, np.floor(ROWS[:, :2]))


@pytest.fixture
def ours(tmp_path):
    """Write our files of the same particles, in all formats."""
    picks = {"mic_001": ROWS[:, :3]}
    for ending in (".cbox", ".box", ".star", ".json", ".txt"):
        write_coordinates(picks, tmp_path / f"mic_001{ending}", box_size=BOX)
    return tmp_path


class TestOurs:
    @pytest.mark.parametrize(
        ("reader", "file"),
        [
            ("read_cbox_boxfile", "mic_001.cbox"),
            ("read_eman1_boxfile", "mic_001.box"),
            ("read_star_file", "mic_001.star"),
        ],
    )
    def test_read_by_cryolo(self, ours, reader, file):
        coords_io = pytest.importorskip("cryolo.CoordsIO")
        more = [BOX] if file.endswith("star") else []
        boxes = getattr(coords_io, reader)(str(ours / file), *more)
        centres = [[box.x + box.w / 2, box.y + box.h / 2] for box in boxes]
        np.testing.assert_allclose(centres, ROWS[:, :2], rtol=0, atol=1e-9)
        assert {box.w for box in boxes} == {BOX}
        if file.endswith("cbox"):
            np.testing.assert_array_equal([box.c for box in boxes], ROWS[:, 2])

    def test_read_by_starfile(self, ours):
        starfile = pytest.importorskip("starfile")
        frame = starfile.read(ours / "mic_001.star")
        titles = ["rlnCoordinateX", "rlnCoordinateY", "rlnAutopickFigureOfMerit"]
        np.testing.assert_array_equal(frame[titles], ROWS[:, :3])
        assert set(frame["rlnMicrographName"]) == {"mic_001"}

    def test_read_by_pycocotools(self, ours, capsys):
        coco = pytest.importorskip("pycocotools.coco").COCO(str(ours / "mic_001.json"))
        capsys.readouterr()
        (image,) = coco.loadImgs(coco.getImgIds())
        assert image["file_name"] == "mic_001"
        annotations = coco.loadAnns(coco.getAnnIds(imgIds=[image["id"]]))
        boxes = np.array([one["bbox"] for one in annotations])
        np.testing.assert_allclose(boxes[:, :2] + BOX / 2, ROWS[:, :2], rtol=0, atol=1e-9)
        assert [one["score"] for one in annotations] == ROWS[:, 2].tolist()

    @pytest.mark.parametrize(("file", "is_whole"), [("mic_001.txt", False), ("mic_001.star", True)])
    def test_read_by_topaz(self, ours, file, is_whole):
        topaz = os.environ.get("PUCLASSIFY_TOPAZ") or shutil.which("topaz")
        if not topaz:
            pytest.skip("no program topaz")
        command = [topaz, "convert", ours / file, "--to", "coord"]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        rows = [line.split("\t") for line in lines.splitlines()[1:]]
        assert {row[0] for row in rows} == {"mic_001"}
        expected = np.floor(ROWS[:, :2]) if is_whole else ROWS[:, :2]
        np.testing.assert_array_equal(np.array(rows)[:, 1:].astype(float)[:, :2], expected)
        np.testing.assert_array_equal(np.array(rows)[:, 3].astype(float), ROWS[:, 2])
