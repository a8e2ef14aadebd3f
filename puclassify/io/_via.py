"""Coordinates in the CSV files of the VGG Image Annotator (VIA 2)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from puclassify.io._coordinate_table import CoordinateTable
from puclassify.io._coordinate_text import cell_text, check_names
from puclassify.io._json_text import items, number, text
from puclassify.io._points_csv import csv_text, read_titled_rows

__all__ = ["format_via", "is_via", "read_via"]

_FILE, _SHAPE, _ATTRIBUTES = "filename", "region_shape_attributes", "region_attributes"
_SCORES = ("score", "confidence")


def is_via(first: str) -> bool:
    """Return whether a first line is that of VIA's CSV files."""
    return _SHAPE in first and _FILE in first


def read_via(path: str) -> CoordinateTable:
    """Read points, and the centres of circles, ellipses, rectangles and polygons."""
    titles, rows, lines = read_titled_rows(path, ",")
    titles = [title.lstrip("#") for title in titles]  # of VIA 1 and 3
    if not {_FILE, _SHAPE} <= set(titles):
        raise ValueError(f"there are no columns {_FILE} and {_SHAPE}, it has {titles}")
    names: list[str] = []
    numbers: list[tuple[float, ...]] = []
    attributes: list[dict[str, Any]] = []
    micrographs: dict[str, None] = {}
    for line, row in zip(lines, rows):
        cells = dict(zip(titles, row))
        micrographs[text(cells[_FILE], f"line {line}: {_FILE}")] = None
        shape = _object(cells[_SHAPE], f"line {line}: {_SHAPE}")
        if not shape:  # an image without regions
            continue
        names.append(cells[_FILE].strip())
        numbers.append(_centre_and_size(shape, f"line {line}"))
        attributes.append(_object(cells.get(_ATTRIBUTES, ""), f"line {line}: {_ATTRIBUTES}"))
    columns = [[centre[axis] for centre in numbers] for axis in (0, 1)]
    score = next((t for t in _SCORES if attributes and all(t in one for one in attributes)), None)
    if score:
        where = _ATTRIBUTES
        columns.append([number(one[score], f"{where} {score}") for one in attributes])
    table = CoordinateTable.from_text(names, columns)
    kept: dict[str, list[Any]] = {
        title: [one.get(title) for one in attributes]
        for title in dict.fromkeys(key for one in attributes for key in one)
        if title != score
    }
    if any(len(one) == 4 for one in numbers):
        kept["width"] = [one[2] if len(one) == 4 else None for one in numbers]
        kept["height"] = [one[3] if len(one) == 4 else None for one in numbers]
    return replace(table, columns=kept, micrographs=tuple(micrographs))


def format_via(table: CoordinateTable) -> str:
    """Format a point for every row, or a rectangle if the size of its box is known."""
    check_names(table.names)
    width, height = table.number_column("width"), table.number_column("height")
    others = [title for title in table.columns if title not in ("width", "height")]
    shapes, attributes = [], []
    for row, (x, y, *scores) in enumerate(table.values.tolist()):
        if width is None or height is None:
            shapes.append({"name": "point", "cx": x, "cy": y})
        else:
            w, h = width[row], height[row]
            shapes.append({"name": "rect", "x": x - w / 2, "y": y - h / 2, "width": w, "height": h})
        texts = {title: cell_text(table.columns[title][row]) for title in others}
        attributes.append({**dict(zip(["score"], map(repr, scores))), **texts})
    counts: dict[str, int] = {}
    places = []
    for name in table.names:
        places.append(counts.get(name, 0))
        counts[name] = places[-1] + 1
    n_rows = len(table.names)
    return csv_text(
        {
            _FILE: table.names,
            "file_size": ["-1"] * n_rows,
            "file_attributes": ["{}"] * n_rows,
            "region_count": [counts[name] for name in table.names],
            "region_id": places,
            _SHAPE: list(map(json.dumps, shapes)),
            _ATTRIBUTES: list(map(json.dumps, attributes)),
        }
    )


def _object(cell: str, where: str) -> dict[str, Any]:
    try:
        content = json.loads(cell or "{}")
    except (json.JSONDecodeError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise ValueError(f"{where} is {cell!r:.60}, expected JSON such as {{}}")
    return content


def _centre_and_size(shape: dict[str, Any], where: str) -> tuple[float, ...]:
    def at(key: str) -> float:
        return number(shape.get(key), f"{where}: {key}")

    if "cx" in shape and "cy" in shape:
        return at("cx"), at("cy")
    if "all_points_x" in shape and "all_points_y" in shape:
        sides = []
        for key in ("all_points_x", "all_points_y"):
            points = [number(one, f"{where}: {key}") for one in items(shape[key], key)]
            if not points:
                raise ValueError(f"{where}: {key} is empty")
            sides.append((min(points), max(points)))
        (x0, x1), (y0, y1) = sides
        return (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0
    if {"x", "y", "width", "height"} <= set(shape):
        w, h = at("width"), at("height")
        return at("x") + w / 2, at("y") + h / 2, w, h
    raise ValueError(
        f"{where}: a region of the kind {shape.get('name')!r:.40} has no centre; points, circles, "
        "ellipses, rectangles and polygons have"
    )
