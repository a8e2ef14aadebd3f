"""Coordinates of any names and numbers, and files of any content."""

import warnings

import numpy as np
import pytest

pytest.importorskip("hypothesis")
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from puclassify.io import COORDINATE_FORMATS, read_coordinates, write_coordinates

from .star_files import TRICKY

SETTINGS = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
# Tables that hold any names and every bit; tests/io/test_formats.py has all formats.
WRITTEN = [
    entry.extensions[0]
    for entry in COORDINATE_FORMATS.values()
    if entry.several and entry.point == "centre" and entry.unit == "pixels"
]
READ = [entry.extensions[0] for entry in COORDINATE_FORMATS.values()]
NAMES = st.one_of(st.sampled_from(TRICKY), st.text(max_size=8), st.text("a,;\t \"'#é", max_size=5))
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
PICKS = st.integers(2, 3).flatmap(
    lambda n_columns: st.dictionaries(
        NAMES,
        st.lists(st.tuples(*[NUMBERS] * n_columns), min_size=1, max_size=3).map(np.array),
        max_size=3,
    )
)
STARTS = [
    *("image_name,x,y,score\n", "x;y\n", "x\ty\tw\n", "10 20 30 30\n", "10\t20\t30\t30\t.5\n"),
    "data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n_rlnMicrographName\n1 2 m\n",
    "data_\nloop_\n_rlnMicrographName\n_rlnMicrographCoordinates\nm ../../etc/passwd\n",
    "data_cryolo\nloop_\n_CoordinateX\n_CoordinateY\n_Width\n_Height\n1 2 3 4\n",
    *('{"boxes": [[1, 2, "manual"]]}', '{"boxes": [[1', '{"shapes": [{"points": [[1, 2]]}], '),
    '{"images": [{"id": 1, "file_name": "m"}], "annotations": [{"image_id": 1, "bbox": [1, 2, ',
    *("index,axis-0,axis-1\n0,1,2\n", " ,X,Y\n1,2,3\n", "\x93NUMPY\x01\0v\0{'descr': [('x', '"),
    'filename,region_shape_attributes\nm,"{""name"":""point"",""cx"":1,""cy"":2}"\n',
]
PIECES = st.sampled_from(
    [
        "3, 4]}]}",
        '"imagePath": "m"}',
        "|O')], 'fortran_order': False, 'shape': (1,), }\n",
        "m,1,2,3\n",
        "1;2\n",
        "4\t5\t6\n",
        "1 2 3 4\n",
        "nan",
        "1e400",
        "-",
        ",",
        '"',
        "'",
        "#",
        ";",
    ]
    + [
        "\n",
        "\r",
        "\r\n",
        " ",
        "\t",
        "_rlnMicrographName",
        "data_x",
        "loop_\n",
        "é",
        "\ufeff",
        "\0",
    ]
)


@pytest.mark.parametrize("ending", WRITTEN)
@SETTINGS
@given(picks=PICKS)
def test_every_bit_comes_back_or_is_refused(tmp_path_factory, ending, picks):
    pytest.importorskip("starfile")
    path = tmp_path_factory.mktemp("picks") / f"a{ending}"
    try:
        write_coordinates(picks, path)
    except ValueError:
        assert not path.exists()
        return
    read = read_coordinates(path)
    assert list(read) == list(picks)
    for name, array in picks.items():
        np.testing.assert_array_equal(read[name], array)


@pytest.mark.parametrize("ending", READ)
@SETTINGS
@given(
    content=st.one_of(
        st.binary(max_size=60),
        st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.tuples(st.sampled_from(STARTS), st.lists(PIECES, max_size=12).map("".join)).map(
            lambda parts: "".join(parts).encode()
        ),
    ),
    origins=st.sampled_from(["ignore", "apply"]),
)
def test_any_content_is_finite_coordinates_or_an_error(tmp_path_factory, ending, content, origins):
    path = tmp_path_factory.mktemp("any") / f"a{ending}"
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            read = read_coordinates(path, origins=origins)
        except ValueError as error:
            assert str(path) in str(error)  # noqa: PT017
            assert "Error:" not in str(error)  # noqa: PT017  a kind that no reader expects
            return
    for name, array in read.items():
        assert name == name.strip() != ""
        assert array.ndim == 2
        assert np.isfinite(array[:, :2]).all()
