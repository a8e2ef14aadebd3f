"""Scores with weights, and means over them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from puclassify._parameters import check_score_vector

__all__ = ["ScoredSample", "check_finite_scores"]


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
        values = check_finite_scores(scores, f"{name}_scores")
        if not len(values):
            raise ValueError(f"{name}_scores is empty; pass at least one score")
        if weights is None:
            return cls(values, None)
        weights = check_finite_scores(weights, f"{name}_weights")
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


def check_finite_scores(scores, name: str) -> np.ndarray:
    """Return scores as a vector of finite float64.

    Parameters
    ----------
    scores : array-like of shape (n,)
        What the caller passed.
    name : str
        What messages call them.

    Returns
    -------
    ndarray of float64 of shape (n,)
        The same numbers.

    Raises
    ------
    ValueError
        If they have another shape, are not real numbers, or one is NaN or infinite.
    """
    try:
        checked = np.asarray(scores)
        if checked.dtype.kind not in "fiubO":
            raise TypeError(f"got {checked.dtype}")
        checked = checked.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be one number for each example: {error}") from error
    checked = check_score_vector(checked, name)
    infinite = np.flatnonzero(np.isinf(checked))
    if len(infinite):
        raise ValueError(
            f"{name} must be finite, but {len(infinite)} of {len(checked)} are not, the first at "
            f"index {infinite[0]}; log-odds of probabilities of 0 or 1 are infinite: clip these"
        )
    return checked
