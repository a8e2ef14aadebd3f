"""What a picker's components are, and what is in them, when nobody says."""

from __future__ import annotations

import numbers

from sklearn.pipeline import Pipeline

from puclassify.classifier import PUImageClassifier
from puclassify.losses import GEBinomialLoss
from puclassify.picking.suppression import NonMaximumSuppression
from puclassify.preprocessing import FourierDownsample, NormalizeMicrograph

__all__ = ["complete_preprocessing", "default_component"]


def default_component(name: str, particle_diameter, pixel_size):
    """Make the object that a parameter of the picker stands for while it is None.

    Parameters
    ----------
    name : str
        Name of the parameter.
    particle_diameter : float
        Of the picker, in ångström.
    pixel_size : float or "header"
        Of the picker, in ångström.

    Returns
    -------
    estimator or None
        A fresh one; None for a parameter that is no component.
    """
    if name == "classifier":
        # The pull of the expected count grows with the number of unlabelled positions; where it
        # outweighs the labels, contaminants that look sure are never unlearnt. The risk unlearns
        # them, and the count keeps few labels from being learnt by heart.
        criterion = GEBinomialLoss(slack=0.1, risk_weight=10.0)
        return PUImageClassifier("resnet9", criterion=criterion, batch_size=1024)
    if name == "preprocessing":
        # Ice crystals are darker than any particle; clipped, they are not the surest picks.
        normalize = NormalizeMicrograph(clip=4.0)
        return Pipeline([("downsample", FourierDownsample()), ("normalize", normalize)])
    if name == "nms":
        return NonMaximumSuppression(_half_diameter(particle_diameter, pixel_size))
    return None


def complete_preprocessing(preprocessing, particle_diameter, pixel_size, n_jobs):
    """Fill in what the picker knows and its preprocessing was not told.

    Parameters
    ----------
    preprocessing : transformer
        Changed in place: the diameter and pixel size of each `FourierDownsample` without a
        diameter, and every ``n_jobs`` that is None.
    particle_diameter : float
        Of the picker, in ångström.
    pixel_size : float or "header"
        Of the picker, in ångström.
    n_jobs : int or None
        Of the picker.

    Returns
    -------
    transformer
        The same.
    """
    nested = preprocessing.get_params(deep=True)
    for key, value in [("", preprocessing), *nested.items()]:
        if isinstance(value, FourierDownsample) and value.particle_diameter is None:
            value.set_params(particle_diameter=particle_diameter, pixel_size=pixel_size)
        if key.rpartition("__")[2] == "n_jobs" and value is None:
            preprocessing.set_params(**{key: n_jobs})
    return preprocessing


def _half_diameter(particle_diameter, pixel_size) -> float | None:
    """Half the diameter in stored pixels, or None where only the headers know it."""
    for length in (particle_diameter, pixel_size):
        if not isinstance(length, numbers.Real) or not float(length) > 0:
            return None
    return particle_diameter / pixel_size / 2
