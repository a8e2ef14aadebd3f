"""Pixel sizes in RELION's STAR files: of every row, or of the optics group that it belongs to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from puclassify.io._optics_groups import GROUP, OF_MICROGRAPHS
from puclassify.io._star_grammar import StarTable

__all__ = [
    "OF_IMAGES",
    "image_pixel_sizes",
    "magnified_pixel_sizes",
    "micrograph_pixel_sizes",
    "numbers_of",
    "optics_of",
]

OF_IMAGES = "rlnImagePixelSize"
_DETECTOR, _MAGNIFICATION = "rlnDetectorPixelSize", "rlnMagnification"  # in micrometres; up to 3.0
_OPTICS = "optics"


def optics_of(table: StarTable, tables: Sequence[StarTable]) -> StarTable | None:
    """Return the last table on optics in front of a table, or else the first behind it."""
    optics = [other for other in tables if other.block.lower() == _OPTICS]
    before = [other for other in optics if other.line < table.line]
    return before[-1] if before else optics[0] if optics else None


def micrograph_pixel_sizes(table: StarTable, optics: StarTable | None) -> np.ndarray | None:
    """Return the pixel size of the micrograph of every row, None if the file has none."""
    sizes = (_of_each_row(table, optics, title) for title in OF_MICROGRAPHS)
    return next((size for size in sizes if size is not None), None)


def image_pixel_sizes(table: StarTable, optics: StarTable | None) -> np.ndarray | None:
    """Return the pixel size of the extracted images of every row, None if the file has none."""
    size = _of_each_row(table, optics, OF_IMAGES)
    return magnified_pixel_sizes(table, optics) if size is None else size


def magnified_pixel_sizes(table: StarTable, optics: StarTable | None) -> np.ndarray | None:
    """Return the pixel size that RELION up to 3.0 gives by detector and magnification."""
    detector = _of_each_row(table, optics, _DETECTOR)
    magnification = _of_each_row(table, optics, _MAGNIFICATION)
    if detector is None or magnification is None:
        return None
    return 1e4 * detector / magnification


def _of_each_row(table: StarTable, optics: StarTable | None, title: str) -> np.ndarray | None:
    """Return positive numbers from a column of the table, or of the optics group of each row."""
    column = table.of_rows(title)
    if column is not None:
        return _positive(table, title, column)
    column = optics.column(title) if optics is not None else None
    if optics is None or column is None:
        return None
    numbers = _positive(optics, title, column)
    known, groups = optics.column(GROUP), table.of_rows(GROUP)
    if len(numbers) == 1 and (known is None or groups is None):
        return np.repeat(numbers, table.n_rows)
    if known is None or groups is None:
        raise ValueError(
            f"data_{optics.block} has {len(numbers)} optics groups, but no column _{GROUP} tells "
            "which of them the particles belong to"
        )
    by_group = dict(zip(known, numbers))
    for line, group in zip(table.lines, groups):
        if group not in by_group:
            raise ValueError(
                f"line {line} belongs to the optics group {group!r}, data_{optics.block} has "
                f"{', '.join(known)}"
            )
    return np.array([by_group[group] for group in groups])


def _positive(table: StarTable, title: str, column: Sequence[str]) -> np.ndarray:
    numbers = numbers_of(table, title, column)
    for line, number in zip(table.lines, numbers):
        if number <= 0:
            raise ValueError(f"line {line}: _{title} is {number:g}, expected a positive number")
    return numbers


def numbers_of(table: StarTable, title: str, column: Sequence[str]) -> np.ndarray:
    """Return a column as finite numbers; a ValueError names the line of another value."""
    numbers = np.zeros(len(column))
    for row, text in enumerate(column):
        try:
            numbers[row] = float(text)
        except ValueError:
            numbers[row] = np.nan
        if not np.isfinite(numbers[row]):
            raise ValueError(
                f"line {table.lines[row]}: _{title} is {text!r}, expected a finite number"
            )
    return numbers
