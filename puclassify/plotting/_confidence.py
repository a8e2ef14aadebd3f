"""Widths of the bands and bars of displays."""

from __future__ import annotations

from typing import Any

from scipy.special import ndtri

from puclassify._parameters import check_probability

__all__ = ["normal_quantile"]


def normal_quantile(confidence_level: Any) -> float:
    """Return the half-width of a confidence interval in standard errors: 1.96 for 0.95."""
    level = check_probability(confidence_level, "confidence_level")
    return float(ndtri((1 + level) / 2))
