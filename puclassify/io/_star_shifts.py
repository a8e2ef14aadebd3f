"""The shifts of a refinement in RELION's STAR files: a particle's centre is x - origin."""

from __future__ import annotations

import numpy as np

from puclassify._warnings import warn
from puclassify.io._optics_groups import OF_MICROGRAPHS
from puclassify.io._star_grammar import StarTable
from puclassify.io._star_optics import (
    OF_IMAGES,
    image_pixel_sizes,
    micrograph_pixel_sizes,
    numbers_of,
)

__all__ = ["shifts_of", "shifts_to_warn_of"]

_PIXELS = "rlnOrigin{}"  # of the extracted images; RELION up to 3.0
_ANGSTROM = "rlnOrigin{}Angst"


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
        shifts = numbers_of(table, _ANGSTROM.format(axis), in_angstrom)
        return (
            shifts / _micrograph_size(path, table, optics, pixel_size) if shifts.any() else shifts
        )
    if in_pixels is None:
        return np.zeros(table.n_rows)
    shifts = numbers_of(table, _PIXELS.format(axis), in_pixels)
    return shifts * _image_scale(path, table, optics, pixel_size) if shifts.any() else shifts


def _micrograph_size(
    path: str, table: StarTable, optics: StarTable | None, pixel_size: float | None
) -> np.ndarray | float:
    """Return the pixel size of the micrographs, of all or of every row."""
    known = _known_micrograph_size(table, optics, pixel_size)
    if known is not None:
        return known
    of_images = image_pixel_sizes(table, optics)
    if of_images is None:
        raise ValueError(
            f"the shifts in data_{table.block} are in ångström, but neither _{OF_MICROGRAPHS[0]} "
            f"nor _{OF_MICROGRAPHS[1]} nor _{OF_IMAGES} tells the pixel size; pass "
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
    of_images = image_pixel_sizes(table, optics)
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
    return micrograph_pixel_sizes(table, optics) if pixel_size is None else pixel_size


def _is_shift(value: str) -> bool:
    try:
        return abs(float(value)) > 0  # NaN is none
    except ValueError:
        return False
