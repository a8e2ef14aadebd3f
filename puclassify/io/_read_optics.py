"""The optics groups that a STAR file of micrographs or particles gives to micrographs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from puclassify.io._coordinate_table import CoordinateTable
from puclassify.io._coordinate_text import read_text
from puclassify.io._match_coordinates import matched_keys
from puclassify.io._optics_groups import GROUP, Group, MicrographOptics
from puclassify.io._star import optics_groups_of
from puclassify.io._star_grammar import parse_star
from puclassify.io._star_names import NAME

__all__ = ["optics_of_micrographs", "with_optics"]


def with_optics(table: CoordinateTable, optics: Any) -> CoordinateTable:
    """Return a table with the optics groups of its micrographs, as a file or table gives them."""
    if optics is None:
        return table
    names = list(dict.fromkeys(table.names))
    groups, numbers = optics_of_micrographs(optics, names)
    number_of = dict(zip(names, numbers))
    column = [number_of[name] for name in table.names]
    return replace(table, columns={**table.columns, GROUP: column}, optics=groups)


def optics_of_micrographs(
    optics: Any, micrographs: Sequence[Any]
) -> tuple[Sequence[Group], list[str]]:
    """Return optics groups, and the number of that of each micrograph, matched by name.

    ``optics`` is the path of a STAR file or a `CoordinateTable` with optics groups. A ValueError
    names a micrograph without a group.
    """
    if isinstance(optics, CoordinateTable):
        known, source = _of_table(optics), "optics"
    elif isinstance(optics, (str, os.PathLike)):
        known, source = _read(os.fspath(optics)), os.fspath(optics)
    else:
        raise TypeError(
            "optics must be the path of a STAR file with a block data_optics, or a CoordinateTable "
            f"that was read from one, got {type(optics).__name__}"
        )
    try:
        keys = matched_keys(known.by_name, micrographs)
    except ValueError as error:
        raise ValueError(f"{source} has no optics group for the micrographs: {error}") from error
    missing = [one for one, key in zip(micrographs, keys) if key is None]
    if missing:
        raise ValueError(
            f"{source} has no optics group for {len(missing)} of {len(micrographs)} micrographs, "
            f"such as {missing[0]!r:.200}"
        )
    return known.groups, [known.by_name[key] for key in keys if key is not None]


def _of_table(table: CoordinateTable) -> MicrographOptics:
    if not table.optics:
        raise ValueError("optics is a table without optics groups")
    return MicrographOptics(table.optics, _first_of_each(table.names, table.columns[GROUP]))


def _read(path: str) -> MicrographOptics:
    try:
        tables = parse_star(read_text(path))
        listing = [table for table in tables if table.column(NAME) is not None]
        if not listing:
            raise ValueError(f"no table in it has a column _{NAME}")
        groups, numbers = optics_groups_of(listing, tables)
        if not groups:
            raise ValueError(
                "it has no block data_optics with the groups of its rows, as of RELION 3.1 and "
                "later; pass voltage, spherical_aberration and amplitude_contrast"
            )
    except ValueError as error:
        raise ValueError(f"optics: {path} cannot be used: {error}") from error
    names = [name for table in listing for name in table.column(NAME) or []]
    return MicrographOptics(groups, _first_of_each(names, numbers))


def _first_of_each(names: Sequence[str], numbers: Sequence[Any]) -> dict[str, str]:
    return {name: str(number) for name, number in zip(reversed(names), reversed(list(numbers)))}
