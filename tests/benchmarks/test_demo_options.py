"""Tests of the options of the demo, and of how it reads files."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest

import demo
from puclassify.io import read_coordinates

pytest.importorskip("PIL")
pytest.importorskip("matplotlib")
pytest.importorskip("starfile")


@pytest.fixture
def files(tmp_path):
    """Write images of 64 x 64 pixels, and coordinates in pixels of 256 x 256 images."""
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    rows = ["image_name,x,y"]
    for name in ("m1", "m2", "m3"):
        image.fromarray(rng.integers(0, 255, (64, 64), np.uint8)).save(tmp_path / f"{name}.png")
        rows += [
            f"{name},{x},{y}" for x, y in [(250, 11), (101.5, 33.5), *rng.uniform(9, 240, (8, 2))]
        ]
    (tmp_path / "picks.csv").write_text("\n".join(rows) + "\n")
    return ["--micrographs", f"{tmp_path}/*.png", "--coordinates", f"{tmp_path}/picks.csv"]


@pytest.fixture
def given(files, monkeypatch):
    def parse(*options):
        arguments = ["demo.py", *files, "--particle-diameter", "10", *options]
        monkeypatch.setattr(sys, "argv", arguments)
        return demo.parse_options()

    return parse


class TestCoordinatesStep:
    @pytest.mark.parametrize("step", ["1", "2"])
    def test_labels_outside_end_with_the_flag_to_pass(self, given, step):
        given("--coordinates-step", step)
        with pytest.raises(SystemExit) as raised:
            demo.main()
        message = str(raised.value)
        assert "lie outside their micrograph" in message
        assert message.endswith("Pass --coordinates-step 4")
        assert "\n" not in message

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ([], (101.5, 33.5)),
            (["--coordinates-step", "4"], (25.0, 8.0)),
            (["--coordinates-step", "4", "--coordinates-offset", "0"], (25.375, 8.375)),
        ],
    )
    def test_offset_is_that_of_averaged_blocks_unless_given(self, given, options, expected):
        coordinates = demo.from_files(given(*options))["train_coordinates"]
        assert tuple(coordinates[0][1]) == expected

    def test_files_that_cannot_be_read_end_with_a_line(self, given, tmp_path):
        (tmp_path / "picks.csv").write_text("a,b\n1,2\n")
        given()
        with pytest.raises(SystemExit, match=r"picks\.csv cannot be read .*no column x_coord"):
            demo.main()


class TestPixelSize:
    def test_number_or_header(self, given):
        assert given().pixel_size == 1.0
        assert given("--pixel-size", "7.08").pixel_size == 7.08
        assert given("--pixel-size", "header").pixel_size == "header"

    @pytest.mark.parametrize("value", ["abc", "-1", "0", "nan", "inf"])
    def test_anything_else_is_an_error_of_the_command_line(self, given, capsys, value):
        with pytest.raises(SystemExit, match="2"):
            given("--pixel-size", value)
        assert "argument --pixel-size: must be a" in capsys.readouterr().err


def test_real_coordinates_fit_the_micrographs_that_the_documentation_names(given):
    folder = os.environ.get("PUCLASSIFY_DATA")
    if not folder:
        pytest.skip("set PUCLASSIFY_DATA to the folder with real micrographs")
    path = f"{folder}/micrographs/bgal_coords_4096px/cryoppp.csv"
    images = f"{folder}/micrographs/bgal_images_1024/*.png"
    options = given(*("--micrographs", images, "--coordinates", path, "--coordinates-step", "4"))
    data = demo.from_files(options)
    n_labels = sum(map(len, [*data["train_coordinates"], *data["test_coordinates"]]))
    assert n_labels == sum(map(len, read_coordinates(path).values()))
    assert all(xy.min() > 0 and xy.max() < 1024 for xy in data["train_coordinates"])
