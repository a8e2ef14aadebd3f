"""Coordinates in crYOLO's CBOX files, one file per micrograph."""

from __future__ import annotations

from dataclasses import replace

from puclassify.io._box_sizes import corners
from puclassify.io._coordinate_table import CoordinateTable, micrograph_of_file
from puclassify.io._coordinate_text import cell_text, read_text
from puclassify.io._star_grammar import StarTable, check_star_head, parse_star

__all__ = ["format_cbox", "read_cbox"]

_CORNER = ("CoordinateX", "CoordinateY")
_SIZE = ("Width", "Height")
_SCORE, _SECTION = "Confidence", "CoordinateZ"
_KEPT = {
    "EstWidth": "estimated_width",
    "EstHeight": "estimated_height",
    "NumBoxes": "n_boxes",
    "Angle": "angle",
}
_WRITTEN = (*_CORNER, _SECTION, *_SIZE, "Depth", "EstWidth", "EstHeight", _SCORE)
_GAPS = ("<NA>", "nan", "NaN", "None", "")
_GAP = "<NA>"


def read_cbox(path: str) -> CoordinateTable:
    """Read the centres of the boxes, their confidence, and the sizes that were estimated."""
    tables = parse_star(read_text(path, check_star_head))
    found = [table for table in tables if table.block.lower() == "cryolo"]
    needed = (*_CORNER, *_SIZE)
    if not found or any(found[0].column(title) is None for title in needed):
        blocks = [f"data_{table.block} ({', '.join(table.titles[:4])})" for table in tables]
        raise ValueError(
            f"there is no block data_cryolo with columns {', '.join(needed)}, found "
            f"{'; '.join(blocks) or 'none'}; STAR files of RELION are read with format='star'"
        )
    table = found[0]
    if len(set(table.column(_SECTION) or ()) - set(_GAPS)) > 1:
        raise ValueError("the boxes lie on several sections of a tomogram; only micrographs are")
    names = [micrograph_of_file(path)] * len(table.rows)
    scores = [table.column(_SCORE) or []]
    is_scored = bool(scores[0]) and not set(scores[0]) & set(_GAPS)
    columns = [_cells(table, title) for title in _CORNER] + (scores if is_scored else [])
    read = CoordinateTable.from_text(names, columns, table.lines)
    sizes = CoordinateTable.from_text(names, [_cells(table, t) for t in _SIZE], table.lines).values
    read.values[:, :2] += sizes / 2
    kept = {name: _without_gaps(table.column(title)) for title, name in _KEPT.items()}
    further = {name: column for name, column in kept.items() if any(v is not None for v in column)}
    boxes = dict(zip(("width", "height"), sizes.T.tolist()))
    return replace(read, columns={**boxes, **further})


def format_cbox(table: CoordinateTable) -> str:
    """Format corners and sizes of boxes, and what is known of confidence and size."""
    n_rows = len(table.names)
    gaps = [_GAP] * n_rows
    x, y, width, height = ([repr(number) for number in column] for column in corners(table))
    scores = table.text_columns()[2] if table.values.shape[1] == 3 else gaps
    kept = {
        name: [cell_text(value) or _GAP for value in table.columns.get(name, [None] * n_rows)]
        for name in _KEPT.values()
    }
    sizes = [kept["estimated_width"], kept["estimated_height"]]
    columns = [x, y, gaps, width, height, gaps, *sizes, scores, kept["n_boxes"], kept["angle"]]
    titles = [f"_{t} #{i}" for i, t in enumerate((*_WRITTEN, "NumBoxes", "Angle"), 1)]
    rows = map(" ".join, zip(*columns))
    head = ["data_global", "", "_cbox_format_version 1.0", "", "data_cryolo", "", "loop_"]
    return "\n".join([*head, *titles, *rows, "", ""])


def _cells(table: StarTable, title: str) -> list[str]:
    return table.column(title) or []


def _without_gaps(column: list[str] | None) -> list[str | None]:
    return [None if value in _GAPS else value for value in column or []]
