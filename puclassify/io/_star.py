"""Coordinates in RELION's STAR format."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from puclassify._warnings import warn
from puclassify.io._coordinate_table import CoordinateTable
from puclassify.io._coordinate_text import cell_text, read_text
from puclassify.io._optics_groups import GROUP, linked_groups, merged_groups
from puclassify.io._star_grammar import StarTable, check_star_head, parse_star
from puclassify.io._star_list import COORDINATE_FILE, read_listed
from puclassify.io._star_names import NAME, micrographs_of_rows
from puclassify.io._star_optics import optics_of
from puclassify.io._star_shifts import shifts_of, shifts_to_warn_of

__all__ = [
    "STAR_VERSION",
    "format_star",
    "format_star_list",
    "optics_columns",
    "optics_groups_of",
    "read_centred_star",
    "read_star",
    "relion_columns",
    "star_block",
]

_X, _Y = "rlnCoordinateX", "rlnCoordinateY"
_SCORE = "rlnAutopickFigureOfMerit"
_CORE = {title.lower() for title in (_X, _Y, _SCORE, NAME)}
_TITLE = re.compile(r"rln\w+")
STAR_VERSION = "\n# version 30001\n\n"  # in front of a block
_NAMES = (NAME, COORDINATE_FILE, "rlnImageName", "rlnOpticsGroupName")  # may have spaces
_STARTS_OF_LINES = ("data_", "loop_", "_")
_NOT_IN_VALUES = "#\"'"
_MISSING_VALUES = ("NaN", "<NA>")  # starfile reads these as gaps


def read_star(path: str) -> CoordinateTable:
    """Read all tables with coordinates, and ``_rlnAutopickFigureOfMerit`` as the score.

    RELION 3.0 writes one block, 3.1 and later a block on the optics first. A pick file of a single
    micrograph does not name it; it is named after it.
    """
    return _followed(path, _read)


def read_centred_star(path: str, pixel_size: float | None) -> CoordinateTable:
    """Read as `read_star`, with the shifts of a refinement subtracted from the coordinates."""
    return _followed(path, partial(_read_centred, pixel_size=pixel_size))


def _followed(
    path: str, read: Callable[[str, list[StarTable]], CoordinateTable]
) -> CoordinateTable:
    """Read a file, or the files that it lists."""
    tables = _parsed(path)
    lists = _lists(tables)
    if not lists:
        return read(path, tables)
    return read_listed(path, lists[0], lambda file: read(file, _parsed(file)))


def _read(path: str, parsed: list[StarTable]) -> CoordinateTable:
    tables = _coordinate_tables(path, parsed)
    shifted = {title: None for table, _ in tables for title in shifts_to_warn_of(table)}
    if shifted:
        warn(
            f"{path} has shifts in {', '.join(f'_{title}' for title in shifted)}, which are not "
            "applied: the coordinates are where particles were extracted. Where refined centres "
            "matter, pass origins='apply', or let RELION extract with re-centring"
        )
    return _joined(path, tables)


def _read_centred(path: str, parsed: list[StarTable], pixel_size: float | None) -> CoordinateTable:
    tables = _coordinate_tables(path, parsed)
    shifts = [shifts_of(path, table, optics, pixel_size) for table, optics in tables]
    joined = _joined(path, tables)
    joined.values[:, :2] -= np.concatenate(shifts)
    kept = {t: c for t, c in joined.columns.items() if not t.startswith("rlnOrigin")}
    return replace(joined, columns=kept)


def format_star(table: CoordinateTable) -> str:
    """Format coordinates as a STAR file of one block without a name, or with optics groups.

    The coordinates come first, as RELION writes them: readers take a line that starts with
    ``data_``, ``loop_`` or ``_`` for a new block or column, and a name may start like that.
    """
    columns = dict(zip((_X, _Y, _SCORE), table.text_columns()))
    further = relion_columns(table)
    columns = {
        **columns,
        NAME: table.names,
        **{t: c for t, c in further.items() if t not in columns},
    }
    if not table.optics:  # the numbers of groups mean nothing
        return star_block("", columns)
    columns[GROUP] = [str(number) for number in table.columns[GROUP]]
    return (
        STAR_VERSION
        + star_block("optics", optics_columns(table.optics))
        + STAR_VERSION
        + star_block("particles", columns)
    )


def relion_columns(table: CoordinateTable) -> dict[str, list[str]]:
    """Return the further columns of RELION of a table as they are written."""
    return {
        title: [_word(value) for value in values]
        for title, values in table.columns.items()
        if _TITLE.fullmatch(title) and title not in (NAME, GROUP)
    }


def optics_columns(groups: Sequence[Mapping[str, str]]) -> dict[str, list[str]]:
    """Return the columns of a block of optics groups."""
    titles = [GROUP, *(t for t in dict.fromkeys(t for g in groups for t in g) if t != GROUP)]
    return {
        title: [str(group.get(title, "None")) for group in groups]
        for title in titles
        if _TITLE.fullmatch(title)
    }


def format_star_list(files: Mapping[str, str]) -> str:
    """Format a list of the micrographs' coordinate files, like AutoPick's, for Extract jobs."""
    for file in files.values():
        if file.startswith(_STARTS_OF_LINES):
            raise ValueError(
                f"path leads to the file {file!r}; in a STAR file a line that starts like this is "
                f"not a path: write it as './{file}'"
            )
    columns = {COORDINATE_FILE: list(files.values()), NAME: list(files)}
    return star_block("coordinate_files", columns)


def star_block(block: str, columns: dict[str, list[str]]) -> str:
    """Format one loop as starfile does, with quotes around names that need them."""
    names = {title: columns[title] for title in _NAMES if title in columns}
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


def _word(value: Any) -> str:
    """Return a value of a further column as it is written."""
    text = "".join(c for c in cell_text(value) if c.isprintable() and c != '"')
    is_plain = not any(mark in text for mark in " #'") and text[:1] not in (";", "_")
    return text if text and is_plain else f'"{text or None}"'


def _parsed(path: str) -> list[StarTable]:
    return parse_star(read_text(path, _check_head))


def _check_head(text: str) -> None:
    """Raise a ValueError if the first lines of a file cannot be coordinates."""
    for table in check_star_head(text):
        x, y = table.column(_X), table.column(_Y)
        if x and y:
            CoordinateTable.from_text(["-"] * len(x), [x, y], table.lines)


def _lists(tables: list[StarTable]) -> list[StarTable]:
    """Return tables that list coordinate files, if no table has coordinates itself."""
    if any(table.column(_X) is not None for table in tables):
        return []
    return [table for table in tables if table.column(COORDINATE_FILE) is not None]


def _coordinate_tables(
    path: str, tables: list[StarTable]
) -> list[tuple[StarTable, StarTable | None]]:
    """Return the tables that have coordinates, each with that of its optics groups."""
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
    return [(table, optics_of(table, tables)) for table in found]


def _has_coordinates(table: StarTable) -> bool:
    """Return whether a table has both coordinates; refuse rows with one of them."""
    has = [table.column(title) is not None for title in (_X, _Y)]
    if any(has) and not all(has) and table.n_rows:
        one, other = (_X, _Y) if has[0] else (_Y, _X)
        raise ValueError(
            f"the table on line {table.line} (data_{table.block}) has a column {one}, but no "
            f"column {other}"
        )
    return all(has)


def _no_coordinates(tables: list[StarTable]) -> str:
    found = [f"data_{table.block} ({', '.join(table.titles[:6])})" for table in tables]
    hint = ""
    if any(table.column(NAME) is not None for table in tables):
        hint = (
            "; it lists micrographs: read the coordinates of a ManualPick, AutoPick or Extract job"
        )
    return (
        f"no block has columns {_X} and {_Y}, found {'; '.join(found) or 'no blocks with values'}"
        f"{hint}"
    )


def _joined(
    path: str, tables_and_optics: list[tuple[StarTable, StarTable | None]]
) -> CoordinateTable:
    """Put the rows of several tables together; the score has gaps where a table has none."""
    tables = [table for table, _ in tables_and_optics]
    columns: tuple[list[str], list[str], list[str]] = ([], [], [])
    lines = [line for table in tables for line in table.lines]
    for table in tables:
        for column, title in zip(columns, (_X, _Y, _SCORE)):
            column.extend(table.column(title) or [""] * table.n_rows)
    names = micrographs_of_rows(path, tables)
    scored = any(table.column(_SCORE) is not None for table in tables)
    joined = CoordinateTable.from_text(names, columns[: 3 if scored else 2], lines)
    titles = dict.fromkeys(title for table in tables for title in table.titles)
    columns_by_title: dict[str, Sequence[Any]] = {
        t: _further_column(tables, t) for t in titles if t.lower() not in _CORE
    }
    optics, numbers = _groups_of_rows(tables_and_optics)
    if optics:
        columns_by_title[GROUP] = numbers
    return replace(joined, columns=columns_by_title, optics=optics)


def optics_groups_of(
    some: list[StarTable], tables: list[StarTable]
) -> tuple[Sequence[Mapping[str, str]], list[str]]:
    """Return the optics groups of some tables of a file, and the number of that of each row."""
    return _groups_of_rows([(table, optics_of(table, tables)) for table in some])


def _groups_of_rows(
    tables_and_optics: list[tuple[StarTable, StarTable | None]],
) -> tuple[Sequence[Mapping[str, str]], list[str]]:
    """Return the optics groups of tables and the number of that of each row, if all have one."""
    parts = []
    for table, optics in tables_and_optics:
        groups = [] if optics is None else _rows_of(optics)
        groups, numbers = linked_groups(groups, table.of_rows(GROUP), len(table.lines))
        if not groups or numbers is None:
            return (), []
        parts.append((groups, numbers))
    return merged_groups(parts)


def _rows_of(table: StarTable) -> list[dict[str, str]]:
    columns = {title: table.column(title) or [] for title in table.titles}
    return [dict(zip(columns, row)) for row in zip(*columns.values())]


def _further_column(tables: list[StarTable], title: str) -> list[str | None]:
    column: list[str | None] = []
    for table in tables:
        column += table.column(title) or [None] * table.n_rows
    return column
