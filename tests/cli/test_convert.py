import tomllib

import numpy as np
import pytest

from puclassify.io import match_coordinates, read_coordinates, write_coordinates

from .conftest import run


def flipped(tmp_path, session):
    """The truth as a program writes it that counts y from below, in unbinned pixels."""
    rows = [
        f"{path},{4 * x + 1.5},{4 * (255 - y) + 1.5}"
        for path, xy in zip(session.micrographs, session.coordinates)
        for x, y in xy
    ]
    file = tmp_path / "flipped.csv"
    file.write_text("\n".join(["image_name,x_coord,y_coord", *rows, ""]))
    return file


@pytest.mark.parametrize("size", ["--micrographs", "--shapes"])
def test_frames_are_put_right(size, session, tmp_path):
    output = tmp_path / "right.star"
    given = session.folder / "*.mrc" if size == "--micrographs" else "256x256"
    frame = ("--origin", "bottom-left", "--step", 4, "--offset", 1.5, size, given)
    result = run("convert", flipped(tmp_path, session), output, *frame, "--json")
    assert result.code == 0, result.err
    assert (result.json["n_micrographs"], result.json["n_particles"]) == (6, 72)
    found = match_coordinates(read_coordinates(output), session.micrographs)
    for ours, theirs in zip(found, session.coordinates, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-3)


def test_a_file_for_each_and_the_parameters(session, tmp_path):
    output = tmp_path / "boxes" / "{name}.box"
    result = run("convert", session.truth, output, "--to-box-size", 40)
    assert result.code == 0, result.err
    first = [float(one) for one in (tmp_path / "boxes/mic0.box").read_text().split()[:4]]
    np.testing.assert_allclose(first, [*(session.coordinates[0][0] - 20), 40, 40], atol=0.5)
    table = tomllib.loads((tmp_path / "boxes/convert.toml").read_text())["convert"]
    assert (table["sources"], table["to_box_size"]) == ([session.truth], 40.0)
    before = (tmp_path / "boxes/mic0.box").read_text()
    (tmp_path / "boxes/mic0.box").unlink()
    assert run("convert", "--config", tmp_path / "boxes/convert.toml").code == 0
    assert (tmp_path / "boxes/mic0.box").read_text() == before


def test_check_refuses_before_anything_is_written(session, tmp_path):
    output = tmp_path / "wrong.star"
    args = (
        "--step",
        4,
        "--offset",
        1.5,
        "--micrographs",
        session.folder,
        "--check",
        "--diameter",
        40,
    )
    source = flipped(tmp_path, session)
    result = run("convert", source, output, *args)
    assert result.code == 1
    assert "y counted from below" in result.err
    assert not output.exists()
    result = run("convert", source, output, *args, "--origin", "bottom-left")
    assert result.code == 0, result.err
    assert "orientation: as given" in result.out


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--check"], 2, "--micrographs"),
        (["--shapes", "256"], 2, "HEIGHTxWIDTH"),
        (["--step", "1,2,3"], 2, "'1,2,3' is not a number, or two as x,y"),
        (["--origin", "bottom-left"], 1, "needs the height"),
        (["--to", "xyz"], 2, "'xyz' is no format of coordinates; there are auto, star"),
    ],
)
def test_wrong_options(options, code, message, session, tmp_path):
    result = run("convert", session.truth, tmp_path / "out.csv", *options)
    assert result.code == code
    assert message in result.err
    assert not list(tmp_path.iterdir())


class TestRows:
    @pytest.fixture
    def picks(self, tmp_path):
        scored = {"mics/a.mrc": [[1, 2, 0.5], [3, 4, -0.5]], "mics/b.mrc": [[5, 6, 0.0]]}
        write_coordinates(scored, tmp_path / "picks.star")
        return tmp_path / "picks.star"

    def test_those_above_a_threshold(self, picks, tmp_path):
        result = run("convert", picks, tmp_path / "out.csv", "--threshold", 0, "--json")
        assert result.json["n_particles"] == 1
        read = read_coordinates(tmp_path / "out.csv")
        assert {name: xy.tolist() for name, xy in read.items()} == {"mics/a.mrc": [[1, 2, 0.5]]}

    def test_a_threshold_needs_scores(self, tmp_path):
        (tmp_path / "a.coord").write_text("1 2\n")
        result = run("convert", tmp_path / "a.coord", tmp_path / "a.csv", "--threshold", 0)
        assert result.code == 1
        assert "--threshold needs scores" in result.err
        assert not (tmp_path / "a.csv").exists()

    def test_names_without_folder_and_extension(self, picks, tmp_path):
        assert run("convert", picks, tmp_path / "out.txt", "--names", "stem").code == 0
        assert list(read_coordinates(tmp_path / "out.txt")) == ["a", "b"]
        write_coordinates({"x/a.mrc": [[1, 2]], "y/a.mrc": [[1, 2]]}, tmp_path / "same.star")
        result = run("convert", tmp_path / "same.star", tmp_path / "b.txt", "--names", "stem")
        assert result.code == 1
        assert "'x/a.mrc' and 'y/a.mrc' for one micrograph" in result.err
