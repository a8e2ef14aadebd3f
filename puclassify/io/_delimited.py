"""Coordinates in tab-separated and comma-separated tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from puclassify._warnings import warn
from puclassify.io._coordinate_table import CoordinateTable, micrograph_of_file
from puclassify.io._coordinate_text import has_control_characters, read_text

__all__ = ["format_delimited", "read_delimited"]

_HEADER = ("image_name", "x_coord", "y_coord", "score")
# Compared without case, "-", "_" and spaces; the first alias in the header counts.
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
_DELIMITERS = "\t,;"


def read_delimited(path: str, delimiter: str | None = None) -> CoordinateTable:
    """Read a table whose header line names the columns.

    These are ``image_name``, ``x_coord``, ``y_coord`` and possibly ``score``, or common other names
    of theirs; further columns are ignored. Without a name column, all rows belong to the micrograph
    that the file is named after, provided that all columns hold numbers. The default delimiter is
    the most frequent one in the header line.
    """
    numbered = enumerate(read_text(path).split("\n"), 1)
    lines = [(number, line) for number, line in numbered if line.strip()]
    if not lines:
        raise ValueError("the file is empty")
    delimiter = delimiter or max(_DELIMITERS, key=lines[0][1].count)
    try:
        header, *rows = csv.reader((line for _, line in lines), delimiter=delimiter)
    except csv.Error as error:
        raise ValueError(
            f"it is not a table with columns separated by {delimiter!r}: {error}"
        ) from error
    if len(rows) != len(lines) - 1 or _goes_on(lines[-1][1], delimiter):
        raise ValueError(_open_quote(lines, delimiter))
    places = _column_places(header)
    numbers = [number for number, _ in lines[1:]]
    for number, row in zip(numbers, rows):
        if len(row) != len(header):
            hint = "; are commas decimal signs? Write points" if delimiter == "," else ""
            raise ValueError(
                f"line {number} has {len(row)} columns, the header has {len(header)}: {row}"
                f"{hint if len(row) > len(header) else ''}"
            )
    _warn_of_boxes(path, header)
    if "image_name" not in places:
        _check_numeric(header, rows, places.values())
    columns = {name: [row[place] for row in rows] for name, place in places.items()}
    names = columns.pop("image_name", [micrograph_of_file(path)] * len(rows))
    return CoordinateTable.from_text(names, list(columns.values()), numbers)


def format_delimited(table: CoordinateTable, delimiter: str) -> str:
    """Format coordinates as a table with a header line."""
    for name in set(table.names):
        bad = len(name.splitlines()) != 1 or has_control_characters(name)
        if bad or name != name.strip():
            raise ValueError(
                f"names holds {name!r}; a table can only store names of one line without spaces "
                "around them and control characters: rename the micrograph"
            )
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    columns = [table.names, *table.text_columns()]
    writer.writerow(_HEADER[: len(columns)])
    writer.writerows(zip(*columns))
    return text.getvalue()


def _open_quote(lines: list[tuple[int, str]], delimiter: str) -> str:
    """Explain a table with fewer rows than lines: a quote joined some of them."""
    number = next(n for n, line in lines if _goes_on(line, delimiter))
    return (
        f"the quote on line {number} does not end on that line; is the file complete? Names of "
        "several lines are not read"
    )


def _goes_on(line: str, delimiter: str) -> bool:
    """Return whether a row goes on behind a line, since a quote in it is open."""
    return len(list(csv.reader([line, "next"], delimiter=delimiter))) == 1


def _column_places(header: list[str]) -> dict[str, int]:
    """Return the places of the columns, in the order name, x, y, score."""
    plain = _plain(header)
    places = {}
    for name, aliases in _ALIASES.items():
        place = next((plain.index(alias) for alias in aliases if alias in plain), None)
        if place is not None:
            places[name] = place
        elif name in ("x_coord", "y_coord"):
            if sum(not _is_text(cell) for cell in " ".join(header).split()) >= 2:
                raise ValueError(
                    f"the first line has to be a header, such as {','.join(_HEADER[:3])}, but it "
                    f"holds numbers: {header}; add that line, and separate columns by tabs or "
                    "commas. Without names of micrographs it is x_coord,y_coord"
                )
            raise ValueError(
                f"there is no column {name}; the header line has {header}, expected "
                f"{', '.join(_HEADER[:3])} and possibly {_HEADER[3]}"
            )
    return places


def _plain(header: list[str]) -> list[str]:
    return [title.lower().translate(str.maketrans("", "", "-_ ")) for title in header]


def _warn_of_boxes(path: str, header: list[str]) -> None:
    """Warn of the sizes of boxes, which often come with the corners of these."""
    sizes = [title for title, plain in zip(header, _plain(header)) if plain in _SIZES]
    if len({_SIZES[plain] for plain in _plain(sizes)}) == 2:
        warn(
            f"{path} has the columns {sizes}, which are ignored: x and y are read as the centres "
            "of particles. If they are the corners of boxes, add half of width and height to them, "
            "or write x, y, width and height into an EMAN box file; if they are centres, remove "
            "the two columns"
        )


def _check_numeric(header: list[str], rows: list[list[str]], places: Iterable[int]) -> None:
    """Refuse columns of text, since one of them may hold the names of the micrographs."""
    others = [place for place in range(len(header)) if place not in places]
    text = [header[place] for place in others if any(_is_text(row[place]) for row in rows)]
    if text:
        raise ValueError(
            f"there is no column {_HEADER[0]}, but {text} hold text; the header line has {header}. "
            f"Rename the column with the names of the micrographs to {_HEADER[0]}, or remove "
            "columns of text if all rows belong to the micrograph that the file is named after"
        )


def _is_text(cell: str) -> bool:
    try:
        float(cell or "nan")
    except ValueError:
        return bool(cell.strip())
    return False
