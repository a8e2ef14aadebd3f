"""Picks in any of the forms that they come in, in the order of the micrographs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from puclassify.io import (
    by_name,
    check_coordinate_array,
    match_coordinates,
    read_coordinate_table,
)

__all__ = ["picks_in_order"]


def picks_in_order(picks: Any, micrographs: Sequence[Any]) -> list[np.ndarray]:
    """Return arrays (k, 2), or (k, 3) with scores on all micrographs, for each micrograph."""
    arrays = _arrays(picks, micrographs)
    widths = {array.shape[1] for array in arrays if len(array)}
    if len(widths) > 1:
        raise ValueError(
            "picks must have a score on all micrographs or on none: some arrays have three "
            "columns, others two"
        )
    width = widths.pop() if widths else 2
    return [array if len(array) else np.empty((0, width)) for array in arrays]


def _arrays(picks: Any, micrographs: Sequence[Any]) -> list[np.ndarray]:
    paths = picks if isinstance(picks, (list, tuple)) else [picks]
    if paths and all(map(_is_path, paths)):
        picks = read_coordinate_table(picks)
    picks = by_name(picks)
    if isinstance(picks, Mapping):
        arrays = {
            name: check_coordinate_array(array, f"picks of {name!r}")
            for name, array in picks.items()
        }
        return match_coordinates(arrays, micrographs)
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
    return [
        np.empty((0, 2)) if item is None else check_coordinate_array(item, f"picks[{index}]")
        for index, item in enumerate(picks)
    ]


def _is_path(item: Any) -> bool:
    return isinstance(item, (str, os.PathLike))
