"""Coordinates in lists of x and y without a header, one file per micrograph."""

from __future__ import annotations

from functools import partial

from puclassify.io._coordinate_table import CoordinateTable, micrograph_of_file
from puclassify.io._coordinate_text import text_rows

__all__ = ["format_coord", "read_coord"]


def read_coord(path: str) -> CoordinateTable:
    """Read lines of x, y and possibly a score, separated by white space."""
    table = partial(_table, path)
    return table(*text_rows(path, table))


def _table(path: str, rows: list[list[str]], lines: list[int]) -> CoordinateTable:
    width = len(rows[0]) if rows else 2
    for number, row in zip(lines, rows):
        if len(row) != width or width not in (2, 3):
            raise ValueError(
                f"expected lines of x, y and possibly a score, all alike, got {' '.join(row)!r} on "
                f"line {number}; boxes (x, y, width, height) are read with format='box', points of "
                "IMOD with format='imod'"
            )
    columns = [[row[place] for row in rows] for place in range(width)]
    return CoordinateTable.from_text([micrograph_of_file(path)] * len(rows), columns, lines)


def format_coord(table: CoordinateTable) -> str:
    """Format lines of x, y and, if there is one, the score."""
    return "".join(" ".join(row) + "\n" for row in zip(*table.text_columns()))
