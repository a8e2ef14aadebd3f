"""Files of coordinates that were cut at any byte."""

import pathlib
import warnings

import numpy as np
import pytest

from puclassify.io import read_coordinates

DATA = pathlib.Path(__file__).parent / "data"
STAR_ROWS = (
    "data_\n\nloop_\n_rlnMicrographName #1\n_rlnCoordinateX #2\n_rlnCoordinateY #3\n"
    "a.mrc 10.25 20.5\nb.mrc 111 222\n"
)
FILES = {
    "relion30.star": (DATA / "relion30_particles.star").read_text(),
    "relion31.star": (DATA / "relion31_particles.star").read_text(),
    "mic_autopick.star": (DATA / "relion40_mic_007_autopick.star").read_text(),
    "cryosparc.star": (DATA / "cryosparc_exported.star").read_text(),
    "rows.star": STAR_ROWS,
    "two.star": STAR_ROWS * 2,
    "windows.star": STAR_ROWS.replace("\n", "\r\n"),
    "mark.star": "\ufeff" + STAR_ROWS,
    "quotes.star": STAR_ROWS.replace("a.mrc", "'it's a.mrc'").replace("b.mrc", '"b µ.mrc"'),
    "texts.star": STAR_ROWS.replace("a.mrc", "\n;a\n b\n;").replace("222", "\n222"),
    "single.star": "data_\n_rlnMicrographName a.mrc\n_rlnCoordinateX 12.5\n_rlnCoordinateY 34.75\n",
    "comment.star": STAR_ROWS + "# 2 particles\n",
    "mic.box": (DATA / "mic_009.box").read_text(),
    "plain.box": "10\t200\t160\t180\n-5\t0\t160\t180\n",
    "spaces.box": "  10.5  200.25  160  160  -3\n  11  21  160  160  -3\n",
    "picks.txt": (DATA / "picks.txt").read_text(),
    "semicolons.csv": (DATA / "semicolons.csv").read_text(encoding="utf-8-sig"),
    "names_last.csv": 'x,y,image_name\n10,20,"a, 1.mrc"\n30,40,b.mrc\n',
    "names_first.csv": 'image_name,x,y,score\n"a, 1.mrc",10,20,0.25\nb.mrc,30,40,-1.5\n',
    "spaces.csv": "x,y,image_name\n10,20,a 1.mrc\n30,40,b 2.mrc\n",
    "no_names.csv": "x,y\n10.5,20.25\n30.5,40.25\n",
}


def rows_of(coordinates):
    """Return all rows without scores, since one gap drops them all."""
    return {name: array[:, :2].tolist() for name, array in coordinates.items()}


def is_start_of(read, whole):
    return all(whole.get(name, [])[: len(rows)] == rows for name, rows in read.items())


@pytest.mark.parametrize("name", FILES)
def test_cut_at_any_byte_nothing_is_wrong_in_silence(tmp_path, name):
    content = FILES[name].encode()
    path = tmp_path / name
    path.write_bytes(content)
    whole = rows_of(read_coordinates(path))
    assert sum(map(len, whole.values())) >= 1
    outcomes = []
    for end in range(len(content)):
        path.write_bytes(content[:end])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                read = rows_of(read_coordinates(path))
            except ValueError as error:
                outcomes.append("error" if name in str(error) else "error of an unknown file")
                continue
        if any("does not end with a line break" in str(warning.message) for warning in caught):
            outcomes.append("warning")
            continue
        assert is_start_of(read, whole), f"{end} of {len(content)} bytes: {read}"
        outcomes.append("fewer rows")
    assert set(outcomes) <= {"error", "warning", "fewer rows"}
    assert "warning" in outcomes


@pytest.mark.parametrize("name", FILES)
def test_without_the_last_line_break_all_rows_are_read(tmp_path, name):
    path = tmp_path / name
    path.write_text(FILES[name])
    whole = read_coordinates(path)
    path.write_text(FILES[name].rstrip())
    with pytest.warns(UserWarning, match=rf"{name} does not end with a line break"):
        read = read_coordinates(path)
    assert list(read) == list(whole)
    for key, array in whole.items():
        np.testing.assert_array_equal(read[key], array)
