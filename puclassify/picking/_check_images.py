"""What has to come out of a picker's preprocessing."""

from __future__ import annotations

import numpy as np
import torch

from puclassify._devices import all_finite
from puclassify.grid import GridImage

__all__ = ["check_images"]


def check_images(images, preprocessing) -> list[GridImage]:
    """Check preprocessed micrographs before anything is computed from them.

    Parameters
    ----------
    images : sequence
        What the preprocessing gave.
    preprocessing : transformer
        The preprocessing, for the message.

    Returns
    -------
    list of GridImage
        The images.

    Raises
    ------
    TypeError
        If one is something else, which does not know where its pixels were.
    ValueError
        If a pixel is not finite: it would make every weight of a network NaN.
    """
    for image in images:
        if not isinstance(image, GridImage):
            raise TypeError(
                f"preprocessing={preprocessing!r} gave a {type(image).__name__} for a micrograph; "
                "return GridImages, which know where their pixels sit in the micrograph "
                "(puclassify.io.as_grid_image makes one of a path or an array)"
            )
        if not _is_finite(image.values):
            raise ValueError(
                f"preprocessing={preprocessing!r} left pixels that are not finite in "
                f"{image.name!r}; put a NormalizeMicrograph at its end, which sets them to 0"
            )
    return list(images)


def _is_finite(values) -> bool:
    if isinstance(values, torch.Tensor):
        return all_finite(values)
    return bool(np.isfinite(values).all())
