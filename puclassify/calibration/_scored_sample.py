"""Weighted scores and their means."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from puclassify._parameters import check_score_vector

__all__ = ["ScoredSample"]


@dataclass(frozen=True)
class ScoredSample:
    """Scores of one sample, of shape (n,), and the share of each in it."""

    values: np.ndarray
    shares: np.ndarray | None  # None means equal ones

    @classmethod
    def check(cls, scores: ArrayLike, weights: ArrayLike | None, name: str) -> ScoredSample:
        """Check scores and their relative weights, and leave out scores of weight 0.

        ``name`` is that of the sample in messages.
        """
        values = check_score_vector(scores, f"{name}_scores", finite=True)
        if not len(values):
            raise ValueError(f"{name}_scores is empty; pass at least one score")
        if weights is None:
            return cls(values, None)
        checked = check_score_vector(weights, f"{name}_weights", finite=True)
        low, high = checked.min(initial=0), checked.max(initial=0)
        if len(checked) != len(values) or low < 0 or high == 0:
            raise ValueError(
                f"{name}_weights must be {len(values)} numbers, one for each score, none of them "
                f"negative and not all 0; got {len(checked)} from {low:.6g} to {high:.6g}"
            )
        counts = checked > 0
        return cls(values[counts], checked[counts] / checked.sum())

    @property
    def size(self) -> float:
        """Number of examples of equal weight with the same variance of the mean (Kish)."""
        return len(self.values) if self.shares is None else 1 / float(self.shares @ self.shares)

    @property
    def spread(self) -> float:
        """Standard deviation; 0 where all scores are equal."""
        if self.values.min() == self.values.max():
            return 0.0
        return math.sqrt(self.mean((self.values - self.mean(self.values)) ** 2))

    def scaled(self, centre: float, spread: float) -> ScoredSample:
        """Return the sample with scores in units of ``spread`` from ``centre``."""
        return ScoredSample((self.values - centre) / spread, self.shares)

    def mean(self, values: np.ndarray) -> float:
        """Return the mean of values of shape (n,)."""
        return float(np.mean(values) if self.shares is None else self.shares @ values)

    def moments(self, values: np.ndarray) -> np.ndarray:
        """Return the mean of values of shape (n,) times the vector (score, 1)."""
        return np.array([self.mean(values * self.values), self.mean(values)])

    def second_moments(self, values: np.ndarray) -> np.ndarray:
        """Return the mean of values of shape (n,) times the outer product of (score, 1)."""
        times_score = values * self.values
        first, cross = self.mean(times_score * self.values), self.mean(times_score)
        return np.array([[first, cross], [cross, self.mean(values)]])
