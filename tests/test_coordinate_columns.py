"""Coordinates in data frames of any library, with titles of any program."""

import numpy as np
import pandas as pd
import pytest
import starfile

from puclassify.datasets import local_contrast, make_micrographs
from puclassify.io import (
    CoordinateTable,
    check_coordinates,
    match_coordinates,
    micrograph_name,
    read_coordinate_table,
    read_coordinates,
    write_coordinates,
)
from puclassify.metrics import match_picks, pick_average_precision_score
from puclassify.particles import extract_particles
from puclassify.picking import check_orientation
from puclassify.regions import sample_regions

NAMES = ["b.mrc", "a.mrc", "b.mrc"]
X, Y, SCORES = [1.0, 2.5, 3.0], [4.0, 5.0, 6.25], [0.5, -1.0, 2.0]
BY_NAME = {"b.mrc": [[1.0, 4.0, 0.5], [3.0, 6.25, 2.0]], "a.mrc": [[2.5, 5.0, -1.0]]}

TITLES = {
    "ours": ("image_name", "x_coord", "y_coord", "score"),
    "plain": ("micrograph", "x", "y", "score"),
    "RELION": (
        *("rlnMicrographName", "rlnCoordinateX", "rlnCoordinateY", "rlnAutopickFigureOfMerit"),
    ),
    "capitals and blanks": ("Micrograph Name", "X-Coord", "Y Coord", "Confidence"),
}


def pandas_frame(titles=TITLES["ours"], **options):
    return pd.DataFrame(dict(zip(titles, (NAMES, X, Y, SCORES))), **options)


def polars_frame():
    return pytest.importorskip("polars").DataFrame(pandas_frame().to_dict("list"))


def arrow_frame():
    return pytest.importorskip("pyarrow").table(pandas_frame().to_dict("list"))


FRAMES = {
    **{titles: lambda titles=titles: pandas_frame(TITLES[titles]) for titles in TITLES},
    "another index": lambda: pandas_frame(index=["p", "q", "r"]),
    "an index of names": lambda: pandas_frame().set_index("score", drop=False),
    "columns in another order": lambda: pandas_frame()[
        ["score", "y_coord", "image_name", "x_coord"]
    ],
    "categories": lambda: pandas_frame().astype({"image_name": "category"}),
    "nullable numbers": lambda: pandas_frame().convert_dtypes(),
    "numbers as text": lambda: pandas_frame().astype({"x_coord": str}),
    "objects": lambda: pandas_frame().astype(object),
    "single precision": lambda: pandas_frame().astype({"x_coord": "f4", "y_coord": "f4"}),
    "polars": polars_frame,
    "PyArrow": arrow_frame,
}


def assert_is_by_name(found):
    assert {name: rows.tolist() for name, rows in found.items()} == BY_NAME


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
class TestFrames:
    def test_of_all_micrographs(self, make):
        assert_is_by_name(CoordinateTable.from_frame(make()).by_micrograph())

    def test_matched_by_name(self, make):
        found = match_coordinates(make(), ["movies/a.mrc", "c.mrc", "movies/b.mrc"])
        assert [len(one) for one in found] == [1, 0, 2]
        assert found[2].tolist() == BY_NAME["b.mrc"]

    def test_written(self, make, tmp_path):
        write_coordinates(make(), tmp_path / "picks.star")
        assert_is_by_name(read_coordinates(tmp_path / "picks.star"))
        block = starfile.read(tmp_path / "picks.star")
        assert block["rlnCoordinateX"].tolist() == [1.0, 2.5, 3.0]

    def test_of_one_micrograph(self, make):
        frame = make()
        is_one = np.array([True, False, True])
        is_pandas = isinstance(frame, pd.DataFrame)
        frame = frame[is_one] if is_pandas else frame.filter(is_one)
        assert check_coordinates([frame], 1)[0].tolist() == [[1.0, 4.0], [3.0, 6.25]]
        (match,) = match_picks([[[3.0, 6.0], [1.0, 4.0]]], [frame], 0.5)
        assert match.truth_index.tolist() == [1, 0]


