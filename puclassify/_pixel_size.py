"""The pixel size of a micrograph, as a number or as its header says."""

from __future__ import annotations

from puclassify._parameters import check_number
from puclassify.grid import GridImage

__all__ = ["check_pixel_size", "stored_pixel_size"]


def check_pixel_size(pixel_size) -> None:
    """Raise a ValueError if a pixel size is neither a positive number nor "header".

    Parameters
    ----------
    pixel_size : object
        What the caller passed.
    """
    if not (isinstance(pixel_size, str) and pixel_size == "header"):
        expected = 'a positive number of ångström per stored pixel or "header"'
        check_number(pixel_size, "pixel_size", expected, above=0)


def stored_pixel_size(pixel_size, image: GridImage) -> float:
    """Return the ångström per stored pixel of one micrograph.

    Parameters
    ----------
    pixel_size : float or "header"
        A number for all micrographs, or what each MRC header says.
    image : GridImage
        The micrograph.

    Returns
    -------
    float
        Ångström per pixel.

    Raises
    ------
    ValueError
        If the header's value is missing, 0 or the placeholder 1, or the parameter is no number.
    """
    check_pixel_size(pixel_size)
    if pixel_size != "header":
        return float(pixel_size)
    size = image.pixel_size
    if size is None or size == 1.0:
        says = "says nothing of it" if size is None else "says 1.0, which is a placeholder"
        raise ValueError(
            f"pixel_size='header' was asked for but the header of {image.name!r} {says}; "
            "pass the pixel size as a number"
        )
    return float(size)
