"""RELION's lists of micrographs, with their pixel sizes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from puclassify.io._coordinate_text import read_plain_text
from puclassify.io._star_grammar import StarTable, check_star_head, parse_star
from puclassify.io._star_list import find_listed
from puclassify.io._star_names import NAME
from puclassify.io._star_optics import magnified_pixel_sizes, micrograph_pixel_sizes, optics_of

__all__ = ["MicrographList", "read_micrograph_list"]


@dataclass(frozen=True)
class MicrographList:
    """Micrographs by the names that the list gives them, each once, with file and pixel size.

    A pixel size, in ångström per stored pixel, is None where the list tells none.
    """

    names: list[str]
    files: list[str]
    pixel_sizes: list[float | None]


def read_micrograph_list(path: str, sized: bool = True) -> MicrographList:
    """Read a STAR file of micrographs, or of particles on them, of RELION 3.0, 3.1 and later.

    Without ``sized`` pixel sizes are not read, and so not checked.
    """
    try:
        tables = parse_star(read_plain_text(path, check_star_head))
        sizes: dict[str, tuple[int, float | None]] = {}
        for table in tables:
            for name, line, size in _rows(table, tables, sized):
                sizes.setdefault(name, (line, size))
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no STAR file of micrographs {path}") from None
    except ValueError as error:  # UnicodeDecodeError is one
        raise ValueError(f"{path} cannot be read as a STAR file of micrographs: {error}") from error
    if not sizes:
        raise ValueError(f"{path} lists no micrographs: no table in it has a column _{NAME}")
    names = list(sizes)
    files = [_find(path, name, sizes[name][0]) for name in names]
    missing = [name for name, file in zip(names, files) if not file]
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of the {len(names)} micrographs that {path} lists are missing, such "
            f"as {missing[0]!r}, looked for from the file's folder up to the project's"
        )
    return MicrographList(names, files, [sizes[name][1] for name in names])


def _rows(
    table: StarTable, tables: Sequence[StarTable], sized: bool
) -> list[tuple[str, int, float | None]]:
    """Return name, line and pixel size of the micrographs of a table."""
    names = table.column(NAME) or []
    sizes = _pixel_sizes(table, tables) if names and sized else None
    return list(zip(names, table.lines, [None] * len(names) if sizes is None else sizes.tolist()))


def _pixel_sizes(table: StarTable, tables: Sequence[StarTable]) -> np.ndarray | None:
    optics = optics_of(table, tables)
    sizes = micrograph_pixel_sizes(table, optics)
    return magnified_pixel_sizes(table, optics) if sizes is None else sizes


def _find(path: str, name: str, line: int) -> str:
    """Return where a micrograph is that a STAR file names, "" if nowhere."""
    if os.path.isabs(name):
        return name if os.path.isfile(name) else ""
    return find_listed(path, name, line) or (name if os.path.isfile(name) else "")
