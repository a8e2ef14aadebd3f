"""Checks of what a picker's preprocessing returns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch

from puclassify._devices import all_finite
from puclassify.grid import GridImage, ScoreMap

__all__ = ["check_images", "fit_preprocessing", "refuse_score_maps"]


def fit_preprocessing(preprocessing: Any, micrographs: Sequence[Any]) -> Iterable[Any]:
    """Fit the preprocessing and transform the micrographs; name it where it takes only tables."""
    try:
        return preprocessing.fit_transform(micrographs)
    except (TypeError, ValueError) as error:
        steps = [step for _, step in getattr(preprocessing, "steps", [("", preprocessing)])]
        foreign = [step for step in steps if type(step).__module__.startswith("sklearn.")]
        if not foreign:
            raise
        raise ValueError(
            f"preprocessing={preprocessing!r} cannot transform micrographs ({error}); "
            f"{foreign[0]!r} is made for tables of features: use FourierDownsample and "
            "NormalizeMicrograph, or a transformer of yours from micrographs to GridImages"
        ) from error


def refuse_score_maps(micrographs: Iterable[Any]) -> None:
    """Refuse maps of scores in the place of micrographs."""
    for item in micrographs:
        if isinstance(item, ScoreMap):
            raise TypeError(
                f"X holds a map of scores of {item.name!r}, as transform and predict_proba return "
                "it, in the place of a micrograph; pass the micrographs themselves"
            )


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
