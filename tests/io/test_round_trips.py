"""From every format to every other and back: what comes back is what the register declares."""

import itertools
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

FORMATS = list(COORDINATE_FORMATS)
PAIRS = list(itertools.product(FORMATS, FORMATS))
SHAPE = (4096, 5760)
NAMES = {"mic_001": "Movies/mic_001.mrc", "mic_002": "Movies/mic_002.mrc"}
BOXES = {"width": [180.0, 96.5, 181.0], "height": [150.0, 97.25, 180.0]}
COLUMNS = {
    "label": ["good", "good", "bad"],
    "estimated_width": [151.25, 149.5, 160.0],
    "angle": [30.5, -15.25, 0.125],
    "rlnClassNumber": [3, 1, 2],
    "note": ["edge", "ice", "none"],
}
# What is promised of x and y, in pixels, and of scores: of numbers that are stored in full, and in
# half of their bits.
PROMISED = {"double": (1e-9, 1e-12), "single": (0.01, 1e-4)}


def scene():
    """Three particles on two micrographs, at places and with scores that are no round numbers."""
    values = np.array([[1234.5678901, 4095.25, -3.7771965963], [5759.2, 0.1, 12.0625]])
    values = np.vstack([values, [0.0, 17.0, 0.658]])
    names = [NAMES["mic_001"], NAMES["mic_002"], NAMES["mic_001"]]
    return CoordinateTable(names, values, {**BOXES, **COLUMNS})


def keeps(format, what):
    """Say whether the register declares that a format keeps something beside x and y."""
    kept = COORDINATE_FORMATS[format].keeps
    if what.startswith("rln") and "columns rln..." in kept:
        return True
    return what in kept or ("all columns" in kept and what not in ("name", "score"))


def through(table, folder, format):
    """Write a table in one format and read it again, as users do: a file for each micrograph."""
    folder.mkdir()
    ending = COORDINATE_FORMATS[format].extensions[0]
    box_size = None if "width" in table.columns else 180
    write_coordinates(
        table, folder / f"{{name}}{ending}", format=format, shapes=SHAPE, box_size=box_size
    )
    return read_coordinate_table(folder)


def rows_of(table):
    """Return places, scores, names and columns in the order of the scene."""
    order = np.lexsort((table.values[:, 0], [name.count("2") for name in map(stem, table.names)]))
    columns = {title: [column[i] for i in order] for title, column in table.columns.items()}
    return table.values[order], [table.names[i] for i in order], columns


def stem(name):
    return name.rpartition("/")[2].removesuffix(".mrc")


def same(one, other):
    """Compare values of a column; what was text comes back as text."""
    try:
        return np.allclose(np.asarray(one, float), np.asarray(other, float), rtol=0, atol=1e-6)
    except ValueError:
        return [str(value) for value in one] == [str(value) for value in other]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_every_pair(tmp_path, one, other):
    expected, names, columns = rows_of(scene())
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*which are ignored: x and y are read as the")
        second = through(through(scene(), tmp_path / "one", one), tmp_path / "two", other)
    values, found, further = rows_of(second)
    n_columns = 3 if keeps(one, "score") and keeps(other, "score") else 2
    assert values.shape == (3, n_columns)
    is_single = "single" in {COORDINATE_FORMATS[format].precision for format in (one, other)}
    of_places, of_scores = PROMISED["single" if is_single else "double"]
    assert np.abs(values[:, :2] - expected[:, :2]).max() <= of_places <= 0.01
    if n_columns == 3:
        assert np.abs(values[:, 2] - expected[:, 2]).max() <= of_scores <= 1e-4
    if keeps(one, "name") and keeps(other, "name"):
        assert found == names
    assert list(map(stem, found)) == list(map(stem, names))
    for title, column in columns.items():
        if keeps(one, title) and keeps(other, title):
            assert same(further[title], column), title


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_not_declared_is_not_there(tmp_path, format):
    """A column of the table in the documentation that lacks something is as wrong as one with."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*which are ignored: x and y are read as the")
        read = through(scene(), tmp_path / "one", format)
    assert (read.values.shape[1] == 3) == keeps(format, "score")
    for title in (*BOXES, *COLUMNS):
        assert (title in read.columns) == keeps(format, title), title
    assert (set(read.names) == set(NAMES.values())) == keeps(format, "name")


@pytest.mark.parametrize("format", FORMATS)
def test_the_declared_precision_is_that_of_the_file(tmp_path, format):
    """Every bit of numbers that need all of them, or not one more than is declared."""
    x = np.random.default_rng(0).uniform(2**11, 2**12, (200, 2))
    ending = COORDINATE_FORMATS[format].extensions[0]
    write_coordinates({"m": x}, tmp_path / f"m{ending}", format=format, shapes=SHAPE, box_size=64)
    read = match_coordinates(read_coordinates(tmp_path / f"m{ending}", format), ["m"])[0]
    error = np.abs(read[:, :2] - x).max()
    if COORDINATE_FORMATS[format].precision == "double":
        assert error <= 1e-12 * 2**12
    else:
        assert 1e-6 < error < 1e-3
