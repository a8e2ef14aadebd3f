"""Coordinates in point lists of IMOD's model2point and point2model, one file per micrograph."""

from __future__ import annotations

from functools import partial

from puclassify.io._coordinate_table import CoordinateTable, micrograph_of_file
from puclassify.io._coordinate_text import text_rows

__all__ = ["format_imod", "read_imod"]

_CENTRE = 0.5  # where models have the centre of the first pixel


def read_imod(path: str) -> CoordinateTable:
    """Read lines of x, y and z, after the numbers of object and contour if there are any."""
    table = partial(_table, path)
    return table(*text_rows(path, table))


def _table(path: str, rows: list[list[str]], lines: list[int]) -> CoordinateTable:
    width = len(rows[0]) if rows else 3
    for number, row in zip(lines, rows):
        if len(row) != width or width not in (3, 4, 5):
            raise ValueError(
                f"expected lines of x, y and z, possibly after object and contour, all alike, got "
                f"{' '.join(row)!r} on line {number}; lists of x and y are read with format='coord'"
            )
    columns = [[row[place] for row in rows] for place in range(width)]
    names = [micrograph_of_file(path)] * len(rows)
    sections = CoordinateTable.from_text(names, [columns[-1]] * 2, lines).values[:, 0]
    if len(set(sections.tolist())) > 1:
        raise ValueError(
            f"the points lie on {len(set(sections.tolist()))} sections (z); only models of single "
            "images are read: write a file for each of them"
        )
    table = CoordinateTable.from_text(names, columns[-3:-1], lines)
    table.values[:, :2] -= _CENTRE
    return table


def format_imod(table: CoordinateTable) -> str:
    """Format lines of x, y and 0, the section; scores have no place."""
    points = (table.values[:, :2] + _CENTRE).tolist()
    return "".join(f"{x!r} {y!r} 0\n" for x, y in points)
