"""The pixel size of a micrograph, as a number or as its header says."""

from __future__ import annotations

import numbers

import numpy as np

from puclassify.grid import GridImage

__all__ = ["stored_pixel_size"]


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
    if isinstance(pixel_size, numbers.Real) and not isinstance(pixel_size, bool):
        number = float(pixel_size)
        if not (np.isfinite(number) and number > 0):
            raise ValueError(f"pixel_size must be a positive number of ångström, got {pixel_size}")
        return number
    if not (isinstance(pixel_size, str) and pixel_size == "header"):
        raise ValueError(
            f"pixel_size must be a number of ångström per stored pixel or 'header', "
            f"got {pixel_size!r}"
        )
    size = image.pixel_size
    if size is None or size == 1.0:
        says = "says nothing of it" if size is None else "says 1.0, which is a placeholder"
        raise ValueError(
            f"pixel_size='header' was asked for but the header of {image.name!r} {says}; "
            "pass the pixel size as a number"
        )
    return float(size)
