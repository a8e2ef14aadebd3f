"""Coordinates in EMAN's box files, one file per micrograph."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from puclassify.io._box_sizes import corners
from puclassify.io._coordinate_table import CoordinateTable, micrograph_of_file
from puclassify.io._coordinate_text import short_number, text_rows

__all__ = ["format_box", "read_box"]

_FLAGS = {"-1", "-2", "-3"}  # EMAN marks ordinary boxes and ends of helices by these, not scores


def read_box(path: str) -> CoordinateTable:
    """Read the centres of the boxes in a file named after its micrograph.

    A line holds, separated by white space, x and y of the corner nearest the origin, width, height
    and possibly a score.
    """
    table = partial(_table, path)
    return table(*text_rows(path, table))


def _table(path: str, rows: list[list[str]], lines: list[int]) -> CoordinateTable:
    n_columns = _check_lengths(lines, rows)
    columns = [[row[place] for row in rows] for place in range(n_columns)]
    names = [micrograph_of_file(path)] * len(lines)
    scores = columns[4:5] if columns[4:5] and not set(columns[4]) <= _FLAGS else []
    table = CoordinateTable.from_text(names, [*columns[:2], *scores], lines)
    sizes = CoordinateTable.from_text(names, columns[2:4], lines).values
    table.values[:, :2] += sizes / 2
    return replace(table, columns={"width": sizes[:, 0].tolist(), "height": sizes[:, 1].tolist()})


def format_box(table: CoordinateTable) -> str:
    """Format the corners and sizes of boxes, and the score in a fifth column."""
    columns = [list(map(short_number, column)) for column in corners(table)]
    if table.values.shape[1] == 3:  # with a point, so that it cannot be one of EMAN's flags
        columns.append(list(map(repr, table.values[:, 2].tolist())))
    return "".join("\t".join(row) + "\n" for row in zip(*columns))


def _check_lengths(lines: list[int], rows: list[list[str]]) -> int:
    """Return the number of columns; refuse rows that are too short or differ in length."""
    n_columns = len(rows[0]) if rows else 4
    for number, row in zip(lines, rows):
        if len(row) < 4:
            raise ValueError(
                f"expected lines of x, y, width and height, got {' '.join(row)!r} on line "
                f"{number}; lists of centres are read with format='coord'"
            )
        if len(row) != n_columns:
            raise ValueError(
                f"line {number} has {len(row)} numbers, the first has {n_columns}: "
                f"{' '.join(row)!r}; is the file complete?"
            )
    return n_columns
