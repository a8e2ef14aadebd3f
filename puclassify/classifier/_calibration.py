"""Calibration of a trained network on examples that were held out."""

from __future__ import annotations

import numpy as np

from puclassify._warnings import warn
from puclassify.calibration import PUPlattScaling

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
) -> tuple[float, float]:
    """Return slope and intercept; warn and change nothing where none can be fitted."""
    if not np.isfinite(logits).all():  # the fit warns of that
        return UNCALIBRATED
    try:
        scaling = PUPlattScaling(prior, scenario=scenario)
        scaling.fit(logits, positive, sample_weight=sample_weight, propensities=propensities)
        return scaling.calibration_
    except ValueError as error:
        warn(
            f"the logits are left as the network gives them, because {error}; train for fewer "
            "epochs if the loss of early_stopping=True says so, label more, or set "
            "calibration=None"
        )
        return UNCALIBRATED
