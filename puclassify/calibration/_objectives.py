"""Objectives of slope and intercept, and their minimisation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from puclassify.calibration._scored_sample import ScoredSample

__all__ = ["EmpiricalLikelihood", "UnbiasedRisk", "minimise"]

_SLOPE_SD = 10.0  # of the normal prior on the slope, for scores with a standard deviation of 1
_SHRINKAGE = 30.0  # slope at which the ridge adds one standard error to the risk
_MOST_STEPS = 100
_LEAST_GAIN = 1e-12  # in units of the objective, which are those of a log-likelihood per example


class UnbiasedRisk:
    """The unbiased PU risk with the logistic loss, and a ridge on the slope; convex.

    Scores are in units of the spread of the unlabelled ones.
    """

    def __init__(self, positives: ScoredSample, unlabelled: ScoredSample, prior: float) -> None:
        self.unlabelled = unlabelled
        self.of_positives = prior * positives.moments(np.ones_like(positives.values))
        error = prior * math.sqrt(1 / positives.size + 1 / unlabelled.size)
        self.ridge = error / _SHRINKAGE

    def __call__(self, at: np.ndarray) -> float:
        loss = np.logaddexp(0, at[0] * self.unlabelled.values + at[1])
        risk = self.unlabelled.mean(loss) - float(self.of_positives @ at)
        return float(risk + self.ridge * at[0] ** 2 / 2)

    def derivatives(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return gradient and Hessian."""
        p = expit(at[0] * self.unlabelled.values + at[1])
        gradient = self.unlabelled.moments(p) - self.of_positives
        hessian = self.unlabelled.second_moments(p * (1 - p))
        return gradient + [self.ridge * at[0], 0], hessian + np.diag([self.ridge, 0])


class EmpiricalLikelihood:
    """The negative empirical log-likelihood per example, with a normal prior on the slope.

    Scores are in units of the spread of the unlabelled ones.
    """

    def __init__(self, positives: ScoredSample, unlabelled: ScoredSample, prior: float) -> None:
        self.prior = prior
        self.n_positive = len(positives.values)
        n = positives.size + unlabelled.size
        shares = [
            np.full(len(one.values), 1 / len(one.values)) if one.shares is None else one.shares
            for one in (positives, unlabelled)
        ]
        self.pooled = ScoredSample(
            np.concatenate([positives.values, unlabelled.values]),
            np.concatenate([shares[0] * (positives.size / n), shares[1] * (unlabelled.size / n)]),
        )
        self.multiplier = positives.size / n  # its value if the scale of the ratio is free
        self.ridge = 1 / (_SLOPE_SD**2 * n)

    def __call__(self, at: np.ndarray) -> float:
        g = at[0] * self.pooled.values + at[1]
        excess = expit(g) / self.prior - 1
        multiplier = _multiplier(excess, self.pooled, self.multiplier)
        if multiplier is None:
            return math.inf
        loss = np.log1p(multiplier * excess)
        loss[: self.n_positive] += np.logaddexp(0, -g[: self.n_positive])
        return self.pooled.mean(loss) + float(self.ridge * at[0] ** 2 / 2)

    def derivatives(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the gradient, and the Hessian with the absolute values of its eigenvalues."""
        p = expit(at[0] * self.pooled.values + at[1])
        ratio = p / self.prior
        multiplier = _multiplier(ratio - 1, self.pooled, self.multiplier)
        if multiplier is None:
            raise RuntimeError(f"the likelihood has no derivatives at {at}, where it is infinite")
        self.multiplier = multiplier
        normaliser = 1 + multiplier * (ratio - 1)
        first = multiplier * ratio * (1 - p) / normaliser
        second = first * (1 - 2 * p) - first**2
        first[: self.n_positive] -= 1 - p[: self.n_positive]
        second[: self.n_positive] += (p * (1 - p))[: self.n_positive]
        # The multiplier maximises the objective and depends on slope and intercept.
        cross = self.pooled.moments(ratio * (1 - p) / normaliser**2)
        curvature = self.pooled.mean(((ratio - 1) / normaliser) ** 2)
        hessian = self.pooled.second_moments(second) + np.outer(cross, cross) / curvature
        eigenvalues, vectors = np.linalg.eigh(hessian + np.diag([self.ridge, 0]))
        gradient = self.pooled.moments(first) + [self.ridge * at[0], 0]
        return gradient, (vectors * np.abs(eigenvalues)) @ vectors.T


def minimise(
    objective: UnbiasedRisk | EmpiricalLikelihood, start: Sequence[float]
) -> tuple[float, float]:
    """Return slope and intercept after Newton steps, each halved until it descends.

    The objective must be finite at ``start``.
    """
    at = np.array(start)
    value = objective(at)
    for _ in range(_MOST_STEPS):
        gradient, curvature = objective.derivatives(at)
        damping = 1e-12 * max(1.0, float(np.trace(curvature)))
        step = -np.linalg.solve(curvature + damping * np.eye(2), gradient)
        decrease = -float(gradient @ step)
        length = 1.0
        while (there := objective(at + length * step)) > value - 1e-4 * length * decrease:
            length /= 2
            if length < 1e-8:  # as low as rounding allows
                return float(at[0]), float(at[1])
        at, value = at + length * step, there
        if decrease < _LEAST_GAIN:
            break
    return float(at[0]), float(at[1])


def _multiplier(excess: np.ndarray, pooled: ScoredSample, start: float) -> float | None:
    """Return the multiplier with the least mean of -log(1 + multiplier * excess), if any.

    The mean is convex and finite between its two poles, which belong to the extremes of the excess.
    """
    low, high = excess.min(), excess.max()
    if not low < 0 < high:
        return None
    at, value = start, -pooled.mean(np.log1p(start * excess))
    for _ in range(_MOST_STEPS):
        quotient = excess / (1 + at * excess)
        step = pooled.mean(quotient) / pooled.mean(quotient**2)
        while min((at + step) * low, (at + step) * high) <= -1:
            step /= 2
        while (there := -pooled.mean(np.log1p((at + step) * excess))) > value + 1e-15:
            step /= 2
        at, value = at + step, there
        if abs(step) < 1e-12 * max(1.0, abs(at)):
            break
    return at
