"""The types that a model file may hold objects of, by name: nothing else is ever made from one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from sklearn.pipeline import Pipeline

from puclassify._pixel_size import RelativePixelSize
from puclassify.classifier import PUImageClassifier
from puclassify.losses import LOSSES
from puclassify.models._topaz import TopazDetector
from puclassify.networks import NETWORKS
from puclassify.picking import RECORDS, HalfDiameter, NonMaximumSuppression, ParticlePicker
from puclassify.preprocessing import FourierDownsample, NormalizeMicrograph

__all__ = ["ESTIMATORS", "NUMBERS", "RECORDS", "known_class", "name_of_class"]

ESTIMATORS: dict[str, type] = {
    one.__name__: one
    for one in (
        ParticlePicker,
        PUImageClassifier,
        NonMaximumSuppression,
        FourierDownsample,
        NormalizeMicrograph,
        Pipeline,
        *LOSSES.values(),
    )
}
"""Objects with scikit-learn's parameters, made by a call with these."""


class NumberType(NamedTuple):
    """A number with something beside it: how it is taken apart and made."""

    type: type
    n_parts: int
    parts: Callable[[Any], list[float]]


NUMBERS = {
    "HalfDiameter": NumberType(HalfDiameter, 1, lambda one: [float(one)]),
    "RelativePixelSize": NumberType(
        RelativePixelSize, 2, lambda one: [float(one), float(one.header)]
    ),
}
"""Subclasses of float, made of their parts."""

_CLASSES: dict[str, type] = {
    "puclassify.models.TopazDetector": TopazDetector,
    **{f"puclassify.losses.{one.__name__}": one for one in LOSSES.values()},
    **{f"puclassify.networks.{one.__name__}": one for one in NETWORKS.values()},
}
_OPTIMIZERS = "torch.optim."


def name_of_class(value: Any) -> str | None:
    """Return the name of a class of this library or of torch's optimizers, None for others."""
    for name, one in _CLASSES.items():
        if one is value:
            return name
    name = getattr(value, "__name__", "")
    return _OPTIMIZERS + name if _optimizer(name) is value else None


def known_class(name: Any) -> type | None:
    """Return the class of such a name, None if there is none."""
    if not isinstance(name, str):
        return None
    if name.startswith(_OPTIMIZERS):
        return _optimizer(name.removeprefix(_OPTIMIZERS))
    return _CLASSES.get(name)


def _optimizer(name: str) -> type | None:
    found = vars(torch.optim).get(name)
    is_optimizer = isinstance(found, type) and issubclass(found, torch.optim.Optimizer)
    return found if is_optimizer else None
