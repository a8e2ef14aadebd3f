import tomllib

import numpy as np
import pytest

from puclassify.io import match_coordinates, read_coordinates

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
        (["--to", "word"], 2, "'word' is no format of coordinates; known are star"),
    ],
)
def test_wrong_options(options, code, message, session, tmp_path):
    result = run("convert", session.truth, tmp_path / "out.csv", *options)
    assert result.code == code
    assert message in result.err
    assert not list(tmp_path.iterdir())