class TestRefused:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"x_coord": [1.0, None, 3.0]}, r"no value of 'x_coord' in 1 rows.*row 1 \(index 8\)"),
            (
                {"y_coord": [1.0, 2.0, np.nan]},
                r"no value of 'y_coord' in 1 rows.*row 2 \(index 9\)",
            ),
            ({"x_coord": pd.array([1, None, 3], "Int64")}, r"no value of 'x_coord'.*row 1"),
            ({"x_coord": [1.0, 2.0, pd.NA]}, r"no value of 'x_coord'.*row 2 \(index 9\)"),
            ({"image_name": ["a", "b", None]}, r"names no micrograph.*row 2 \(index 9\)"),
            ({"image_name": ["a", " ", "b"]}, r"names no micrograph.*row 1 \(index 8\)"),
            ({"image_name": pd.Categorical(["a", None, "b"])}, r"names no micrograph.*row 1"),
            ({"x_coord": [1.0, np.inf, 2.0]}, r"infinite coordinates.*row 1 \(index 8\): \[inf"),
            ({"x_coord": ["1", "2", "here"]}, r"holds 'here' \(str\) in column 'x_coord' of row 2"),
            ({"x_coord": ["1", "2", "1_0"]}, r"holds '1_0'"),
            ({"x_coord": [True, False, True]}, r"holds True \(bool\) in column 'x_coord'"),
            (
                {"x_coord": [1j, 2.0, 3.0]},
                r"in column 'x_coord' of row 0 \(index 7\), which is no num",
            ),
            ({"x_coord": pd.to_datetime(["2026-01-01"] * 3)}, r"which is no number"),
        ],
    )
    def test_values_with_their_row(self, change, message):
        frame = pandas_frame(index=[7, 8, 9]).assign(**change)
        for take in (CoordinateTable.from_frame, lambda f: match_coordinates(f, ["a", "b"])):
            with pytest.raises(ValueError, match=f"the data frame .*{message}"):
                take(frame)

    def test_gaps_in_polars_have_no_index(self):
        polars = pytest.importorskip("polars")
        frame = polars_frame().with_columns(x_coord=polars.Series([1.0, None, float("nan")]))
        with pytest.raises(ValueError, match=r"'x_coord' in 2 rows, the first is row 1; drop"):
            CoordinateTable.from_frame(frame)

    def test_of_one_micrograph_with_their_row(self):
        with pytest.raises(ValueError, match=r"y\[0\] has no value of 'x' in 1 rows.*row 1"):
            check_coordinates([pd.DataFrame({"x": pd.array([1, None], "Int64"), "y": [1, 2]})], 1)

    def test_no_columns(self):
        with pytest.raises(ValueError, match=r"without columns x and y, it has \['a', '0'\]"):
            CoordinateTable.from_frame(pd.DataFrame({"a": [1], 0: [2]}))
        with pytest.raises(ValueError, match="no column image_name"):
            CoordinateTable.from_frame(pd.DataFrame({"x": [1], "y": [2]}))

    def test_two_columns_of_one_title(self):
        frame = pd.DataFrame([["m", 1, 2, 3]], columns=["image", "x", "y", "x"])
        with pytest.raises(ValueError, match=r"several columns of one title, \['x'\]"):
            CoordinateTable.from_frame(frame)

    def test_lazy(self):
        pytest.importorskip("polars")
        with pytest.raises(TypeError, match=r"LazyFrame.*frame.collect\(\)"):
            CoordinateTable.from_frame(polars_frame().lazy())

    def test_no_frame(self):
        with pytest.raises(TypeError, match="must be a data frame, got list"):
            CoordinateTable.from_frame([[1, 2]])

    def test_frame_of_all_in_the_place_of_one(self):
        with pytest.raises(ValueError, match=r"y\[1\] is a data frame of 2 micrographs.*'a.mrc'"):
            check_coordinates([[], pandas_frame()], 2)
        with pytest.raises(ValueError, match=r"y_pred\[0\] is a data frame of 2 micrographs"):
            match_picks([[[1.0, 2.0]]], [pandas_frame()], 1.0)

    def test_single_frame_without_micrographs(self):
        with pytest.raises(TypeError, match=r"match_coordinates\(y, micrographs\)"):
            check_coordinates(pandas_frame(), 2)
        with pytest.raises(TypeError, match=r"match_coordinates\(y_true, micrographs\)"):
            pick_average_precision_score(pandas_frame(), [[[1.0, 2.0, 3.0]]], 1.0)

    def test_frame_without_names_for_all(self, tmp_path):
        frame = pandas_frame().drop(columns="image_name")
        with pytest.raises(TypeError, match=r"pass \[picks\] and names=\[name\]"):
            write_coordinates(frame, tmp_path / "a.csv", names=["a"])
        write_coordinates([frame], tmp_path / "a.csv", names=["a"])
        assert read_coordinates(tmp_path / "a.csv")["a"].tolist() == [
            list(row) for row in zip(X, Y, SCORES)
        ]


