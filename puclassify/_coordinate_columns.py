"""Which columns of a table hold names of micrographs, x, y and scores, also in data frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from puclassify._warnings import warn

__all__ = [
    "HEADER",
    "OWN_SIZES",
    "FrameColumns",
    "check_finite",
    "column_places",
    "frame_columns",
    "frame_values",
    "holds_frames",
    "is_frame",
    "plain_titles",
    "warn_of_boxes",
]

HEADER = ("image_name", "x_coord", "y_coord", "score")
# The first alias in the header counts.
_ALIASES = {
    "image_name": (
        *("imagename", "micrographname", "rlnmicrographname", "micrograph", "image"),
        *("micrographpath", "imagepath", "filename", "path", "file", "name"),
    ),
    "x_coord": ("xcoord", "x", "xcoordinate", "rlncoordinatex"),
    "y_coord": ("ycoord", "y", "ycoordinate", "rlncoordinatey"),
    "score": ("score", "confidence", "rlnautopickfigureofmerit"),
}
_SIZES = {
    **dict.fromkeys(("width", "w", "boxwidth", "xsize", "sizex"), "width"),
    **dict.fromkeys(("height", "h", "boxheight", "ysize", "sizey"), "height"),
}
# How sizes of boxes around centres are titled, since width and height often belong to corners.
OWN_SIZES = {"width": "box_w", "height": "box_h"}
_SURELY_NAMES = _ALIASES["image_name"][:7]  # others may be those of something else
_BLOCKS = ("optics", "particles", "micrographs", "coordinate_files")  # of RELION's STAR files


def column_places(header: Sequence[str]) -> dict[str, int]:
    """Return the places of the columns that have a known title, in the order name, x, y, score."""
    plain = plain_titles(header)
    found = {
        name: next((plain.index(alias) for alias in aliases if alias in plain), None)
        for name, aliases in _ALIASES.items()
    }
    missing = [name for name in HEADER[1:3] if found[name] is None]
    if missing:
        raise ValueError(
            f"there is no column {missing[0]}; the header line has {list(header)}, expected "
            f"{', '.join(HEADER[:3])} and possibly {HEADER[3]}"
        )
    return {name: place for name, place in found.items() if place is not None}


def plain_titles(header: Iterable[str]) -> list[str]:
    """Return titles as they are compared: without case, "-", "_" and spaces."""
    return [title.lower().translate(str.maketrans("", "", "-_ ")) for title in header]


def warn_of_boxes(what: str, titles: Sequence[str]) -> None:
    """Warn of the sizes of boxes, which often come with the corners of these."""
    sizes = [title for title, plain in zip(titles, plain_titles(titles)) if plain in _SIZES]
    if len({_SIZES[plain] for plain in plain_titles(sizes)}) == 2:
        warn(
            f"{what} has the columns {sizes}, which are ignored: x and y are read as the centres "
            "of particles. If they are the corners of boxes, add half of width and height to them, "
            "or write x, y, width and height into an EMAN box file; if they are centres, remove "
            f"the two columns or rename them to {list(OWN_SIZES.values())}"
        )


def is_frame(value: Any) -> bool:
    """Return whether a value is a data frame of pandas, polars, PyArrow or another library."""
    import narwhals.stable.v2 as nw

    dependencies = nw.dependencies
    return (
        dependencies.is_into_dataframe(value)
        or dependencies.is_polars_lazyframe(value)
        or dependencies.is_dask_dataframe(value)
    )


def holds_frames(value: Any) -> bool:
    """Return whether a value is what ``starfile.read`` returns of a file of several blocks."""
    return (
        isinstance(value, Mapping)
        and any(block in value for block in _BLOCKS)
        and all(is_frame(one) or isinstance(one, Mapping) for one in value.values())
    )


@dataclass(frozen=True)
class FrameColumns:
    """The columns of a data frame of coordinates; None stands for no names."""

    names: list[str] | None
    values: np.ndarray  # (k, 2), or (k, 3) with scores
    others: dict[str, list[Any]]
    surely_names: bool  # whether names are surely those of micrographs


def frame_columns(frame: Any, what: str, *, gaps_in_scores: bool = False) -> FrameColumns:
    """Read a data frame whose columns have the titles of any table of coordinates.

    ``what`` names it in messages. A column of scores with gaps is dropped if they are allowed.
    """
    table = _eager(frame, what)
    titles = [str(title) for title in table.columns]
    try:
        places = column_places(titles)
    except ValueError:
        raise ValueError(
            f"{what} is a data frame without columns x and y, it has {titles}; rename those of the "
            "centres in pixels"
        ) from None
    _warn_of_doubles(titles, places, what)
    columns = {name: table[table.columns[place]] for name, place in places.items()}
    names = columns.pop("image_name", None)
    if gaps_in_scores and "score" in columns and any(_gaps(columns["score"])):
        del columns["score"]
    numbers = [
        _numbers(column, titles[places[name]], frame, what) for name, column in columns.items()
    ]
    others = {
        title: [None if gap else value for value, gap in zip(column.to_list(), _gaps(column))]
        for place, (title, column) in enumerate(zip(titles, table.iter_columns()))
        if place not in places.values()
    }
    named = None if names is None else _names(names, titles[places["image_name"]], frame, what)
    surely_names = any(title in _SURELY_NAMES for title in plain_titles(titles))
    return FrameColumns(named, np.column_stack(numbers), others, surely_names)


def frame_values(frame: Any, what: str) -> np.ndarray:
    """Return x, y and possibly the score of a data frame of one micrograph, (k, 2) or (k, 3)."""
    found = frame_columns(frame, what)
    different = set(found.names or ())
    if len(different) > 1 and found.surely_names:
        first, second, *_ = sorted(different)
        raise ValueError(
            f"{what} is a data frame of {len(different)} micrographs, such as {first!r} and "
            f"{second!r}, where that of one micrograph is expected; pass the frame itself instead "
            "of a list of frames, or puclassify.io.match_coordinates(frame, micrographs)"
        )
    return found.values


def check_finite(values: np.ndarray, frame: Any, what: str) -> None:
    """Refuse infinite coordinates of a data frame."""
    bad = np.flatnonzero(~np.isfinite(values[:, :2]).all(axis=1))
    if bad.size:
        first = int(bad[0])
        raise ValueError(
            f"{what} holds infinite coordinates in {bad.size} rows, the first is "
            f"{_row(frame, first)}: {values[first, :2].tolist()}; drop such rows first"
        )


def _eager(frame: Any, what: str) -> Any:
    import narwhals.stable.v2 as nw
    from narwhals.exceptions import DuplicateError

    try:
        return nw.from_native(frame, eager_only=True)
    except DuplicateError:
        titles = [str(title) for title in frame.columns]
        twice = sorted({title for title in titles if titles.count(title) > 1})
        raise ValueError(
            f"{what} is a data frame with several columns of one title, {twice}; rename or drop "
            "them"
        ) from None
    except TypeError:
        raise TypeError(
            f"{what} is a {type(frame).__name__}, whose rows are not there yet; pass "
            "frame.collect() or frame.compute()"
        ) from None


def _warn_of_doubles(titles: list[str], places: dict[str, int], what: str) -> None:
    """Warn if several columns could be x, or y, or the score."""
    plain = plain_titles(titles)
    for name in HEADER[1:]:
        fitting = [title for title, one in zip(titles, plain) if one in _ALIASES[name]]
        if len(fitting) > 1:
            warn(
                f"{what} has the columns {fitting}, of which {titles[places[name]]!r} is taken; "
                "drop the others"
            )


def _numbers(column: Any, title: str, frame: Any, what: str) -> np.ndarray:
    """Return a column of x, y or scores as float64."""
    gaps = _gaps(column)
    if any(gaps):
        raise ValueError(
            f"{what} has no value of {title!r} in {sum(gaps)} rows, the first is "
            f"{_row(frame, gaps.index(True))}; drop such rows first"
        )
    if column.dtype.is_numeric():
        return column.to_numpy().astype(np.float64)
    numbers = []
    for row, value in enumerate(column.to_list()):
        number = _number(value)
        if number is None:
            raise ValueError(
                f"{what} holds {value!r} ({type(value).__name__}) in column {title!r} of "
                f"{_row(frame, row)}, which is no number"
            )
        numbers.append(number)
    return np.array(numbers, dtype=np.float64)


def _number(value: Any) -> float | None:
    if isinstance(value, (bool, np.bool_, complex, np.datetime64)) or "_" in str(value):
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _names(column: Any, title: str, frame: Any, what: str) -> list[str]:
    gaps = _gaps(column)
    names = [str(name).strip() for name in column.to_list()]
    empty = [row for row, (name, gap) in enumerate(zip(names, gaps)) if gap or not name]
    if empty:
        raise ValueError(
            f"{what} names no micrograph in column {title!r} of {len(empty)} rows, the first is "
            f"{_row(frame, empty[0])}; drop such rows first"
        )
    return names


def _gaps(column: Any) -> list[bool]:
    """Tell which values of a column are missing or NaN."""
    gaps = column.is_null()
    if column.dtype.is_float():
        gaps = gaps | column.is_nan().fill_null(True)
    return gaps.to_list()


def _row(frame: Any, row: int) -> str:
    """Name a row by its number, and by its index where that is another."""
    index = getattr(frame, "index", None)
    try:
        label = row if index is None else index[row : row + 1].tolist()[0]
    except (AttributeError, TypeError, IndexError):
        return f"row {row}"
    return f"row {row}" if label is row or label == row else f"row {row} (index {label!r})"
