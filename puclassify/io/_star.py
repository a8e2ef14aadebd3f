"""Coordinates in the STAR format of RELION (starfile does the parsing)."""

from __future__ import annotations

import linecache

from puclassify.io._coordinate_table import CoordinateTable, micrograph_of_file

__all__ = ["format_star", "read_star"]

_NAME = "rlnMicrographName"
_X, _Y = "rlnCoordinateX", "rlnCoordinateY"
_SCORE = "rlnAutopickFigureOfMerit"
_NOT_IN_NAMES = "#\"'\t\n\r"


def read_star(path: str) -> CoordinateTable:
    """Read a STAR file with particle coordinates.

    Parameters
    ----------
    path : str
        A file as RELION 3.0 writes it (one block) or as 3.1 and later do (a block on the optics
        first), or a pick file of a single micrograph, which does not name it.

    Returns
    -------
    CoordinateTable
        Its rows; the score is ``_rlnAutopickFigureOfMerit``.

    Raises
    ------
    ValueError
        If no block has coordinates.
    """
    starfile, _ = _import_starfile(path)
    try:
        # As text, so that a micrograph named 061 stays what it is and every digit is read.
        blocks = starfile.read(path, always_dict=True, parse_as_string=[_NAME, _X, _Y, _SCORE])
    finally:
        # A file that could not be parsed would otherwise be remembered, also after its repair.
        linecache.clearcache()
    block = _particle_block(blocks)
    columns = [block[column] for column in (_X, _Y, _SCORE) if column in block]
    names = block[_NAME] if _NAME in block else [micrograph_of_file(path)] * len(columns[0])
    return CoordinateTable.from_text(names, columns)


def format_star(table: CoordinateTable) -> str:
    """Format coordinates as a STAR file of one block, which every version of RELION reads.

    Parameters
    ----------
    table : CoordinateTable
        The rows.

    Returns
    -------
    str
        The text of the file.

    Raises
    ------
    ValueError
        If a micrograph name cannot be stored in a STAR file.
    """
    starfile, pandas = _import_starfile("a STAR file")
    for name in set(table.names):
        if not name or any(character in name for character in _NOT_IN_NAMES):
            raise ValueError(
                f"names holds {name!r}, which a STAR file cannot store; rename the micrograph or "
                "write a CSV file"
            )
    frame = pandas.DataFrame({_NAME: table.names})
    for column, text in zip((_X, _Y, _SCORE), table.text_columns()):
        frame[column] = text
    text = starfile.to_string({"": frame})
    # The first line is a comment with the time of day; equal picks shall give equal files.
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
    if any("rlnMicrographCoordinates" in block for block in found):
        hint = "; it lists the coordinate files of the micrographs, read those"
    raise ValueError(
        f"no block has columns {_X} and {_Y}, found {'; '.join(found) or 'no blocks'}{hint}"
    )


def _import_starfile(path: str):
    try:
        import pandas
        import starfile
    except ImportError as error:
        raise ImportError(
            f'{path} needs starfile, install it with: pip install "puclassify[star]"'
        ) from error
    return starfile, pandas
