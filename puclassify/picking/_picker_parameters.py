"""What the constructor parameters of a picker may be."""

from __future__ import annotations

import numbers
import warnings

import numpy as np

from puclassify._parameters import is_number
from puclassify._pixel_size import check_pixel_size
from puclassify.classifier import PUImageClassifier, check_classifier_parameters
from puclassify.picking.estimates import check_threshold
from puclassify.picking.scoring import check_memory_budget
from puclassify.picking.suppression import NonMaximumSuppression, check_suppression_parameters

__all__ = ["check_picker_parameters"]


def check_picker_parameters(picker) -> None:
    """Check the picker's parameters and those of its components, before anything is read.

    Parameters
    ----------
    picker : ParticlePicker
        The estimator.

    Raises
    ------
    ValueError, TypeError
        If one cannot be used; the message names it.

    Warns
    -----
    UserWarning
        If a parameter of the classifier was changed from its default and has no effect here.
    """
    for name in ("particle_diameter", "expected_particles", "label_radius", "matching_radius"):
        value = getattr(picker, name)
        if value is None and name != "particle_diameter":
            continue
        if not (is_number(value) and 0 < value < np.inf):
            raise ValueError(f"{name} must be a positive number, got {value!r}")
    prior = picker.prior
    if not (_is_auto(prior) or (is_number(prior) and 0 < prior < 1)):
        raise ValueError(f"prior must be 'auto' or between 0 and 1, got {prior!r}")
    check_threshold(picker.threshold)
    verbose = picker.verbose
    if not isinstance(verbose, numbers.Integral) or verbose < 0:
        raise ValueError(f"verbose must be a whole number >= 0, got {verbose!r}")
    if not isinstance(picker.compile, bool | np.bool_):
        raise ValueError(f"compile must be True or False, got {picker.compile!r}")
    check_memory_budget(picker.memory_budget)
    check_pixel_size(picker.pixel_size)
    _check_suppression(picker.nms)
    if isinstance(picker.classifier, PUImageClassifier):
        _check_tile_training(picker.classifier)


def _check_tile_training(classifier: PUImageClassifier) -> None:
    """Check a classifier that is to be trained on tiles, where some parameters have no meaning."""
    check_classifier_parameters(classifier)
    if classifier.early_stopping:
        raise ValueError(
            "classifier__early_stopping=True holds out single images, which tile training does "
            "not have; leave it False and choose classifier__max_epochs by cross-validation "
            "over micrographs"
        )
    if classifier.scenario != "case_control":
        raise ValueError(
            f"classifier__scenario={classifier.scenario!r} has no meaning in a picker: its "
            "unlabelled positions are drawn from everything and the prior is theirs; leave it "
            "'case_control'"
        )
    instead = {
        "prior": "set the picker's expected_particles or prior",
        "positive_fraction": "tiles hold the labelled positions that lie in them",
        "warm_start": "a picker always trains from fresh weights",
    }
    defaults = PUImageClassifier().get_params(deep=False)
    for name, advice in instead.items():
        value = getattr(classifier, name)
        if value != defaults[name]:
            warnings.warn(
                f"classifier__{name}={value!r} is not used in a picker: {advice}",
                UserWarning,
                stacklevel=5,
            )


def _check_suppression(nms) -> None:
    if nms is None:
        return
    if not isinstance(nms, NonMaximumSuppression):
        raise TypeError(
            f"nms must be None or a NonMaximumSuppression, got {nms!r}; for another radius pass "
            "NonMaximumSuppression(radius), in stored pixels"
        )
    radius = 0.0 if nms.radius is None else nms.radius  # None stands for half the diameter
    check_suppression_parameters(radius, nms.threshold, nms.max_picks, nms.border, nms.subpixel)


def _is_auto(value) -> bool:
    return isinstance(value, str) and value == "auto"
