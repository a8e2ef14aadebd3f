"""Calibration of a trained network on examples that were held out."""

from __future__ import annotations

import numpy as np

from puclassify._warnings import warn
from puclassify.calibration import PUPlattScaling
from puclassify.metrics import largest_prior_of_ranking

__all__ = ["UNCALIBRATED", "fit_calibration", "is_calibrated"]

UNCALIBRATED = (1.0, 0.0)  # slope and intercept that leave logits as they are
_FEWEST_HELD_OUT = 50  # labelled positives, for which "auto" holds examples out


def is_calibrated(calibration: str | None, n_positive: int, share: float) -> bool:
    """Return whether a fit ends with a calibration, given the share of held-out positives."""
    if calibration == "auto":
        return round(share * n_positive) >= _FEWEST_HELD_OUT
    return calibration is not None


def fit_calibration(
    logits: np.ndarray,
    positive: np.ndarray,
    prior: float,
    scenario: str,
    *,
    sample_weight: np.ndarray | None = None,
    propensities: np.ndarray | None = None,
    prior_is_given: bool = False,
) -> tuple[float, float]:
    """Return slope and intercept; warn and change nothing where none can be fitted.

    A prior that was given, and not estimated from the same examples, is compared with them.
    """
    if not np.isfinite(logits).all():  # the fit warns of that
        return UNCALIBRATED
    try:
        weights = {"sample_weight": sample_weight, "propensities": propensities}
        if prior_is_given:
            _warn_if_contradicted(
                prior, largest_prior_of_ranking(positive, logits, prior, scenario, **weights)
            )
        scaling = PUPlattScaling(prior, scenario=scenario).fit(logits, positive, **weights)
        return scaling.calibration_
    except ValueError as error:
        warn(
            f"the logits are left as the network gives them, because {error}; train for fewer "
            "epochs if the loss of early_stopping=True says so, label more, or set "
            "calibration=None"
        )
        return UNCALIBRATED


def _warn_if_contradicted(prior: float, most: float | None) -> None:
    if most is not None:
        warn(
            f"prior={prior:.4g} contradicts the held-out examples: the labelled positives score so "
            f"far above the others that it is at most about {max(0.0, most):.2g} if these hold "
            "positives like them. Either the prior is too large (prior='bbe' estimates it); or the "
            "labelled differ from the positives among the unlabelled, as from another source or "
            "of another scale, and the network has learnt that difference"
        )
