"""Scores with weights, and means over them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from puclassify._parameters import check_score_vector

__all__ = ["ScoredSample"]


@dataclass(frozen=True)
class ScoredSample:
    """Scores of one sample and the share of each in it.

    Parameters
    ----------
    values : ndarray of float64 of shape (n,)
        The scores.
    shares : ndarray of float64 of shape (n,) or None
        None means equal ones that sum up to 1.
    """

    values: np.ndarray
    shares: np.ndarray | None

    @classmethod
    def check(cls, scores, weights, name: str) -> ScoredSample:
        """Check what a caller passed, and leave out what has no weight.

        Parameters
        ----------
        scores : array-like of shape (n,)
            The scores.
        weights : array-like of shape (n,) or None
            How often each counts, relative to the others.
        name : str
            What messages call the sample.

        Returns
        -------
        ScoredSample
            The sample.
        """
        values = check_score_vector(scores, f"{name}_scores", finite=True)
        if not len(values):
            raise ValueError(f"{name}_scores is empty; pass at least one score")
        if weights is None:
            return cls(values, None)
        weights = check_score_vector(weights, f"{name}_weights", finite=True)
        low, high = weights.min(initial=0), weights.max(initial=0)
        if len(weights) != len(values) or low < 0 or high == 0:
            raise ValueError(
                f"{name}_weights must be {len(values)} numbers, one for each score, none of them "
                f"negative and not all 0; got {len(weights)} from {low:.6g} to {high:.6g}"
            )
        counts = weights > 0
        return cls(values[counts], weights[counts] / weights.sum())

    @property
    def size(self) -> float:
        """How many examples of equal weight tell as much."""
        return len(self.values) if self.shares is None else 1 / float(self.shares @ self.shares)

    @property
    def spread(self) -> float:
        """Standard deviation; 0 where all scores are equal."""
        if self.values.min() == self.values.max():
            return 0.0
        return math.sqrt(self.mean((self.values - self.mean(self.values)) ** 2))

    def scaled(self, centre: float, spread: float) -> ScoredSample:
        """Return the sample in other units."""
        return ScoredSample((self.values - centre) / spread, self.shares)

    def mean(self, values) -> float:
        """Average values of shape (n,) over the sample."""
        return float(np.mean(values) if self.shares is None else self.shares @ values)

    def moments(self, values) -> np.ndarray:
        """Average values of shape (n,), times (score, 1)."""
        return np.array([self.mean(values * self.values), self.mean(values)])

    def second_moments(self, values) -> np.ndarray:
        """Average values of shape (n,), times the outer product of (score, 1)."""
        times_score = values * self.values
        first, cross = self.mean(times_score * self.values), self.mean(times_score)
        return np.array([[first, cross], [cross, self.mean(values)]])
