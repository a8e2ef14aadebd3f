"""Coordinates in tables with a separator: tab-separated and comma-separated files."""

from __future__ import annotations

import csv
import io

from puclassify.io._coordinate_table import CoordinateTable, micrograph_of_file

__all__ = ["format_delimited", "read_delimited"]

_HEADER = ("image_name", "x_coord", "y_coord", "score")
# Compared without case, "-", "_" and spaces; the first one of a column that is there counts.
_ALIASES = {
    "image_name": (
        *("imagename", "micrographname", "rlnmicrographname", "micrograph", "image"),
        *("micrographpath", "imagepath", "filename", "path", "file", "name"),
    ),
    "x_coord": ("xcoord", "x", "xcoordinate", "rlncoordinatex"),
    "y_coord": ("ycoord", "y", "ycoordinate", "rlncoordinatey"),
    "score": ("score", "confidence", "rlnautopickfigureofmerit"),
}
_DELIMITERS = "\t,;"


def read_delimited(path: str, delimiter: str | None = None) -> CoordinateTable:
    """Read a table with a header line that names its columns.

    Parameters
    ----------
    path : str
        A text file with columns ``image_name``, ``x_coord``, ``y_coord`` and possibly ``score``,
        or their common other names; further columns are ignored. Without a name column, and if
        all columns hold numbers, all rows belong to the micrograph that the file is named after.
    delimiter : str or None, default=None
        What separates the columns; None takes what the header line has most of.

    Returns
    -------
    CoordinateTable
        Its rows.

    Raises
    ------
    ValueError
        If a column is missing, a row is not of the width of the header, or no column is known to
        hold the names although one holds text.
    """
    with open(path, encoding="utf-8-sig", newline="") as file:
        text = file.read()
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        raise ValueError("the file is empty")
    delimiter = delimiter or max(_DELIMITERS, key=lines[0][1].count)
    try:
        header, *rows = csv.reader((line for _, line in lines), delimiter=delimiter)
    except csv.Error as error:
        raise ValueError(
            f"it is no table with columns separated by {delimiter!r}: {error}"
        ) from error
    places = _column_places(header)
    for (number, _), row in zip(lines[1:], rows):
        if len(row) != len(header):
            raise ValueError(
                f"line {number} has {len(row)} columns, the header has {len(header)}: {row}"
            )
    if "image_name" not in places:
        _check_numbers(header, rows, places.values())
    columns = {name: [row[place] for row in rows] for name, place in places.items()}
    names = columns.pop("image_name", [micrograph_of_file(path)] * len(rows))
    return CoordinateTable.from_text(names, list(columns.values()))


def format_delimited(table: CoordinateTable, delimiter: str) -> str:
    """Format coordinates as a table with a header line.

    Parameters
    ----------
    table : CoordinateTable
        The rows.
    delimiter : str
        What separates the columns.

    Returns
    -------
    str
        The text of the file.

    Raises
    ------
    ValueError
        If a micrograph name would not be read back as it is.
    """
    for name in set(table.names):
        if len(name.splitlines()) != 1 or name != name.strip():
            raise ValueError(
                f"names holds {name!r}; a table can store names of one line without spaces around "
                "them, rename the micrograph"
            )
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    columns = [table.names, *table.text_columns()]
    writer.writerow(_HEADER[: len(columns)])
    writer.writerows(zip(*columns))
    return text.getvalue()


def _column_places(header: list[str]) -> dict[str, int]:
    """Find the columns, in the order name, x, y, score."""
    plain = [title.lower().translate(str.maketrans("", "", "-_ ")) for title in header]
    places = {}
    for name, aliases in _ALIASES.items():
        place = next((plain.index(alias) for alias in aliases if alias in plain), None)
        if place is not None:
            places[name] = place
        elif name in ("x_coord", "y_coord"):
            raise ValueError(
                f"there is no column {name}; the header line has {header}, expected "
                f"{', '.join(_HEADER[:3])} and possibly {_HEADER[3]}"
            )
    return places


def _check_numbers(header: list[str], rows: list[list[str]], places) -> None:
    """Refuse columns of text, of which one may hold the names of the micrographs."""
    others = [place for place in range(len(header)) if place not in places]
    text = [header[place] for place in others if any(_is_text(row[place]) for row in rows)]
    if text:
        raise ValueError(
            f"there is no column {_HEADER[0]}, but {text} hold text; the header line has {header}. "
            f"Call the column that names the micrographs {_HEADER[0]}, or leave columns of text "
            "out where all rows belong to the micrograph that the file is named after"
        )


def _is_text(cell: str) -> bool:
    try:
        float(cell or "nan")
    except ValueError:
        return bool(cell.strip())
    return False
