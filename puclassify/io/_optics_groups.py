"""Optics groups of RELION's STAR files: voltage, aberrations, pixel sizes, and whose they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = [
    "GROUP",
    "OF_MICROGRAPHS",
    "Group",
    "MicrographOptics",
    "linked_groups",
    "merged_groups",
    "micrograph_pixel_size",
    "scaled_groups",
]

GROUP = "rlnOpticsGroup"
# Pixel sizes. RELION writes the first for micrographs and the second, that of the movies, for
# particles: they are the same unless motion correction binned.
OF_MICROGRAPHS = ("rlnMicrographPixelSize", "rlnMicrographOriginalPixelSize")

Group = Mapping[str, str]  # title of a column to its value


@dataclass(frozen=True)
class MicrographOptics:
    """Optics groups, and the number of that of every micrograph."""

    groups: Sequence[Group]
    by_name: Mapping[str, str]


def linked_groups(
    groups: Sequence[Group], column: Sequence[Any] | None, n_rows: int
) -> tuple[list[dict[str, str]], list[str] | None]:
    """Return the groups with numbers, and that of every row; no column if there is no telling."""
    numbered = [{GROUP: "1", **group} for group in groups]
    numbers = [group[GROUP] for group in numbered]
    if column is None and len(numbers) == 1:
        return numbered, numbers * n_rows
    if not numbers or column is None:
        return [], None
    rows = [str(one) for one in column]
    return (numbered, rows) if set(rows) <= set(numbers) else ([], None)


def merged_groups(
    parts: Sequence[tuple[Sequence[Group], Sequence[Any]]],
) -> tuple[list[dict[str, str]], list[str]]:
    """Put groups of several tables together, each once, and renumber those of their rows."""
    merged: list[dict[str, str]] = []
    column: list[str] = []
    for groups, rows in parts:
        renumbered = {}
        for group in groups:
            renumbered[group[GROUP]] = _number_in(merged, dict(group))
        column += [renumbered[str(row)] for row in rows]
    return merged, column


def _number_in(merged: list[dict[str, str]], group: dict[str, str]) -> str:
    """Return the number of an equal group, of which the numbers need not be; add one without."""
    for other in merged:
        if {**other, GROUP: ""} == {**group, GROUP: ""}:
            return other[GROUP]
    taken = {other[GROUP] for other in merged}
    number = group[GROUP]
    if number in taken:
        number = str(next(n for n in range(1, len(taken) + 2) if str(n) not in taken))
    merged.append({**group, GROUP: number})
    return number


def scaled_groups(groups: Sequence[Group], factor: np.ndarray) -> Sequence[Group]:
    """Return groups of micrographs with ``factor`` (x, y) times as many pixels."""
    if (factor == 1).all():
        return groups
    return [_scaled(dict(group), factor) for group in groups]


def _scaled(group: dict[str, str], factor: np.ndarray) -> dict[str, str]:
    size = micrograph_pixel_size(group)
    if size is None or factor[0] != factor[1]:
        group.pop(OF_MICROGRAPHS[0], None)
        return group
    return {**group, OF_MICROGRAPHS[0]: repr(float(size / factor[0]))}


def micrograph_pixel_size(group: Group) -> float | None:
    """Return the pixel size of the micrographs of a group in ångström, None if it states none."""
    for title in OF_MICROGRAPHS:
        try:
            size = float(group[title])
        except (KeyError, ValueError):
            continue
        if np.isfinite(size) and size > 0:
            return size
    return None
