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
    numbered = enumerate(read_text(path).split("\n"), 1)
    numbered_rows = [(number, row) for number, line in numbered if (row := line.split())]
    n_columns = _check_lengths(numbered_rows)
    lines = [number for number, _ in numbered_rows]
    columns = [[row[place] for _, row in numbered_rows] for place in range(n_columns)]
    names = [micrograph_of_file(path)] * len(lines)
    corners = CoordinateTable.from_text(names, [*columns[:2], *columns[4:5]], lines)
    sizes = CoordinateTable.from_text(names, columns[2:4], lines)
    values = corners.values.copy()
    values[:, :2] += sizes.values / 2
    has_scores = values.shape[1] == 3 and not set(values[:, 2]) <= _FLAGS
    return CoordinateTable(names, values if has_scores else values[:, :2])


def _check_lengths(numbered_rows: list[tuple[int, list[str]]]) -> int:
    """Return the number of columns; refuse rows that are too short or differ in length."""
    n_columns = len(numbered_rows[0][1]) if numbered_rows else 4
    for number, row in numbered_rows:
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
