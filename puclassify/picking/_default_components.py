"""Default components of a picker."""

from __future__ import annotations

from typing import Any

from sklearn.pipeline import Pipeline

from puclassify.classifier import PUImageClassifier
from puclassify.losses import GEBinomialLoss
from puclassify.picking._geometry import HalfDiameter
from puclassify.picking.suppression import NonMaximumSuppression
from puclassify.preprocessing import FourierDownsample, NormalizeMicrograph

__all__ = ["DEFAULT_INIT", "complete_preprocessing", "default_component", "follow_headers"]


DEFAULT_INIT = "auto"  # of the network of a picker: those of the package where they fit


def default_component(name: str, particle_diameter: float, pixel_size: float | str) -> Any:
    """Return a fresh default for a parameter of the picker; None if it is no component."""
    if name == "classifier":
        # The pull of the expected count grows with the number of unlabelled positions; where it
        # outweighs the labels, contaminants that score high are never unlearnt. The risk unlearns
        # them, and the count keeps the network from memorising few labels.
        criterion = GEBinomialLoss(slack=0.1, risk_weight=10.0)
        return PUImageClassifier("resnet9", criterion=criterion, batch_size=1024, init=DEFAULT_INIT)
    if name == "preprocessing":
        # Ice crystals are darker than any particle; unclipped, they would be the best picks.
        normalize = NormalizeMicrograph(clip=4.0)
        return Pipeline([("downsample", FourierDownsample()), ("normalize", normalize)])
    if name == "nms":
        return NonMaximumSuppression(HalfDiameter.of(particle_diameter, pixel_size))
    return None


def complete_preprocessing(
    preprocessing: Any, particle_diameter: float, pixel_size: float | str, n_jobs: int | None
) -> Any:
    """Set, in place, the lengths and ``n_jobs`` that a preprocessing leaves open; return it."""
    nested = preprocessing.get_params(deep=True)
    for key, value in [("", preprocessing), *nested.items()]:
        if isinstance(value, FourierDownsample) and value.particle_diameter is None:
            value.set_params(particle_diameter=particle_diameter, pixel_size=pixel_size)
        if key.rpartition("__")[2] == "n_jobs" and value is None:
            preprocessing.set_params(**{key: n_jobs})
    return preprocessing


def follow_headers(preprocessing: Any, before: float | str, pixel_size: float | str) -> None:
    """Replace, in place, the pixel size of a picker by one that follows headers."""
    if pixel_size is before:
        return
    for value in [preprocessing, *preprocessing.get_params(deep=True).values()]:
        if isinstance(value, FourierDownsample) and value.pixel_size == before:
            value.set_params(pixel_size=pixel_size)
