"""Checks of the constructor parameters of a picker."""

from __future__ import annotations

from typing import Any

from puclassify._parameters import (
    check_flag,
    check_n_jobs,
    check_number,
    check_probability,
    check_seed,
    check_whole_number,
)
from puclassify._pixel_size import check_pixel_size
from puclassify._warnings import warn
from puclassify.classifier import PUImageClassifier, check_classifier_parameters
from puclassify.networks import NETWORKS
from puclassify.picking._geometry import HalfDiameter
from puclassify.picking.estimates import check_threshold
from puclassify.picking.scoring import check_memory_budget
from puclassify.picking.suppression import NonMaximumSuppression, check_suppression_parameters

__all__ = ["check_picker_parameters"]

# Parameters of a classifier that its training on tiles does not use, and what serves instead.
_UNUSED = {
    "prior": "set the picker's expected_particles or prior",
    "positive_fraction": "tiles hold the labelled positions that lie in them",
    "warm_start": "set the picker's warm_start",
}


def check_picker_parameters(picker: Any) -> None:
    """Check the parameters of a picker and of its components, before anything is read."""
    check_number(picker.particle_diameter, "particle_diameter", "a positive number", above=0)
    for name in ("expected_particles", "label_radius", "matching_radius"):
        if getattr(picker, name) is not None:
            check_number(getattr(picker, name), name, "a positive number or None", above=0)
    if not _is_auto(picker.prior):
        check_probability(picker.prior, "prior", "'auto' or a number between 0 and 1")
    check_threshold(picker.threshold)
    if not isinstance(picker.verbose, bool):  # scikit-learn's habit: True is 1
        check_whole_number(picker.verbose, "verbose", at_least=0)
    check_flag(picker.compile, "compile")
    check_flag(picker.symmetry, "symmetry")
    check_flag(picker.warm_start, "warm_start")
    check_memory_budget(picker.memory_budget)
    check_pixel_size(picker.pixel_size)
    check_n_jobs(picker.n_jobs)
    check_seed(picker.random_state)
    _check_components(picker)
    _check_suppression(picker.nms)
    is_network = picker.classifier is None or isinstance(picker.classifier, PUImageClassifier)
    if picker.warm_start and not is_network:
        raise ValueError(
            "warm_start=True continues from the weights of a network, which "
            f"classifier={picker.classifier!r} has not: leave it False, or pass a PUImageClassifier"
        )
    if isinstance(picker.classifier, PUImageClassifier):
        _check_tile_training(picker.classifier)


def _check_components(picker: Any) -> None:
    """Refuse what is no estimator."""
    default = {
        "classifier": "PUImageClassifier()",
        "preprocessing": "make_pipeline(FourierDownsample(), NormalizeMicrograph())",
    }
    for name, example in default.items():
        value = getattr(picker, name)
        if isinstance(value, str) and name == "classifier":
            network = value if value in NETWORKS else "resnet9"
            example = f"PUImageClassifier({network!r})"
        if value is not None and (isinstance(value, type) or not hasattr(value, "get_params")):
            raise TypeError(
                f"{name} must be an estimator or None, got {value!r}; pass, for instance, "
                f"{name}={example}"
            )


def _check_tile_training(classifier: PUImageClassifier) -> None:
    """Check a classifier that is to be trained on tiles."""
    check_classifier_parameters(classifier)
    if classifier.early_stopping:
        raise ValueError(
            "classifier__early_stopping=True holds out single images, which tile training does "
            "not have; leave it False and choose classifier__max_epochs by cross-validation "
            "over micrographs"
        )
    if classifier.scenario != "case_control":
        raise ValueError(
            f"classifier__scenario={classifier.scenario!r} has no meaning in a picker, which "
            "draws unlabelled positions from everything, so that the prior is theirs; leave it "
            "'case_control'"
        )
    defaults = PUImageClassifier().get_params(deep=False)
    for name, advice in _UNUSED.items():
        value = getattr(classifier, name)
        if value != defaults[name]:
            warn(f"classifier__{name}={value!r} is not used in a picker: {advice}")


def _check_suppression(nms: Any) -> None:
    if nms is None:
        return
    if not isinstance(nms, NonMaximumSuppression):
        raise TypeError(
            f"nms must be None or a NonMaximumSuppression, got {nms!r}; for another radius pass "
            "NonMaximumSuppression(radius), in stored pixels"
        )
    radius = 0.0 if isinstance(nms.radius, HalfDiameter) else nms.radius  # set per micrograph
    check_suppression_parameters(radius, nms.threshold, nms.max_picks, nms.border, nms.subpixel)


def _is_auto(value: Any) -> bool:
    return isinstance(value, str) and value == "auto"
