"""Coordinates in RELION's STAR format."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from puclassify._warnings import warn
from puclassify.io._coordinate_table import CoordinateTable
from puclassify.io._coordinate_text import read_text
from puclassify.io._star_grammar import StarTable, parse_star
from puclassify.io._star_names import NAME, micrographs_of_rows
from puclassify.io._star_shifts import shifts_of, shifts_to_warn_of

__all__ = ["format_star", "format_star_list", "read_centred_star", "read_star"]

_X, _Y = "rlnCoordinateX", "rlnCoordinateY"
_SCORE = "rlnAutopickFigureOfMerit"
_COORDINATE_FILE = "rlnMicrographCoordinates"
_OPTICS = "optics"
_STARTS_OF_LINES = ("data_", "loop_", "_")
_NOT_IN_VALUES = "#\"'"
_MISSING_VALUES = ("NaN", "<NA>")  # starfile reads these as gaps


def read_star(path: str) -> CoordinateTable:
    """Read all tables with coordinates, and ``_rlnAutopickFigureOfMerit`` as the score.

    RELION 3.0 writes one block, 3.1 and later a block on the optics first. A pick file of a single
    micrograph does not name it; it is named after it.
    """
    tables = _coordinate_tables(path)
    shifted = {title: None for table, _ in tables for title in shifts_to_warn_of(table)}
    if shifted:
        warn(
            f"{path} has shifts in {', '.join(f'_{title}' for title in shifted)}, which are not "
            "applied: the coordinates are where particles were extracted. Where refined centres "
            "matter, pass origins='apply', or let RELION extract with re-centring"
        )
    return _joined(path, [table for table, _ in tables])


def read_centred_star(path: str, pixel_size: float | None) -> CoordinateTable:
    """Read as `read_star`, with the shifts of a refinement subtracted from the coordinates."""
    tables = _coordinate_tables(path)
    shifts = [shifts_of(path, table, optics, pixel_size) for table, optics in tables]
    joined = _joined(path, [table for table, _ in tables])
    joined.values[:, :2] -= np.concatenate(shifts)
    return joined


def format_star(table: CoordinateTable) -> str:
    """Format coordinates as a STAR file of one block without a name.

    The coordinates come first, as RELION writes them: readers take a line that starts with
    ``data_``, ``loop_`` or ``_`` for a new block or column, and a name may start like that.
    """
    columns = dict(zip((_X, _Y, _SCORE), table.text_columns()))
    return _star_text("", {**columns, NAME: table.names})


def format_star_list(files: Mapping[str, str]) -> str:
    """Format a list of the micrographs' coordinate files, like AutoPick's, for Extract jobs."""
    for file in files.values():
        if file.startswith(_STARTS_OF_LINES):
            raise ValueError(
                f"path leads to the file {file!r}; in a STAR file a line that starts like this is "
                f"not a path: write it as './{file}'"
            )
    columns = {_COORDINATE_FILE: list(files.values()), NAME: list(files)}
    return _star_text("coordinate_files", columns)


def _star_text(block: str, columns: dict[str, list[str]]) -> str:
    """Format one loop as starfile does, without a header of its own."""
    names = {NAME: columns[NAME], _COORDINATE_FILE: columns.get(_COORDINATE_FILE, [])}
    quoted = {text: _quoted(text) for texts in names.values() for text in set(texts)}
    texts = [
        [quoted[text] for text in texts] if title in names else texts
        for title, texts in columns.items()
    ]
    titles = [f"_{title} #{number}" for number, title in enumerate(columns, 1)]
    return "\n".join([f"data_{block}", "", "loop_", *titles, *map("\t".join, zip(*texts)), ""])


def _quoted(text: str) -> str:
    """Return a name as it is written, in quotes if it has spaces."""
    bad = text in _MISSING_VALUES or any(character in text for character in _NOT_IN_VALUES)
    if bad or not text.isprintable() or text != text.strip() or not text:
        raise ValueError(
            f"names or path holds {text!r}, which a STAR file cannot store: rename the "
            "micrograph or write a CSV file"
        )
    return f'"{text}"' if " " in text else text


def _coordinate_tables(path: str) -> list[tuple[StarTable, StarTable | None]]:
    """Return the tables that have coordinates, each with that of its optics groups."""
    tables = parse_star(read_text(path))
    found = [table for table in tables if _has_coordinates(table)]
    if not found:
        raise ValueError(_no_coordinates(tables))
    for table in found:
        if table.shared_line:
            warn(
                f"{path}: on line {table.shared_line} a row starts behind the end of another, "
                f"since the loop has {len(table.titles)} columns. STAR allows it and it is read "
                "so; check that no title of a column and no value is missing"
            )
    return [(table, _optics_of(table, tables)) for table in found]


def _has_coordinates(table: StarTable) -> bool:
    """Return whether a table has both coordinates; refuse rows with one of them."""
    has = [table.column(title) is not None for title in (_X, _Y)]
    if any(has) and not all(has) and table.rows:
        one, other = (_X, _Y) if has[0] else (_Y, _X)
        raise ValueError(
            f"the table on line {table.line} (data_{table.block}) has a column {one}, but no "
            f"column {other}"
        )
    return all(has)


def _no_coordinates(tables: list[StarTable]) -> str:
    found = [f"data_{table.block} ({', '.join(table.titles[:6])})" for table in tables]
    hint = ""
    if any(table.column(_COORDINATE_FILE) is not None for table in tables):
        hint = "; it lists the coordinate files of the micrographs, read those"
    return (
        f"no block has columns {_X} and {_Y}, found {'; '.join(found) or 'no blocks with values'}"
        f"{hint}"
    )


def _optics_of(table: StarTable, tables: list[StarTable]) -> StarTable | None:
    """Return the last table on optics in front of a table, or else the first behind it."""
    optics = [other for other in tables if other.block.lower() == _OPTICS]
    before = [other for other in optics if other.line < table.line]
    return before[-1] if before else optics[0] if optics else None


def _joined(path: str, tables: list[StarTable]) -> CoordinateTable:
    """Put the rows of several tables together; the score has gaps where a table has none."""
    columns: tuple[list[str], list[str], list[str]] = ([], [], [])
    lines = [line for table in tables for line in table.lines]
    for table in tables:
        for column, title in zip(columns, (_X, _Y, _SCORE)):
            column.extend(table.column(title) or [""] * len(table.rows))
    names = micrographs_of_rows(path, tables)
    scored = any(table.column(_SCORE) is not None for table in tables)
    return CoordinateTable.from_text(names, columns[: 3 if scored else 2], lines)
