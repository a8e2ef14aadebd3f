"""The step that picks or classifies, inside pipelines and searches, and its own settings."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

__all__ = [
    "all_candidates",
    "final_picker",
    "is_particle_picker",
    "last_step",
    "own_matching_radius",
    "own_pos_label",
    "own_prior",
    "own_scenario",
]


def last_step(estimator: Any) -> Any:
    """Follow searches and pipelines to their last step."""
    while True:
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif isinstance(estimator, Pipeline):
            estimator = estimator[-1]
        else:
            return estimator


def final_picker(estimator: Any, X: Any) -> tuple[Any, Any]:
    """Return the last step, which picks, and X as transformed by the steps before it."""
    while True:
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif isinstance(estimator, Pipeline):
            if len(estimator) > 1:
                X = estimator[:-1].transform(X)
            estimator = estimator[-1]
        else:
            return estimator, X


def is_particle_picker(estimator: Any) -> bool:
    """Return whether this is a fitted picker, whose ``predict`` accepts a threshold.

    An attribute decides rather than the type, so that this module does not import the picker and
    pickers of other packages qualify.
    """
    return hasattr(estimator, "matching_radius_")


def all_candidates(picker: Any, X: Any) -> Any:
    """Return the picks at the lowest possible threshold."""
    if is_particle_picker(picker):
        return picker.predict(X, threshold=-np.inf)
    return picker.predict(X)


def own_matching_radius(picker: Any) -> float:
    """Return the matching radius of a picker in stored pixels."""
    for name in ("matching_radius_", "radius"):
        if getattr(picker, name, None) is not None:
            return getattr(picker, name)
    raise ValueError(
        f"radius=None means the estimator's own matching radius, but {type(picker).__name__} has "
        "none; give radius=<stored pixels>"
    )


def own_pos_label(estimator: Any) -> Any:
    """Return the label that the last step was told to be the positive one, or None."""
    return getattr(last_step(estimator), "pos_label", None)


def own_prior(
    estimator: Any, given: Any, *, own: str | None, required: bool = True, fix: str = "a number"
) -> Any:
    """Return the prior given or, where it is ``own`` (None or "auto"), the last step's ``prior_``.

    An estimator without one has the prior None, or is an error that suggests ``fix``.
    """
    if not _stands_for_own(given, own):
        return given
    last = last_step(estimator)
    prior = getattr(last, "prior_", None)
    if prior is None and required:
        raise ValueError(
            f"prior={own!r} means the prior_ of the fitted estimator, but {type(last).__name__} "
            f"has none; give {fix}"
        )
    return prior


def own_scenario(estimator: Any, given: Any, *, own: str | None) -> str:
    """Return the scenario given or, where it is ``own``, the last step's, else "case_control"."""
    if _stands_for_own(given, own):
        return getattr(last_step(estimator), "scenario", "case_control")
    return given


def _stands_for_own(given: Any, own: str | None) -> bool:
    return given is None if own is None else isinstance(given, str) and given == own
