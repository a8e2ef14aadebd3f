"""Coordinates in tab-separated and comma-separated tables."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from puclassify._coordinate_columns import (
    HEADER,
    OWN_SIZES,
    column_places,
    warn_of_boxes,
)
from puclassify.io._coordinate_table import CoordinateTable, micrograph_of_file
from puclassify.io._coordinate_text import cell_text, check_names, read_text

__all__ = ["format_delimited", "read_delimited"]

_DELIMITERS = "\t,;"


def read_delimited(path: str, delimiter: str | None = None) -> CoordinateTable:
    """Read a table whose header line names the columns.

    These are ``image_name``, ``x_coord``, ``y_coord`` and possibly ``score``, or common other names
    of theirs; further columns are kept as they are. Without a name column, all rows belong to the
    micrograph that the file is named after, provided that all columns hold numbers. The default
    delimiter is the most frequent one in the header line.
    """
    table = partial(_table, path, delimiter)
    text = read_text(path, table)
    found = table(text)
    warn_of_boxes(path, _header(text, delimiter))
    return found


def _header(text: str, delimiter: str | None) -> list[str]:
    """Return the titles in the first line of a table that can be read."""
    first = next((line for line in text.split("\n") if line.strip()), "")
    delimiter = delimiter or max(_DELIMITERS, key=first.count)
    return next(csv.reader([first], delimiter=delimiter), [])


def _table(path: str, delimiter: str | None, text: str) -> CoordinateTable:
    numbered = enumerate(text.split("\n"), 1)
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
    if "image_name" not in places:
        _check_numeric(header, rows, places.values())
    columns = {name: [row[place] for row in rows] for name, place in places.items()}
    names = columns.pop("image_name", [micrograph_of_file(path)] * len(rows))
    table = CoordinateTable.from_text(names, list(columns.values()), numbers)
    return replace(table, columns=_further_columns(header, rows, places))


def _further_columns(
    header: list[str], rows: list[list[str]], places: dict[str, int]
) -> dict[str, list[str]]:
    """Return the columns that are not places, names or scores, by title."""
    own = {title: name for name, title in OWN_SIZES.items()}
    others = [place for place in range(len(header)) if place not in places.values()]
    return {
        own.get(header[place], header[place].strip()): [row[place].strip() for row in rows]
        for place in others
        if header[place].strip()
    }


def format_delimited(table: CoordinateTable, delimiter: str) -> str:
    """Format coordinates as a table with a header line."""
    check_names(table.names)
    text = {name: _cell(name, delimiter) for name in set(table.names)}
    columns = [[text[name] for name in table.names], *table.text_columns()]
    titles = [*HEADER[: len(columns)]]
    for title, values in table.columns.items():
        titles.append(_cell(OWN_SIZES.get(title, title), delimiter))
        columns.append([_cell(cell_text(value), delimiter) for value in values])
    rows = map(delimiter.join, zip(*columns))
    return "\n".join([delimiter.join(titles), *rows, ""])


def _cell(text: str, delimiter: str) -> str:
    """Return a text as it stands in a table, in quotes if it has to be."""
    if not any(mark in text for mark in (delimiter, '"', "\n", "\r")):
        return text
    return '"' + text.replace('"', '""').replace("\r", " ").replace("\n", " ") + '"'


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
    try:
        return column_places(header)
    except ValueError:
        if sum(not _is_text(cell) for cell in " ".join(header).split()) < 2:
            raise
        raise ValueError(
            f"the first line has to be a header, such as {','.join(HEADER[:3])}, but it "
            f"holds numbers: {header}; add that line, and separate columns by tabs or "
            "commas. Without names of micrographs it is x_coord,y_coord. Lists of numbers without "
            "a header are read with format='coord' (x y), 'box' (corner, width and height) or "
            "'imod' (x y z)"
        ) from None


def _check_numeric(header: list[str], rows: list[list[str]], places: Iterable[int]) -> None:
    """Refuse columns of text, since one of them may hold the names of the micrographs."""
    others = [place for place in range(len(header)) if place not in places]
    text = [header[place] for place in others if any(_is_text(row[place]) for row in rows)]
    if text:
        raise ValueError(
            f"there is no column {HEADER[0]}, but {text} hold text; the header line has {header}. "
            f"Rename the column with the names of the micrographs to {HEADER[0]}, or remove "
            "columns of text if all rows belong to the micrograph that the file is named after"
        )


def _is_text(cell: str) -> bool:
    try:
        float(cell or "nan")
    except ValueError:
        return bool(cell.strip())
    return False
