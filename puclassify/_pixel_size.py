"""The pixel size of a micrograph, given as a number or read from its header."""

from __future__ import annotations

from typing import Any

from puclassify._parameters import check_number
from puclassify.grid import GridImage

__all__ = ["check_pixel_size", "stored_pixel_size"]


def check_pixel_size(pixel_size: Any) -> None:
    """Check that a pixel size is a positive number or "header"."""
    if not (isinstance(pixel_size, str) and pixel_size == "header"):
        expected = 'a positive number of ångström per stored pixel or "header"'
        check_number(pixel_size, "pixel_size", expected, above=0)


def stored_pixel_size(pixel_size: float | str, image: GridImage) -> float:
    """Return the ångström per stored pixel of an image, from its header if so requested."""
    check_pixel_size(pixel_size)
    if pixel_size != "header":
        return float(pixel_size)
    size = image.pixel_size
    if size is None or size == 1.0:
        stored = "has none" if size is None else "has 1.0, a placeholder"
        raise ValueError(
            f"pixel_size='header' needs a pixel size in the header, but that of {image.name!r} "
            f"{stored}; pass the pixel size as a number"
        )
    return float(size)
