"""Coordinates in labelme's JSON files, one file per image."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from puclassify.io._coordinate_table import CoordinateTable, micrograph_of_file
from puclassify.io._coordinate_text import check_names
from puclassify.io._json_text import image_shape, items, number, outline, read_json

__all__ = ["format_labelme", "is_labelme", "read_labelme"]

_LABEL = "particle"
_VERSION = "5.0.1"


def is_labelme(content: Any) -> bool:
    """Return whether the content of a JSON file is labelme's."""
    return isinstance(content, dict) and "shapes" in content and "imagePath" in content


def read_labelme(path: str) -> CoordinateTable:
    """Read points, and the centres of circles, rectangles and polygons."""
    content = read_json(path)
    if not is_labelme(content):
        raise ValueError(f"there are no shapes and imagePath in it, but {outline(content)}")
    shapes = items(content["shapes"], "shapes")
    centres = [_centre_and_size(one, f"shapes[{place}]") for place, one in enumerate(shapes)]
    image = content["imagePath"]
    name = image.strip() if isinstance(image, str) and image.strip() else micrograph_of_file(path)
    columns = [[centre[axis] for centre in centres] for axis in (0, 1)]
    if shapes and all(one.get("score") is not None for one in shapes):
        columns.append([number(one["score"], "score") for one in shapes])
    kept: dict[str, list[Any]] = {"label": [one.get("label") for one in shapes]}
    if shapes and all(len(centre) == 4 for centre in centres):
        kept["width"] = [centre[2] for centre in centres]
        kept["height"] = [centre[3] for centre in centres]
    shape = image_shape(content.get("imageHeight"), content.get("imageWidth"))
    return replace(
        CoordinateTable.from_text([name] * len(shapes), columns),
        columns=kept,
        shapes={} if shape is None else {name: shape},
        micrographs=(name,),
    )


def format_labelme(table: CoordinateTable) -> str:
    """Format points, or rectangles if the sizes of boxes are known."""
    name = next(iter([*table.names, *table.micrographs]), "")
    check_names(filter(None, [name]))
    height, width = table.shapes.get(name, (None, None))
    sizes = table.number_column("width"), table.number_column("height")
    labels = table.columns.get("label") or [None] * len(table.names)
    shapes = []
    for row, (x, y, *scores) in enumerate(table.values.tolist()):
        points, kind = [[x, y]], "point"
        if sizes[0] is not None and sizes[1] is not None:
            w, h = float(sizes[0][row]) / 2, float(sizes[1][row]) / 2
            points, kind = [[x - w, y - h], [x + w, y + h]], "rectangle"
        shape: dict[str, Any] = {"label": str(labels[row] or _LABEL), "points": points}
        shape |= {"group_id": None, "shape_type": kind, "flags": {}}
        shapes.append({**shape, **dict(zip(["score"], scores))})
    content = {"version": _VERSION, "flags": {}, "shapes": shapes, "imagePath": name}
    size = {"imageData": None, "imageHeight": height, "imageWidth": width}
    return json.dumps({**content, **size}, indent=1) + "\n"


def _centre_and_size(shape: Any, where: str) -> tuple[float, ...]:
    if not isinstance(shape, dict):
        raise ValueError(f"{where} is {shape!r:.60}, expected an object")
    points = [items(point, where) for point in items(shape.get("points"), f"{where}: points")]
    if not points or any(len(point) != 2 for point in points):
        raise ValueError(f"{where}: points is {points!r:.60}, expected a list of [x, y]")
    x, y = ([number(point[axis], where) for point in points] for axis in (0, 1))
    if shape.get("shape_type") in ("point", "circle") or len(points) == 1:
        return x[0], y[0]  # of a circle the centre comes first
    sides = max(x) - min(x), max(y) - min(y)
    return (min(x) + max(x)) / 2, (min(y) + max(y)) / 2, *sides
