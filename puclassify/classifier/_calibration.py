"""Calibration of a trained network on examples that were held out."""

from __future__ import annotations

import warnings

import numpy as np

from puclassify.calibration import PUPlattScaling

__all__ = ["UNCALIBRATED", "fit_calibration", "is_calibrated"]

UNCALIBRATED = (1.0, 0.0)  # slope and intercept that leave logits as they are
_FEWEST_HELD_OUT = 50  # labelled positives, for which "auto" holds examples out


def is_calibrated(calibration, n_positive: int, share: float) -> bool:
    """Tell whether a fit ends with a calibration.

    Parameters
    ----------
    calibration : {"auto", "platt"} or None
        The parameter.
    n_positive : int
        Number of labelled positives.
    share : float
        Of them that would be held out.

    Returns
    -------
    bool
        For "auto", whether that is 50 or more.
    """
    if calibration == "auto":
        return round(share * n_positive) >= _FEWEST_HELD_OUT
    return calibration is not None


def fit_calibration(logits, positive, prior: float, scenario: str) -> tuple[float, float]:
    """Fit slope and intercept; warn the caller of the ``fit`` if there are none.

    Parameters
    ----------
    logits : ndarray of shape (n,)
        Of held-out examples.
    positive : ndarray of bool of shape (n,)
        Which of them are labelled positive.
    prior : float
        P(y = 1), as the scenario has it.
    scenario : str
        The scenario.

    Returns
    -------
    tuple of (float, float)
        Slope and intercept.
    """
    if not np.isfinite(logits).all():  # of which the fit warns anyway
        return UNCALIBRATED
    try:
        return PUPlattScaling(prior, scenario=scenario).fit(logits, positive).calibration_
    except ValueError as error:
        warnings.warn(
            f"the logits are left as the network gives them, because {error}; train for fewer "
            "epochs if the loss of early_stopping=True says so, label more, or set "
            "calibration=None",
            UserWarning,
            stacklevel=5,
        )
        return UNCALIBRATED