class TestDoubtful:
    def test_several_columns_could_be_x(self):
        frame = pandas_frame().assign(x=9.0)
        with pytest.warns(UserWarning, match=r"\['x_coord', 'x'\], of which 'x_coord' is taken"):
            assert_is_by_name(CoordinateTable.from_frame(frame).by_micrograph())

    def test_sizes_of_boxes(self):
        frame = pandas_frame().assign(width=10.0, height=12.0)
        with pytest.warns(UserWarning, match=r"corners of boxes.*rename them to"):
            table = CoordinateTable.from_frame(frame)
        assert table.columns["width"] == [10.0] * 3

    def test_own_sizes_of_boxes_are_those_of_centres(self):
        table = CoordinateTable(["m"], np.array([[1.0, 2.0]]), {"width": [5.0], "height": [6.0]})
        frame = table.to_frame()
        assert list(frame.columns) == ["image_name", "x_coord", "y_coord", "box_w", "box_h"]
        assert CoordinateTable.from_frame(frame).columns == table.columns

    def test_scores_with_gaps_are_left_out(self):
        frame = pandas_frame().assign(score=[1.0, None, 2.0])
        assert CoordinateTable.from_frame(frame).values.tolist() == [list(xy) for xy in zip(X, Y)]

    def test_gaps_in_further_columns(self):
        frame = pandas_frame().assign(n=pd.array([1, None, 3], "Int64"), a=[0.5, np.nan, 1.5])
        columns = CoordinateTable.from_frame(frame).columns
        assert columns == {"n": [1, None, 3], "a": [0.5, None, 1.5]}
        assert type(columns["n"][0]) is int


class TestStarfile:
    """Frames as ``starfile.read`` returns them."""

    def written(self, path):
        optics = pd.DataFrame({"rlnOpticsGroup": [1], "rlnVoltage": [300.0]})
        particles = pandas_frame(TITLES["RELION"]).assign(
            rlnOpticsGroup=1, rlnClassNumber=[1, 2, 3]
        )
        starfile.write({"optics": optics, "particles": particles}, path)
        return path

    def test_several_blocks(self, tmp_path):
        frames = starfile.read(self.written(tmp_path / "particles.star"))
        assert list(frames) == ["optics", "particles"]
        table = CoordinateTable.from_frame(frames)
        assert_is_by_name(table.by_micrograph())
        assert table.columns["rlnClassNumber"] == [1, 2, 3]
        write_coordinates(frames, tmp_path / "again.csv")
        assert_is_by_name(read_coordinates(tmp_path / "again.csv"))
        assert len(match_coordinates(frames, ["x/a.mrc"])[0]) == 1

    def test_same_as_our_reader(self, tmp_path):
        path = self.written(tmp_path / "particles.star")
        ours, theirs = read_coordinate_table(path), CoordinateTable.from_frame(starfile.read(path))
        assert ours.names == theirs.names
        np.testing.assert_array_equal(ours.values, theirs.values)
        assert ours.columns["rlnClassNumber"] == list(map(str, theirs.columns["rlnClassNumber"]))

    def test_no_or_several_blocks_of_coordinates(self):
        one = pandas_frame(TITLES["RELION"])
        with pytest.raises(ValueError, match=r"of the 2 blocks .* 2 hold coordinates"):
            CoordinateTable.from_frame({"particles": one, "others": one})
        with pytest.raises(ValueError, match=r"of the 1 blocks .* 0 hold coordinates"):
            CoordinateTable.from_frame({"optics": pd.DataFrame({"rlnVoltage": [300]})})


