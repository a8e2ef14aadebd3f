"""The step that picks, inside pipelines and searches, and what it can be asked."""

from __future__ import annotations

import numpy as np
from sklearn.pipeline import Pipeline

__all__ = [
    "all_candidates",
    "final_picker",
    "is_particle_picker",
    "last_step",
    "own_matching_radius",
]


def last_step(estimator):
    """Follow searches and pipelines to their last step."""
    while True:
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif isinstance(estimator, Pipeline):
            estimator = estimator[-1]
        else:
            return estimator


def final_picker(estimator, X):
    """Follow searches and pipelines to the step that picks, and X to what reaches that step."""
    while True:
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif isinstance(estimator, Pipeline):
            if len(estimator) > 1:
                X = estimator[:-1].transform(X)
            estimator = estimator[-1]
        else:
            return estimator, X


def is_particle_picker(estimator) -> bool:
    """Whether this is a fitted picker, whose ``predict`` takes a threshold.

    Asked by attribute rather than by type, so that nothing here depends on the picker and
    other pickers can take part.
    """
    return hasattr(estimator, "matching_radius_")


def all_candidates(picker, X):
    """Return the picks at every score the picker can give."""
    if is_particle_picker(picker):
        return picker.predict(X, threshold=-np.inf)
    return picker.predict(X)


def own_matching_radius(picker) -> float:
    """Return the matching radius in stored pixels that belongs to a picker."""
    for name in ("matching_radius_", "radius"):
        if getattr(picker, name, None) is not None:
            return getattr(picker, name)
    raise ValueError(
        f"radius=None means the estimator's own matching radius, but {type(picker).__name__} has "
        "none; give radius=<stored pixels>"
    )
