"""Coordinates in EMAN2's ``info`` files, one file per micrograph."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from puclassify.io._coordinate_table import CoordinateTable, file_stem
from puclassify.io._json_text import items, number, outline, read_json

__all__ = ["format_eman2", "is_eman2", "read_eman2", "update_eman2"]

_MANUAL = "manual"


def is_eman2(content: Any) -> bool:
    """Return whether the content of a JSON file is EMAN2's."""
    return isinstance(content, dict) and "boxes" in content


def read_eman2(path: str) -> CoordinateTable:
    """Read ``boxes``, lists of x and y of the centre, the way of picking and possibly a score."""
    content = read_json(path)
    if not is_eman2(content):
        raise ValueError(
            f"there are no boxes in it, it has {outline(content)}; in EMAN2 pick particles with "
            "e2boxer, or import a box file"
        )
    boxes = [items(box, "a box") for box in items(content["boxes"], "boxes")]
    for place, box in enumerate(boxes):
        if len(box) < 2:
            raise ValueError(f"boxes[{place}] is {box!r:.60}, expected [x, y, 'manual']")
    columns = [[number(box[axis], f"boxes[{i}]") for i, box in enumerate(boxes)] for axis in (0, 1)]
    is_scored = [len(box) > 3 and isinstance(box[3], (int, float)) for box in boxes]
    if boxes and all(is_scored):
        columns.append([number(box[3], f"boxes[{i}]") for i, box in enumerate(boxes)])
    name = file_stem(path).removesuffix("_info") or file_stem(path)
    table = CoordinateTable.from_text([name] * len(boxes), columns)
    return replace(table, columns={"label": [str(box[2]) if box[2:] else None for box in boxes]})


def format_eman2(table: CoordinateTable) -> str:
    """Format ``boxes``."""
    labels = table.columns.get("label") or [None] * len(table.names)
    rows = zip(table.values.tolist(), labels)
    boxes = [[*row[:2], _MANUAL if label is None else str(label), *row[2:]] for row, label in rows]
    return json.dumps({"boxes": boxes}, indent=0) + "\n"


def update_eman2(old: str, new: str) -> str:
    """Return an info file with other boxes; it also holds what EMAN2 knows of the micrograph."""
    try:
        content = json.loads(old)
    except RecursionError:
        content = None
    if not isinstance(content, dict):
        raise ValueError("the existing file is no info file of EMAN2")
    return json.dumps({**content, **json.loads(new)}, indent=0) + "\n"
