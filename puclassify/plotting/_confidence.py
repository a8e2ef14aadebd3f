"""Confidence of the bands and bars that displays draw."""

from __future__ import annotations

from scipy.special import ndtri

from puclassify._parameters import check_number

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
    expected = "a number between 0 and 1, both excluded"
    check_number(confidence_level, "confidence_level", expected, above=0, below=1)
    return float(ndtri((1 + float(confidence_level)) / 2))
