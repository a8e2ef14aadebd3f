"""Scores, prior and scenario, as given or as a fitted classifier has them."""

from __future__ import annotations

import numpy as np

from puclassify._last_step import last_step
from puclassify._parameters import check_score_vector

__all__ = ["checked_scores", "own_prior", "own_scenario", "scores_of"]


def checked_scores(scores, name) -> np.ndarray:
    """Return scores as a vector of float64, by the name that the caller knows them under."""
    try:
        scores = np.asarray(scores, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be one number for each example: {error}") from error
    return check_score_vector(scores, name)


def own_prior(estimator, prior, *, required=True):
    """Return the prior given, or for "auto" the one of the estimator.

    Parameters
    ----------
    estimator : fitted classifier
        May be a `Pipeline` or a search, whose last step is asked.
    prior : float, None or "auto"
        As given.
    required : bool, default=True
        Whether an estimator without ``prior_`` is an error; otherwise it has none.

    Returns
    -------
    float or None
        The prior.
    """
    if not (isinstance(prior, str) and prior == "auto"):
        return prior
    last = last_step(estimator)
    found = getattr(last, "prior_", None)
    if found is None and required:
        raise ValueError(
            f"prior='auto' takes the prior_ of the estimator, but {type(last).__name__} has none: "
            "give prior=<number>, such as that of puclassify.prior.DEDPULPrior"
        )
    return found


def own_scenario(estimator, scenario) -> str:
    """Return the scenario given, or for "auto" the one of the estimator, or else the default."""
    if scenario == "auto":
        return getattr(last_step(estimator), "scenario", "case_control")
    return scenario


def scores_of(estimator, X):
    """Score examples by ``decision_function`` or, where there is none, by ``predict_proba``."""
    if hasattr(estimator, "decision_function"):
        return estimator.decision_function(X)
    if hasattr(estimator, "predict_proba"):
        return estimator.predict_proba(X)[:, 1]
    raise ValueError(
        f"estimator {type(estimator).__name__} has neither decision_function nor predict_proba; "
        "pass a classifier that scores, or the scores themselves to from_predictions"
    )
