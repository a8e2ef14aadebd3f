"""Picks in any of the forms that they come in, in the order of the micrographs."""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from puclassify.io import (
    GROUP,
    CoordinateTable,
    check_coordinate_array,
    frame_as_table,
    match_coordinates,
    matched_keys,
    optics_of_micrographs,
    read_coordinate_table,
    relion_columns,
    source_of,
)

__all__ = ["Picks", "PicksInOrder", "picks_in_order"]

# What an extraction finds anew, or puts into the table of optics.
_REPLACED = {
    *("rlnImageName", "rlnImageOriginalName", "rlnAutopickFigureOfMerit"),
    *("rlnOriginX", "rlnOriginY", "rlnOriginXAngst", "rlnOriginYAngst"),
    *("rlnDetectorPixelSize", "rlnMagnification"),
}
_OF_MICROSCOPE = ("rlnVoltage", "rlnSphericalAberration", "rlnAmplitudeContrast")


@dataclass(frozen=True)
class Picks:
    """The picks of one micrograph, with RELION's further columns and optics groups of each."""

    values: np.ndarray  # (k, 2), or (k, 3) with scores
    columns: Mapping[str, list[str]] = field(default_factory=dict)
    groups: Sequence[str] = ()  # numbers; none without optics

    def source(self) -> list:
        """Return what tells whether they are the same later."""
        beside = [self.columns, list(self.groups)] if self.columns or self.groups else None
        checksum = [] if beside is None else [zlib.crc32(repr(beside).encode())]
        return [*source_of(self.values), *checksum]

    def __getitem__(self, kept: np.ndarray) -> Picks:
        """Return some of them, by a mask."""
        rows = np.flatnonzero(kept).tolist()
        columns = {title: [column[row] for row in rows] for title, column in self.columns.items()}
        groups = [self.groups[row] for row in rows] if self.groups else ()
        return Picks(self.values[kept], columns, groups)


@dataclass(frozen=True)
class PicksInOrder:
    """The picks of every micrograph, and the optics groups of all."""

    picks: list[Picks]
    groups: Sequence[Mapping[str, str]] = ()
    of_microscope: Mapping[str, str] = field(default_factory=dict)  # one value for all


def picks_in_order(picks: Any, micrographs: Sequence[Any], optics: Any = None) -> PicksInOrder:
    """Return picks for each micrograph, with scores on all or none, and their optics groups."""
    found = _in_order(picks, micrographs)
    widths = {one.values.shape[1] for one in found.picks if len(one.values)}
    if len(widths) > 1:
        raise ValueError(
            "picks must have a score on all micrographs or on none: some arrays have three "
            "columns, others two"
        )
    width = widths.pop() if widths else 2
    filled = [
        one if len(one.values) else Picks(np.empty((0, width)), one.columns) for one in found.picks
    ]
    if optics is None:
        return PicksInOrder(filled, found.groups, found.of_microscope)
    used = [index for index, one in enumerate(filled) if len(one.values)]
    groups, numbers = optics_of_micrographs(optics, [micrographs[index] for index in used])
    for index, number in zip(used, numbers):
        one = filled[index]
        filled[index] = Picks(one.values, one.columns, [number] * len(one.values))
    return PicksInOrder(filled, groups)


def _in_order(picks: Any, micrographs: Sequence[Any]) -> PicksInOrder:
    paths = picks if isinstance(picks, (list, tuple)) else [picks]
    if paths and all(map(_is_path, paths)):
        picks = read_coordinate_table(picks)
    picks = frame_as_table(picks)
    if isinstance(picks, CoordinateTable):
        return _of_table(picks, micrographs)
    if isinstance(picks, Mapping):
        arrays = {
            name: check_coordinate_array(array, f"picks of {name!r}")
            for name, array in picks.items()
        }
        return PicksInOrder([Picks(one) for one in match_coordinates(arrays, micrographs)])
    if not hasattr(picks, "__len__") or getattr(picks, "ndim", None) == 2:
        raise TypeError(
            "picks must be a sequence with an array (k, 2) or (k, 3) for each micrograph, a "
            "mapping of names to such arrays, a CoordinateTable or a file of coordinates, got "
            f"{type(picks).__name__}; for one micrograph pass [picks]"
        )
    if len(picks) != len(micrographs):
        raise ValueError(
            f"picks holds arrays for {len(picks)} micrographs, but there are {len(micrographs)} "
            "micrographs; pass a mapping of names to arrays, or an empty array for a micrograph "
            "without picks"
        )
    # ParticlePicker.predict gives None for a micrograph that was skipped.
    return PicksInOrder(
        [
            Picks(np.empty((0, 2)) if item is None else check_coordinate_array(item, f"picks[{i}]"))
            for i, item in enumerate(picks)
        ]
    )


def _of_table(table: CoordinateTable, micrographs: Sequence[Any]) -> PicksInOrder:
    """Return the rows of a table, with what RELION knows of the particles beside them."""
    values = check_coordinate_array(table.values, "picks")
    columns = {
        title: column
        for title, column in relion_columns(table).items()
        if title not in _REPLACED and None not in table.columns[title]
    }
    of_microscope = {}
    for title in _OF_MICROSCOPE:
        if title in columns and len(set(columns[title])) == 1:
            of_microscope[title] = columns.pop(title)[0]
    numbers = [str(one) for one in table.columns[GROUP]] if table.optics else []
    rows_by_name = table.rows_by_micrograph()
    found = []
    for key in matched_keys(rows_by_name, micrographs):
        rows = [] if key is None else rows_by_name[key]
        beside = {title: [column[row] for row in rows] for title, column in columns.items()}
        groups = [numbers[row] for row in rows] if numbers else ()
        found.append(Picks(values[rows], beside, groups))
    return PicksInOrder(found, table.optics, {} if table.optics else of_microscope)


def _is_path(item: Any) -> bool:
    return isinstance(item, (str, os.PathLike))
