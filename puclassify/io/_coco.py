"""Coordinates in COCO's JSON files: boxes, and lists of detections."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from puclassify.io._box_sizes import corners
from puclassify.io._coordinate_table import CoordinateTable
from puclassify.io._coordinate_text import check_names
from puclassify.io._json_text import image_shape, items, number, outline, read_json, text

__all__ = ["format_coco", "is_coco", "read_coco"]

_LABEL = "particle"


def is_coco(content: Any) -> bool:
    """Return whether the content of a JSON file is COCO's."""
    return isinstance(content, dict) and "annotations" in content and "images" in content


def read_coco(path: str) -> CoordinateTable:
    """Read the centres of the boxes of all annotations, with the names of their images."""
    content = read_json(path)
    if not is_coco(content):
        raise ValueError(
            f"there are no images and annotations in it, but {outline(content)}; a list of "
            "detections lacks the names of the images: put it as annotations beside the images of "
            "the data set"
        )
    images = {_key(one, "id"): one for one in _objects(content["images"], "images")}
    names = {key: text(one.get("file_name"), "file_name") for key, one in images.items()}
    labels = {
        _key(one, "id"): one.get("name")
        for one in _objects(content.get("categories", []), "categories")
    }
    annotations = _objects(content["annotations"], "annotations")
    for place, one in enumerate(annotations):
        if _key(one, "image_id") not in names:
            image = one.get("image_id")
            raise ValueError(f"annotations[{place}] is of the unknown image {image!r}")
    boxes = [_box(one, f"annotations[{place}]") for place, one in enumerate(annotations)]
    columns = [[box[axis] + box[axis + 2] / 2 for box in boxes] for axis in (0, 1)]
    if annotations and all("score" in one for one in annotations):
        columns.append([number(one["score"], "score") for one in annotations])
    of_rows = [names[_key(one, "image_id")] for one in annotations]
    table = CoordinateTable.from_text(of_rows, columns)
    kept: dict[str, list[Any]] = {
        "width": [box[2] for box in boxes],
        "height": [box[3] for box in boxes],
        "label": [labels.get(one.get("category_id")) for one in annotations],
    }
    shapes = {
        names[key]: image_shape(one.get("height"), one.get("width")) for key, one in images.items()
    }
    return replace(
        table,
        columns=kept,
        shapes={name: shape for name, shape in shapes.items() if shape is not None},
        micrographs=tuple(names.values()),
    )


def format_coco(table: CoordinateTable) -> str:
    """Format boxes, with the sizes of the images where they are known."""
    names = list(dict.fromkeys([*table.micrographs, *table.names]))
    check_names(names)
    ids = {name: number for number, name in enumerate(names, 1)}
    images: list[dict[str, Any]] = []
    for name in names:
        shape = table.shapes.get(name)
        size = {} if shape is None else {"width": int(shape[1]), "height": int(shape[0])}
        images.append({"id": ids[name], "file_name": name, **size})
    labels = [
        _LABEL if one is None else str(one)
        for one in table.columns.get("label") or [None] * len(table.names)
    ]
    categories = {name: number for number, name in enumerate(dict.fromkeys([*labels, _LABEL]), 1)}
    scores = table.values[:, 2:].tolist()
    annotations = [
        {
            "id": number,
            "image_id": ids[name],
            "category_id": categories[label],
            "bbox": list(box),
            "area": box[2] * box[3],
            "iscrowd": 0,
            **dict(zip(["score"], score)),
        }
        for number, (name, label, box, score) in enumerate(
            zip(table.names, labels, zip(*corners(table)), scores), 1
        )
    ]
    listed = [{"id": number, "name": name} for name, number in categories.items()]
    return (
        json.dumps({"images": images, "annotations": annotations, "categories": listed}, indent=0)
        + "\n"
    )


def _objects(value: Any, where: str) -> list[dict[str, Any]]:
    found = items(value, where)
    for place, one in enumerate(found):
        if not isinstance(one, dict):
            raise ValueError(f"{where}[{place}] is {one!r:.60}, expected an object")
    return found


def _key(one: dict[str, Any], title: str) -> Any:
    key = one.get(title)
    if not isinstance(key, (int, str)):
        raise ValueError(f"{title} is {key!r:.60}, expected a number or a name")
    return key


def _box(one: dict[str, Any], where: str) -> list[float]:
    box = items(one.get("bbox"), f"{where}: bbox")
    if len(box) != 4:
        raise ValueError(f"{where}: bbox is {box!r:.60}, expected [x, y, width, height]")
    return [number(value, f"{where}: bbox") for value in box]
