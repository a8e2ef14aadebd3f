"""Estimates of the class prior with confidence intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from puclassify._parameters import check_probability, check_whole_number

__all__ = ["EstimatedPrior", "check_bootstrap", "percentile_interval"]


@dataclass(frozen=True)
class EstimatedPrior:
    """A class prior and its confidence interval."""

    prior: float
    interval: tuple[float, float]

    def with_interval_over(self, low: float, high: float) -> Self:
        """Return the same with an interval that holds these two as well, if it has one."""
        if math.isnan(self.interval[0]):
            return self
        return replace(self, interval=(min(self.interval[0], low), max(self.interval[1], high)))


def check_bootstrap(n_bootstrap: int, confidence_level: float) -> None:
    """Refuse an impossible number of resamples or confidence level."""
    check_whole_number(n_bootstrap, "n_bootstrap", at_least=0)
    check_probability(confidence_level, "confidence_level")


def percentile_interval(
    resampled: np.ndarray, estimate: float, confidence_level: float
) -> tuple[float, float]:
    """Return percentiles of resampled estimates, shifted so that ``estimate`` is their median.

    The interval lies within 0 and 1; without resamples it is ``(nan, nan)``.
    """
    if not len(resampled):
        return math.nan, math.nan
    tails = np.array([(1 - confidence_level) / 2, (1 + confidence_level) / 2])
    ends = np.quantile(resampled, tails) - np.median(resampled) + estimate
    low, high = np.clip(ends, 0, 1).tolist()
    return low, high
