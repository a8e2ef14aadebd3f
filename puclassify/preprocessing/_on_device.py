"""Preprocessing on the device on which a network scores."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from puclassify._devices import as_tensor, threads_worth
from puclassify.grid import GridImage
from puclassify.preprocessing._fourier_downsample import FourierDownsample
from puclassify.preprocessing._micrograph_transformer import ENOUGH_PIXELS
from puclassify.preprocessing._normalize_micrograph import NormalizeMicrograph

__all__ = ["preprocess_on", "runs_on_devices"]


def runs_on_devices(preprocessing: BaseEstimator) -> bool:
    """Return whether `preprocess_on` can do a preprocessing.

    It can for `FourierDownsample`, `NormalizeMicrograph` and pipelines of nothing else. Other
    transformers, including subclasses of these, may do more to arrays than is known here.
    """
    return all(
        type(step) in (FourierDownsample, NormalizeMicrograph) for step in _steps(preprocessing)
    )


def preprocess_on(
    preprocessing: BaseEstimator, image: GridImage, device: torch.device | str
) -> GridImage:
    """Preprocess a stored micrograph on a device, and leave the float32 result there.

    The micrograph is uploaded in the type that it is stored in.
    """
    on_gpu = torch.device(device).type == "cuda"  # there later steps wait for the upload
    image = replace(image, values=as_tensor(image.values).to(device, non_blocking=on_gpu))
    with threads_worth(math.prod(image.shape), ENOUGH_PIXELS):
        for step in _steps(preprocessing):
            image = step.image_function()(image)
    return replace(image, values=image.values.float())


def _steps(preprocessing) -> list:
    """Return the transformers that a preprocessing applies in turn."""
    if type(preprocessing) is not Pipeline:
        return [preprocessing]
    return [step for _, step in preprocessing.steps if step not in (None, "passthrough")]
