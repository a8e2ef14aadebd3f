import os

import numpy as np
import pytest

from puclassify.io import read_coordinates, write_coordinates
from puclassify.io._pick_writer import PickWriter

PICKS = np.array([[10.0, 20.5, 1.25], [3.0, 4.0, -0.5]])


def test_same_files_as_write_coordinates(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "all").mkdir()
    writer = PickWriter(tmp_path / "one" / "{name}.tsv")
    for name, picks in {"a.mrc": PICKS, "b.mrc": PICKS[:0]}.items():
        writer.write(name, picks)
    writer.finish()
    write_coordinates({"a.mrc": PICKS, "b.mrc": PICKS[:0]}, tmp_path / "all" / "{name}.tsv")
    for name in ("a.tsv", "b.tsv"):
        assert (tmp_path / "one" / name).read_text() == (tmp_path / "all" / name).read_text()
    assert sorted(os.listdir(tmp_path / "one")) == ["a.tsv", "b.tsv"]


def test_folder_gets_a_list_at_the_end(tmp_path):
    pytest.importorskip("starfile")
    writer = PickWriter(tmp_path)
    writer.write("a.mrc", PICKS)
    assert os.listdir(tmp_path) == ["a_autopick.star"]
    writer.finish()
    assert sorted(os.listdir(tmp_path)) == ["a_autopick.star", "autopick.star"]
    np.testing.assert_allclose(read_coordinates(tmp_path / "a_autopick.star")["a.mrc"], PICKS)
    assert "a_autopick.star" in (tmp_path / "autopick.star").read_text()


@pytest.mark.parametrize(
    ("output", "error", "message"),
    [
        ("picks.star", ValueError, "output must be a folder or a path with {name} in it"),
        ("{name}.pdf", ValueError, "does not imply a format; known are"),
        ("nowhere/{name}.csv", FileNotFoundError, "output: there is no folder"),
    ],
)
def test_refuses_what_it_could_not_write_to(tmp_path, output, error, message):
    with pytest.raises(error, match=message):
        PickWriter(tmp_path / output)


def test_refuses_to_write_over_its_own_file(tmp_path):
    writer = PickWriter(tmp_path / "{name}.csv")
    writer.write("one/a.mrc", PICKS)
    with pytest.raises(ValueError, match=r"'one/a.mrc' and of 'two/a.mrc'"):
        writer.write("two/a.mrc", PICKS[:1])
    assert len(read_coordinates(tmp_path / "a.csv")["one/a.mrc"]) == 2
