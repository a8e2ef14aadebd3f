"""Coordinates in EMAN's box files, one file per micrograph."""

from __future__ import annotations

from puclassify.io._coordinate_table import CoordinateTable, micrograph_of_file
from puclassify.io._coordinate_text import read_text

__all__ = ["read_box"]

_FLAGS = {-1.0, -2.0, -3.0}  # EMAN marks ordinary boxes and ends of helices by these, not scores


def read_box(path: str) -> CoordinateTable:
    """Read the centres of the boxes in a file named after its micrograph.

    A line holds, separated by white space, x and y of the corner nearest the origin, width, height
    and possibly a score.
    """
    lines, rows = [], []
    for number, line in enumerate(read_text(path).split("\n"), 1):
        row = line.split()
        if row:
            lines.append(number)
            rows.append(row)
    n_columns = _check_lengths(lines, rows)
    columns = [[row[place] for row in rows] for place in range(n_columns)]
    names = [micrograph_of_file(path)] * len(lines)
    corners = CoordinateTable.from_text(names, [*columns[:2], *columns[4:5]], lines)
    sizes = CoordinateTable.from_text(names, columns[2:4], lines)
    values = corners.values.copy()
    values[:, :2] += sizes.values / 2
    has_scores = values.shape[1] == 3 and not set(values[:, 2]) <= _FLAGS
    return CoordinateTable(names, values if has_scores else values[:, :2])


def _check_lengths(lines: list[int], rows: list[list[str]]) -> int:
    """Return the number of columns; refuse rows that are too short or differ in length."""
    n_columns = len(rows[0]) if rows else 4
    for number, row in zip(lines, rows):
        if len(row) < 4:
            raise ValueError(
                f"expected lines of x, y, width and height, got {' '.join(row)!r} on line {number}"
            )
        if len(row) != n_columns:
            raise ValueError(
                f"line {number} has {len(row)} numbers, the first has {n_columns}: "
                f"{' '.join(row)!r}; is the file complete?"
            )
    return n_columns
