"""Coordinates in RELION's STAR format, parsed by starfile."""

from __future__ import annotations

import linecache
from collections.abc import Mapping
from typing import Any

from puclassify._warnings import warn
from puclassify.io._coordinate_table import CoordinateTable, micrograph_of_file

__all__ = ["format_star", "format_star_list", "read_star"]

_NAME = "rlnMicrographName"
_X, _Y = "rlnCoordinateX", "rlnCoordinateY"
_SCORE = "rlnAutopickFigureOfMerit"
_COORDINATE_FILE = "rlnMicrographCoordinates"
_SHIFTS = ("rlnOriginX", "rlnOriginY", "rlnOriginXAngst", "rlnOriginYAngst")
_STARTS_OF_LINES = ("data_", "loop_", "_")
_NOT_IN_VALUES = "#\"'"
_MISSING_VALUES = ("NaN", "<NA>")  # starfile reads these as gaps


def read_star(path: str) -> CoordinateTable:
    """Read the first block with coordinates, and ``_rlnAutopickFigureOfMerit`` as the score.

    RELION 3.0 writes one block, 3.1 and later a block on the optics first. A pick file of a single
    micrograph does not name it; it is named after it.
    """
    starfile, _ = _import_starfile(path)
    _check_starts_of_rows(path)
    try:
        # As text, so that a micrograph named 061 stays what it is and every digit is read.
        blocks = starfile.read(path, always_dict=True, parse_as_string=[_NAME, _X, _Y, _SCORE])
    except Exception as error:
        # The parser checks little, so a broken file can end in any kind of error.
        raise ValueError(
            f"it does not follow the STAR format ({type(error).__name__}: {error}); is it "
            "complete, does every row have as many values as the loop has columns, and are values "
            "with spaces quoted?"
        ) from error
    finally:
        # Otherwise a file that could not be parsed stays cached, even after its repair.
        linecache.clearcache()
    block = _particle_block(blocks)
    _warn_of_shifts(path, block)
    columns = [block[column] for column in (_X, _Y, _SCORE) if column in block]
    names = block[_NAME] if _NAME in block else [micrograph_of_file(path)] * len(columns[0])
    return CoordinateTable.from_text(names, columns)


def format_star(table: CoordinateTable) -> str:
    """Format coordinates as a STAR file of one block without a name.

    The coordinates come first, as RELION writes them: readers take a line that starts with
    ``data_``, ``loop_`` or ``_`` for a new block or column, and a name may start like that.
    """
    columns = dict(zip((_X, _Y, _SCORE), table.text_columns()))
    return _star_text("", {**columns, _NAME: table.names})


def format_star_list(files: Mapping[str, str]) -> str:
    """Format a list of the micrographs' coordinate files, like AutoPick's, for Extract jobs."""
    for file in files.values():
        if file.startswith(_STARTS_OF_LINES):
            raise ValueError(
                f"path leads to the file {file!r}; in a STAR file a line that starts like this is "
                f"not a path: write it as './{file}'"
            )
    columns = {_COORDINATE_FILE: list(files.values()), _NAME: list(files)}
    return _star_text("coordinate_files", columns)


def _star_text(block: str, columns: dict[str, list[str]]) -> str:
    starfile, pandas = _import_starfile("a STAR file")
    for text in {*columns[_NAME], *columns.get(_COORDINATE_FILE, ())}:
        bad = text in _MISSING_VALUES or any(character in text for character in _NOT_IN_VALUES)
        if bad or not text.isprintable() or text != text.strip() or not text:
            raise ValueError(
                f"names or path holds {text!r}, which a STAR file cannot store: rename the "
                "micrograph or write a CSV file"
            )
    text = starfile.to_string({block: pandas.DataFrame(columns)})
    # The first line is a comment with the time of day; equal picks should give equal files.
    return "\n".join(line for line in text.splitlines() if not line.startswith("#")).strip() + "\n"


def _particle_block(blocks: dict) -> dict[str, list]:
    """Return the columns of the first block that has coordinates."""
    found = []
    for name, block in blocks.items():
        if block is None:
            continue
        # A block of single values, without loop_, is one row.
        columns = {c: [v] if isinstance(block, dict) else list(v) for c, v in block.items()}
        if _X in columns and _Y in columns:
            return columns
        found.append(f"data_{name} ({', '.join(list(columns)[:6])})")
    hint = ""
    if any(_COORDINATE_FILE in block for block in found):
        hint = "; it lists the coordinate files of the micrographs, read those"
    raise ValueError(
        f"no block has columns {_X} and {_Y}, found {'; '.join(found) or 'no blocks'}{hint}"
    )


def _warn_of_shifts(path: str, block: dict[str, list]) -> None:
    """Warn of the shifts of a refinement, which move particles off where they were picked."""
    shifted = [column for column in _SHIFTS if any(map(_is_shift, block.get(column, ())))]
    if shifted:
        warn(
            f"{path} has shifts in {', '.join(f'_{column}' for column in shifted)}, which are not "
            "applied: the coordinates are where particles were extracted. Where refined centres "
            "matter, let RELION extract with re-centring, or subtract the shifts, in pixels, "
            "yourself"
        )


def _is_shift(value: Any) -> bool:
    try:
        return abs(float(value)) > 0  # NaN is none
    except (TypeError, ValueError):
        return False


def _check_starts_of_rows(path: str) -> None:
    """Refuse rows that the parser would silently read as the start of a block or column."""
    with open(path, encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            start, *others = line.split("#")[0].split() or [""]
            if not start.startswith(("data_", "_")) or not others or others[0][0] in "\"'":
                continue
            # A single value, without loop_, follows the title of its column.
            if start.startswith("data_") or len(others) > 1:
                raise ValueError(
                    f"line {number} starts with {start!r}, which in a STAR file starts a "
                    f"{'block' if start.startswith('data_') else 'column'}; if it is the name of "
                    "a micrograph, put it in quotes or move its column to the end"
                )


def _import_starfile(path: str) -> tuple[Any, Any]:
    try:
        import pandas
        import starfile
    except ImportError as error:
        raise ImportError(
            f'{path} needs starfile, install it with: pip install "puclassify[star]"'
        ) from error
    return starfile, pandas
