"""The pixel size of a micrograph, given as a number or read from its header."""

from __future__ import annotations

from typing import Any

from puclassify._parameters import check_number
from puclassify.grid import GridImage

__all__ = [
    "RelativePixelSize",
    "check_pixel_size",
    "differ",
    "header_pixel_size",
    "stored_pixel_size",
]

_PLAUSIBLE = 0.05, 100.0  # ångström per pixel of electron micrographs
_PLACEHOLDER = 1.0
_SAME = 1.02  # ratio up to which two pixel sizes are one


class RelativePixelSize(float):
    """The pixel size of micrographs by whose headers those of other micrographs follow.

    ``header`` is what the headers of the former say.
    """

    header: float

    def __new__(cls, value: float, header: float) -> RelativePixelSize:
        size = super().__new__(cls, value)
        size.header = header
        return size

    def __reduce__(self) -> tuple:
        return type(self), (float(self), self.header)

    def ratio(self, image: GridImage) -> float:
        """Return the pixel size of an image in units of this one: 1 where no header says it."""
        header = header_pixel_size(image)
        return header / self.header if header and differ(header, self.header) else 1.0


def header_pixel_size(image: GridImage) -> float | None:
    """Return the pixel size in the header of an image, None where it means nothing."""
    size = image.pixel_size
    if size is None or size == _PLACEHOLDER or not _PLAUSIBLE[0] <= size <= _PLAUSIBLE[1]:
        return None
    return float(size)


def differ(one: float, other: float) -> bool:
    """Return whether two pixel sizes are not the same."""
    return not 1 / _SAME <= one / other <= _SAME


def check_pixel_size(pixel_size: Any) -> None:
    """Check that a pixel size is a positive number or "header"."""
    if not (isinstance(pixel_size, str) and pixel_size == "header"):
        expected = 'a positive number of ångström per stored pixel or "header"'
        check_number(pixel_size, "pixel_size", expected, above=0)


def stored_pixel_size(pixel_size: float | str, image: GridImage) -> float:
    """Return the ångström per stored pixel of an image, from its header if so requested."""
    check_pixel_size(pixel_size)
    if isinstance(pixel_size, RelativePixelSize):
        return float(pixel_size) * pixel_size.ratio(image)
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
