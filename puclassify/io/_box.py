"""Coordinates in EMAN's box files, one file per micrograph."""

from __future__ import annotations

from puclassify.io._coordinate_table import CoordinateTable, micrograph_of_file

__all__ = ["read_box"]

_FLAGS = {-1.0, -2.0, -3.0}  # EMAN marks ordinary boxes and ends of helices by these, not scores


def read_box(path: str) -> CoordinateTable:
    """Read the centres of the boxes in a file named after its micrograph.

    A line holds, separated by white space, x and y of the corner nearest the origin, width, height
    and possibly a score.
    """
    with open(path, encoding="utf-8-sig") as file:
        rows = [line.split() for line in file if line.strip()]
    for row in rows:
        if len(row) < 4:
            raise ValueError(f"expected lines of x, y, width and height, got {' '.join(row)!r}")
    boxes = [[float(text) for text in row[:5]] for row in rows]
    columns = [[x + w / 2 for x, _, w, *_ in boxes], [y + h / 2 for _, y, _, h, *_ in boxes]]
    scores = [box[4] for box in boxes if len(box) == 5]
    if scores and len(scores) == len(boxes) and not set(scores) <= _FLAGS:
        columns.append(scores)
    return CoordinateTable.from_text([micrograph_of_file(path)] * len(boxes), columns)