class TestOut:
    @pytest.mark.parametrize("library", ["pandas", "polars"])
    def test_there_and_back(self, library):
        pytest.importorskip(library)
        table = CoordinateTable.from_frame(pandas_frame().assign(label=["u", None, "v"]))
        frame = table.to_frame(library)
        assert type(frame).__module__.startswith(library)
        again = CoordinateTable.from_frame(frame)
        assert again.names == table.names
        np.testing.assert_array_equal(again.values, table.values)
        assert again.columns == {"label": ["u", None, "v"]}

    def test_from_frames_of_each(self):
        frames = {
            name: pd.DataFrame(rows, columns=list("xyz")[:2] + ["score"])
            for name, rows in BY_NAME.items()
        }
        frame = CoordinateTable.from_arrays(frames).to_frame()
        assert frame["image_name"].tolist() == ["b.mrc", "b.mrc", "a.mrc"]
        assert frame["score"].tolist() == [0.5, 2.0, -1.0]

    def test_unknown_library(self):
        with pytest.raises(ValueError, match="library must be 'pandas' or 'polars', got 'dask'"):
            CoordinateTable.from_frame(pandas_frame()).to_frame("dask")


@pytest.fixture(scope="module")
def data():
    return make_micrographs(
        2, shape=(192, 192), particles_per_micrograph=6, snr=2.0, random_state=0
    )


@pytest.fixture(scope="module")
def frame(data):
    """Rows in another order than the micrographs."""
    named = {
        micrograph_name(m, i): xy
        for i, (m, xy) in enumerate(zip(data.micrographs, data.coordinates))
    }
    return CoordinateTable.from_arrays(dict(reversed(named.items()))).to_frame()


class TestEverywhere:
    """A frame of all micrographs is what the arrays in their order are."""

    def test_check_orientation(self, data, frame):
        ours = check_orientation(data.micrographs, data.coordinates)
        assert check_orientation(data.micrographs, frame).scores == ours.scores

    def test_local_contrast(self, data, frame):
        ours = local_contrast(data.micrographs, data.coordinates, 8)
        for one, other in zip(local_contrast(data.micrographs, frame, 8), ours, strict=True):
            np.testing.assert_array_equal(one, other)

    def test_sample_regions(self, data, frame):
        options = {"n_unlabeled": 3, "radius": 2.0, "random_state": 0}
        ours, y = sample_regions(data.micrographs, data.coordinates, **options)
        theirs, other_y = sample_regions(data.micrographs, frame, **options)
        np.testing.assert_array_equal(y, other_y)
        np.testing.assert_array_equal(ours.xy, theirs.xy)

    def test_extract_particles(self, data, frame, tmp_path):
        for name, picks in {"ours": data.coordinates, "theirs": frame}.items():
            (tmp_path / name).mkdir()
            extract_particles(data.micrographs, picks, 16, tmp_path / name, pixel_size=1.0)
        stacks = [sorted((tmp_path / name).glob("*.mrcs")) for name in ("ours", "theirs")]
        assert len(stacks[0]) == 2
        for one, other in zip(*stacks, strict=True):
            assert one.read_bytes() == other.read_bytes()
