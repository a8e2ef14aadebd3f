"""The sign of the contrast and the scale at which a pretrained network sees most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from puclassify._warnings import warn
from puclassify.grid import GridImage
from puclassify.picking.estimates import (
    FindCandidates,
    FirstLook,
    are_clearly_better,
    label_and_candidate_scores,
    ranks_of_labels,
)
from puclassify.preprocessing import FourierDownsample, NormalizeMicrograph

__all__ = [
    "SCALES",
    "can_be_scaled",
    "choose_scale",
    "inverted",
    "is_inverted",
    "labels_rank_higher_inverted",
    "sees_more_inverted",
    "set_inverted",
    "warn_of_particle_size",
]

SCALES = 0.85, 1.15, 1.3  # of the diameter, that are tried besides 1
_CLEAR_GAIN_OF_SIGN = 0.1  # of the largest expected F1
_CLEAR_GAIN_OF_SCALE = 0.05
_MICROGRAPHS_FOR_SIGN, _DEVIATIONS = 6, 2.0  # where there are labels
_SMALLEST, _LARGEST = 0.6, 1.5  # of the particle's size in training, beyond which a warning says so


def inverted(images: Sequence[GridImage]) -> list[GridImage]:
    """Return preprocessed micrographs with dark and bright exchanged."""
    return [replace(image, values=-image.values) for image in images]


def set_inverted(preprocessing: Any, invert: bool) -> bool:
    """Exchange, in place, dark and bright in a preprocessing; return whether it can."""
    steps = [preprocessing, *preprocessing.get_params(deep=True).values()]
    normalizers = [step for step in steps if type(step) is NormalizeMicrograph]
    for step in normalizers[-1:]:
        step.set_params(invert=step.invert != invert)
    return bool(normalizers) or not invert


def is_inverted(preprocessing: Any) -> bool:
    """Return whether a preprocessing exchanges dark and bright."""
    steps = [preprocessing, *preprocessing.get_params(deep=True).values()]
    return any(type(step) is NormalizeMicrograph and step.invert for step in steps)


def can_be_scaled(preprocessing: Any) -> bool:
    """Return whether a preprocessing, not completed yet, follows the picker's diameter."""
    steps = [preprocessing, *preprocessing.get_params(deep=True).values()]
    return any(
        type(step) is FourierDownsample
        and isinstance(step.factor, str)
        and step.particle_diameter is None
        for step in steps
    )


def sees_more_inverted(as_is: FirstLook, inverse: FirstLook) -> bool:
    """Return whether the picks with inverted contrast are clearly better, as far as is known."""
    return inverse.expected_f1 > as_is.expected_f1 + _CLEAR_GAIN_OF_SIGN


def labels_rank_higher_inverted(
    find_candidates: FindCandidates,
    images: Sequence[GridImage],
    labels: Sequence[np.ndarray],
    radius: float,
) -> bool:
    """Return whether labels rank clearly higher among candidates with inverted contrast."""
    most_labels = sorted(range(len(labels)), key=lambda i: -len(labels[i]))[:_MICROGRAPHS_FOR_SIGN]
    images, labels = [images[i] for i in most_labels], [labels[i] for i in most_labels]
    as_is, inverse = (
        ranks_of_labels(label_and_candidate_scores(find_candidates, some, labels, radius))
        for some in (images, inverted(images))
    )
    return are_clearly_better(inverse, as_is, deviations=_DEVIATIONS)


def choose_scale(look_at_scale: Callable[[float], FirstLook], at_one: FirstLook) -> float:
    """Return the scale of the diameter with the largest expected F1; 1 unless another is better."""
    gains = {scale: look_at_scale(scale).expected_f1 - at_one.expected_f1 for scale in SCALES}
    best = max(gains, key=lambda scale: gains[scale])
    return best if gains[best] > _CLEAR_GAIN_OF_SCALE else 1.0


def warn_of_particle_size(images: Sequence[GridImage], diameter: float, pixels: float) -> None:
    """Warn if a particle spans other than the ``pixels`` that pretrained weights were made for.

    The diameter is in stored pixels.
    """
    span = diameter / float(np.median([image.step_xy.mean() for image in images]))
    if not _SMALLEST < span / pixels < _LARGEST:
        warn(
            f"a particle spans {span:.3g} pixels of what the network sees, and the pretrained "
            f"weights are for {pixels:g}: let FourierDownsample(target_diameter={pixels:g}) follow "
            "particle_diameter, or set classifier__init='random'"
        )
