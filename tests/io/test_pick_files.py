import os

import numpy as np
import pytest

from puclassify.grid import GridImage
from puclassify.io import PickWriter, read_coordinates, write_coordinates

PICKS = np.array([[10.0, 20.5]])
# Names as they may stand in a STAR file or a table, and what of them is a file's name.
STAY = {
    "../../secret.mrc": "secret",
    "/etc/passwd": "passwd",
    "a/../../b.mrc": "b",
    "..\\..\\c.mrc": "c",
    "~/d.mrc": "d",
    "~root": "~root",
    "$HOME.mrc": "$HOME",
    "...": "...",
    "{name}": "{name}",
}
REFUSED = ["..", ".", "", "  ", "a/..", "a/", "..\\..", "a\\", "a\0b", "a\nb.mrc", "a/ .. "]


@pytest.fixture
def folder(tmp_path):
    """Return a folder whose surroundings are watched."""
    folder = tmp_path / "one" / "two" / "picks"
    folder.mkdir(parents=True)
    yield folder
    assert [str(p) for p in tmp_path.rglob("*") if p.is_file() and folder not in p.parents] == []


class TestNamesStayInTheFolder:
    @pytest.mark.parametrize("name", STAY)
    @pytest.mark.parametrize("pattern", ["{name}.csv", "x{name}.csv"])
    def test_only_the_last_part_is_used(self, folder, name, pattern):
        write_coordinates({name: PICKS}, folder / pattern)
        file = pattern.replace("{name}", STAY[name])
        assert os.listdir(folder) == [file]
        np.testing.assert_array_equal(read_coordinates(folder / file)[name], PICKS)

    @pytest.mark.parametrize("name", REFUSED)
    @pytest.mark.parametrize("pattern", ["{name}.csv", "{name}/picks.csv", ""])
    def test_refused(self, folder, name, pattern):
        if not pattern:
            pytest.importorskip("starfile")
        with pytest.raises(ValueError, match=r"the name .* cannot be a part of a file name|name"):
            write_coordinates({"a.mrc": PICKS, name: PICKS}, folder / pattern)
        assert os.listdir(folder) == []

    @pytest.mark.parametrize("name", REFUSED)
    def test_refused_one_by_one(self, folder, name):
        writer = PickWriter(folder / "{name}.csv")
        with pytest.raises(ValueError, match="cannot be a part of a file name"):
            writer.write(name, PICKS)
        assert os.listdir(folder) == []

    def test_name_of_an_image(self, folder):
        image = GridImage(np.ones((3, 4)), name="../..")
        with pytest.raises(ValueError, match=r"the name '\.\./\.\.' of a micrograph cannot"):
            write_coordinates([PICKS], folder / "{name}.csv", names=[image])
