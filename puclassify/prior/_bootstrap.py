"""Confidence intervals from resamples."""

from __future__ import annotations

import math
from numbers import Integral

import numpy as np

from puclassify._parameters import check_number

__all__ = ["check_bootstrap", "percentile_interval"]


def check_bootstrap(estimator) -> None:
    """Refuse impossible numbers of resamples and levels of confidence.

    Parameters
    ----------
    estimator : estimator
        With parameters ``n_bootstrap`` and ``confidence_level``.

    Raises
    ------
    ValueError
        If one of them is not valid.
    """
    n = estimator.n_bootstrap
    if not isinstance(n, Integral) or isinstance(n, bool) or n < 0:
        raise ValueError(f"n_bootstrap must be a whole number, 0 or more, got {n!r}")
    check_number(
        estimator.confidence_level,
        "confidence_level",
        "a number between 0 and 1, both excluded",
        above=0,
        below=1,
    )


def percentile_interval(estimates, estimate, level) -> tuple[float, float]:
    """Return percentiles of resampled estimates, shifted to have the estimate for their median.

    Parameters
    ----------
    estimates : ndarray of shape (n_bootstrap,)
        From resamples; empty for no interval.
    estimate : float
        From the sample itself.
    level : float
        Confidence.

    Returns
    -------
    tuple of (float, float)
        Within 0 and 1, or NaN twice.
    """
    if not len(estimates):
        return math.nan, math.nan
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    ends = np.quantile(estimates, tails) - np.median(estimates) + estimate
    low, high = np.clip(ends, 0, 1).tolist()
    return low, high
