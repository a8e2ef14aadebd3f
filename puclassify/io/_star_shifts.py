"""The shifts of a refinement in RELION's STAR files: a particle's centre is x - origin."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from puclassify._warnings import warn
from puclassify.io._star_grammar import StarTable

__all__ = ["shifts_of", "shifts_to_warn_of"]

_PIXELS = "rlnOrigin{}"  # of the extracted images; RELION up to 3.0
_ANGSTROM = "rlnOrigin{}Angst"
# RELION writes the first for micrographs and the second, that of the movies, for particles: they
# are the same unless motion correction binned.
_OF_MICROGRAPHS = ("rlnMicrographPixelSize", "rlnMicrographOriginalPixelSize")
_OF_IMAGES = "rlnImagePixelSize"
_DETECTOR, _MAGNIFICATION = "rlnDetectorPixelSize", "rlnMagnification"  # in micrometres; up to 3.0
_GROUP = "rlnOpticsGroup"


def shifts_to_warn_of(table: StarTable) -> list[str]:
    """Return the titles of the shifts in x and y that are not zero."""
    titles = [title.format(axis) for title in (_PIXELS, _ANGSTROM) for axis in "XY"]
    return [title for title in titles if any(map(_is_shift, table.of_rows(title) or ()))]


def shifts_of(
    path: str, table: StarTable, optics: StarTable | None, pixel_size: float | None
) -> np.ndarray:
    """Return the shifts of shape (n, 2) in pixels of the micrographs, 0 where there are none.

    ``pixel_size`` is that of the micrographs in ångström, None to take it from the file.
    """
    return np.column_stack(
        [_along(axis, path, table, optics, pixel_size) for axis in "XY"]
    ).reshape(-1, 2)


def _along(
    axis: str, path: str, table: StarTable, optics: StarTable | None, pixel_size: float | None
) -> np.ndarray:
    in_angstrom = table.of_rows(_ANGSTROM.format(axis))
    in_pixels = table.of_rows(_PIXELS.format(axis))
    if in_angstrom is not None:
        shifts = _numbers(table, _ANGSTROM.format(axis), in_angstrom)
        return (
            shifts / _micrograph_size(path, table, optics, pixel_size) if shifts.any() else shifts
        )
    if in_pixels is None:
        return np.zeros(len(table.rows))
    shifts = _numbers(table, _PIXELS.format(axis), in_pixels)
    return shifts * _image_scale(path, table, optics, pixel_size) if shifts.any() else shifts


def _micrograph_size(
    path: str, table: StarTable, optics: StarTable | None, pixel_size: float | None
) -> np.ndarray | float:
    """Return the pixel size of the micrographs, of all or of every row."""
    known = _known_micrograph_size(table, optics, pixel_size)
    if known is not None:
        return known
    of_images = _image_size(table, optics)
    if of_images is None:
        raise ValueError(
            f"the shifts in data_{table.block} are in ångström, but neither _{_OF_MICROGRAPHS[0]} "
            f"nor _{_OF_MICROGRAPHS[1]} nor _{_OF_IMAGES} tells the pixel size; pass "
            "pixel_size= that of the micrographs"
        )
    warn(
        f"{path} gives the pixel size of the extracted images alone: it is taken as that of the "
        "micrographs, which is wrong if images were rescaled; pass pixel_size= that of the "
        "micrographs"
    )
    return of_images


def _image_scale(
    path: str, table: StarTable, optics: StarTable | None, pixel_size: float | None
) -> np.ndarray | float:
    """Return the pixels of the micrographs in a pixel of the extracted images."""
    of_micrographs = _known_micrograph_size(table, optics, pixel_size)
    of_images = _image_size(table, optics)
    if of_micrographs is not None and of_images is not None:
        return of_images / of_micrographs
    warn(
        f"{path} gives shifts in pixels of the extracted images: these are taken as pixels of the "
        "micrographs, which is wrong if images were rescaled. "
        + (
            "Pass pixel_size= that of the micrographs"
            if of_images is not None
            else "The file does not tell the pixel size of the images"
        )
    )
    return 1.0


def _known_micrograph_size(
    table: StarTable, optics: StarTable | None, pixel_size: float | None
) -> np.ndarray | float | None:
    if pixel_size is not None:
        return pixel_size
    sizes = (_of_each_row(table, optics, title) for title in _OF_MICROGRAPHS)
    return next((size for size in sizes if size is not None), None)


def _image_size(table: StarTable, optics: StarTable | None) -> np.ndarray | None:
    size = _of_each_row(table, optics, _OF_IMAGES)
    if size is not None:
        return size
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
    known, groups = optics.column(_GROUP), table.of_rows(_GROUP)
    if len(numbers) == 1 and (known is None or groups is None):
        return np.repeat(numbers, len(table.rows))
    if known is None or groups is None:
        raise ValueError(
            f"data_{optics.block} has {len(numbers)} optics groups, but no column _{_GROUP} tells "
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
    numbers = _numbers(table, title, column)
    for line, number in zip(table.lines, numbers):
        if number <= 0:
            raise ValueError(f"line {line}: _{title} is {number:g}, expected a positive number")
    return numbers


def _numbers(table: StarTable, title: str, column: Sequence[str]) -> np.ndarray:
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


def _is_shift(value: str) -> bool:
    try:
        return abs(float(value)) > 0  # NaN is none
    except ValueError:
        return False
