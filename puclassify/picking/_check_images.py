"""Checks of what a picker's preprocessing returns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from puclassify._devices import all_finite
from puclassify.grid import GridImage

__all__ = ["check_images"]


def check_images(images: Iterable[Any], preprocessing: Any) -> list[GridImage]:
    """Return preprocessed micrographs; refuse other types and pixels that are not finite."""
    images = list(images)
    for image in images:
        if not isinstance(image, GridImage):
            raise TypeError(
                f"preprocessing={preprocessing!r} returned a {type(image).__name__} for a "
                "micrograph; return GridImages, which hold the positions of their pixels in the "
                "micrograph (puclassify.io.as_grid_image makes one of a path or an array)"
            )
        if not _is_finite(image.values):  # NaN would spread to every weight of a network
            raise ValueError(
                f"preprocessing={preprocessing!r} left pixels that are not finite in "
                f"{image.name!r}; end it with a NormalizeMicrograph, which sets them to 0"
            )
    return images


def _is_finite(values: Any) -> bool:
    if isinstance(values, torch.Tensor):
        return all_finite(values)
    return bool(np.isfinite(values).all())
