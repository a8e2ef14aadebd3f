"""Confidence of the bands and bars that displays draw."""

from __future__ import annotations

from scipy.special import ndtri

from puclassify._parameters import check_probability

__all__ = ["normal_quantile"]


def normal_quantile(confidence_level) -> float:
    """Return how many standard errors to either side have a confidence.

    Parameters
    ----------
    confidence_level : float
        Between 0 and 1, such as 0.95.

    Returns
    -------
    float
        Such as 1.96.
    """
    level = check_probability(confidence_level, "confidence_level")
    return float(ndtri((1 + level) / 2))
