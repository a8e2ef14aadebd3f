"""Coordinates in the tables of ImageJ (Results) and napari (points)."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from typing import Any

from puclassify.io._coordinate_table import CoordinateTable, micrograph_of_file
from puclassify.io._coordinate_text import cell_text, check_names, read_text

__all__ = [
    "csv_text",
    "format_imagej",
    "format_napari",
    "is_imagej",
    "is_napari",
    "read_imagej",
    "read_napari",
    "read_titled_rows",
]

_NAME, _SCORE = "image_name", "score"
_LABEL, _SLICE = "Label", "Slice"
_SLICE_IN_LABEL = re.compile(r"(?<=.):(\d+-\d+(-\d+)*|[^/]*:.*)$")


def is_imagej(first: str) -> bool:
    """Return whether a first line is that of ImageJ's Results, with numbers of rows in front."""
    titles = _titles(first)
    return titles[:1] == [""] and "X" in titles and "Y" in titles


def is_napari(first: str) -> bool:
    """Return whether a first line is that of napari's points."""
    titles = _titles(first)
    return "axis-0" in titles and "axis-1" in titles


def read_imagej(path: str) -> CoordinateTable:
    """Read columns X and Y; the column Label, if there is one, begins with the image's name."""
    titles, rows, lines = read_titled_rows(path, "\t" if "\t" in _first_line(path) else ",")
    for title in "XY":
        if title not in titles:
            raise ValueError(
                f"there is no column {title}, it has {titles}; in ImageJ tick Centroid in Set "
                "Measurements and measure the points"
            )
    columns = {title: [row[place] for row in rows] for place, title in enumerate(titles) if title}
    slices = set(columns.pop(_SLICE, ()))
    if len(slices) > 1:
        raise ValueError(
            f"the points lie on {len(slices)} slices of a stack; measure one image at a time"
        )
    labels = columns.pop(_LABEL, [""] * len(rows))
    names = [_SLICE_IN_LABEL.sub("", label) or micrograph_of_file(path) for label in labels]
    return _table(names, columns, "X", "Y", lines)


def format_imagej(table: CoordinateTable) -> str:
    """Format columns Label, X and Y."""
    check_names(table.names)
    cut = next((name for name in set(table.names) if _SLICE_IN_LABEL.search(name)), None)
    if cut is not None:
        raise ValueError(f"names holds {cut!r}; ImageJ puts slices behind a colon: rename it")
    x, y, *scores = table.text_columns()
    columns = {" ": range(1, len(x) + 1), _LABEL: table.names, "X": x, "Y": y}
    return csv_text({**columns, **dict(zip([_SCORE], scores)), **table.columns})


def read_napari(path: str) -> CoordinateTable:
    """Read the last two axes, y and x; points of a stack have to lie on one image of it."""
    titles, rows, lines = read_titled_rows(path, ",")
    axes = sorted(title for title in titles if re.fullmatch(r"axis-\d", title))
    if len(axes) < 2:
        raise ValueError(f"there are no columns axis-0 and axis-1, it has {titles}")
    columns = {title: [row[place] for row in rows] for place, title in enumerate(titles) if title}
    for axis in axes[:-2]:
        if len(set(columns.pop(axis))) > 1:
            raise ValueError(
                f"{axis} of the points differs, so they lie on several images; save the points of "
                "each image"
            )
    columns.pop("index", None)
    names = columns.pop(_NAME, [micrograph_of_file(path)] * len(rows))
    return _table(names, columns, axes[-1], axes[-2], lines)


def format_napari(table: CoordinateTable) -> str:
    """Format rows of y and x, with names and scores as features of the points."""
    check_names(table.names)
    x, y, *scores = table.text_columns()
    columns = {"index": range(len(x)), "axis-0": y, "axis-1": x, _NAME: table.names}
    return csv_text({**columns, **dict(zip([_SCORE], scores)), **table.columns})


def read_titled_rows(path: str, delimiter: str) -> tuple[list[str], list[list[str]], list[int]]:
    """Return the titles, the rows and the lines of a table; every row is as long as the titles."""
    return _titled_rows(read_text(path, lambda head: _titled_rows(head, delimiter)), delimiter)


def _titled_rows(text: str, delimiter: str) -> tuple[list[str], list[list[str]], list[int]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows, lines = [], []
    try:
        titles = [title.strip() for title in next(reader, [])]
        if not titles:
            raise ValueError("the file is empty")
        for row in reader:
            if not row:
                continue
            if len(row) != len(titles):
                raise ValueError(
                    f"line {reader.line_num} has {len(row)} columns, the first line has "
                    f"{len(titles)}; is the file complete?"
                )
            rows.append(row)
            lines.append(reader.line_num)
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num} is no row of a table: {error}") from None
    twice = {title for title in titles if title and titles.count(title) > 1}
    if twice:
        raise ValueError(f"the columns {sorted(twice)} occur more than once")
    return titles, rows, lines


def _table(
    names: list[str], columns: dict[str, list[str]], x: str, y: str, lines: list[int]
) -> CoordinateTable:
    numbers = [columns.pop(x), columns.pop(y)]
    score = next((title for title in columns if title.lower() in (_SCORE, "confidence")), None)
    if score is not None:
        numbers.append(columns.pop(score))
    return replace(CoordinateTable.from_text(names, numbers, lines), columns=columns)


def csv_text(columns: dict[str, Any]) -> str:
    """Return a table of columns of the same length."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(map(cell_text, column) for column in columns.values())))
    return text.getvalue()


def _titles(first: str) -> list[str]:
    return [title.strip(' "') for title in first.split("\t" if "\t" in first else ",")]


def _first_line(path: str) -> str:
    with open(path, encoding="utf-8-sig", errors="replace") as file:
        return file.readline(1 << 16)
