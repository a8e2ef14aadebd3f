"""The micrographs that the rows of RELION's STAR files belong to."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import chain

from puclassify._warnings import warn
from puclassify.io._coordinate_table import file_stem, micrograph_of_file
from puclassify.io._names import micrograph_stem
from puclassify.io._star_grammar import StarTable

__all__ = ["NAME", "micrographs_of_rows"]

NAME = "rlnMicrographName"
_TOMOGRAM = "rlnTomoName"
_IMAGE = "rlnImageName"  # number@stack; Extract jobs write a stack for each micrograph
_PARTICLES = "_particles"  # what cryoSPARC adds to the name of a micrograph for that of a stack


def micrographs_of_rows(path: str, tables: list[StarTable]) -> list[str]:
    """Return the micrograph of every row of the tables; warn where it is a guess."""
    names = list(chain.from_iterable(map(_stated, tables)))
    if all(names):
        return names
    images = [image for table in tables for image in _cells(table, _IMAGE)]
    stacks = ["" if name else image.rpartition("@")[2] for name, image in zip(names, images)]
    of_stacks = _micrographs_of_stacks(filter(None, stacks))
    if of_stacks:
        stack, example = next(iter(of_stacks.items()))
        warn(
            f"{path} has no _{NAME} for {len(stacks) - stacks.count('')} rows: the micrographs are "
            f"taken from _{_IMAGE}, such as {example!r} from {stack!r}, {len(of_stacks)} in all"
        )
    of_file = micrograph_of_file(path)
    n_others = sum(not name and not stack for name, stack in zip(names, stacks))
    if n_others and (n_others < len(names) or of_file == file_stem(path)):
        warn(
            f"{path} names no micrograph for {n_others} of {len(names)} rows (no _{NAME}, "
            f"_{_TOMOGRAM} or _{_IMAGE}): they are read as those of {of_file!r}, after which the "
            "file is named"
        )
    return [name or of_stacks.get(stack, of_file) for name, stack in zip(names, stacks)]


def _stated(table: StarTable) -> list[str]:
    """Return the names of micrographs or tomograms, "" where there are none."""
    names = _cells(table, NAME)
    if all(names):
        return names
    return [name or tomogram for name, tomogram in zip(names, _cells(table, _TOMOGRAM))]


def _cells(table: StarTable, title: str) -> list[str]:
    column = table.of_rows(title)
    if column is None:
        return [""] * table.n_rows
    stripped = {cell: cell.strip() for cell in set(column)}
    is_plain = all(cell == text for cell, text in stripped.items())
    return column if is_plain else [stripped[cell] for cell in column]


def _micrographs_of_stacks(stacks: Iterable[str]) -> dict[str, str]:
    """Return the micrograph of each stack, with its folder where stems of two are the same."""
    found = {stack: micrograph_stem(stack).removesuffix(_PARTICLES) for stack in stacks}
    folders: dict[str, set[str]] = {}
    for stack, stem in found.items():
        folders.setdefault(stem, set()).add(os.path.dirname(stack))
    return {
        stack: stem if len(folders[stem]) == 1 else os.path.join(os.path.dirname(stack), stem)
        for stack, stem in found.items()
    }
