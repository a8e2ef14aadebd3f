"""What a slope and an intercept are judged by, and how the best are found."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import expit

from puclassify.calibration._scored_sample import ScoredSample

__all__ = ["EmpiricalLikelihood", "UnbiasedRisk", "minimise"]

_SLOPE_SD = 10.0  # of the prior on the slope of scores with a standard deviation of 1
_SHRINKAGE = 30.0  # the slope at which the ridge of the risk costs a standard error of it
_MOST_STEPS = 100
_LEAST_GAIN = 1e-12  # in units of the objective, which are those of a log-likelihood per example


class UnbiasedRisk:
    """The unbiased PU risk with the logistic loss, and a ridge on the slope: convex.

    Parameters
    ----------
    positives, unlabelled : ScoredSample
        Scores in units of the spread of the unlabelled ones.
    prior : float
        P(y = 1) in the unlabelled sample.
    """

    def __init__(self, positives: ScoredSample, unlabelled: ScoredSample, prior: float):
        self.unlabelled = unlabelled
        self.of_positives = prior * positives.moments(np.ones_like(positives.values))
        error = prior * math.sqrt(1 / positives.size + 1 / unlabelled.size)
        self.ridge = error / _SHRINKAGE

    def __call__(self, at) -> float:
        loss = np.logaddexp(0, at[0] * self.unlabelled.values + at[1])
        risk = self.unlabelled.mean(loss) - float(self.of_positives @ at)
        return float(risk + self.ridge * at[0] ** 2 / 2)

    def derivatives(self, at):
        """Return gradient and Hessian."""
        p = expit(at[0] * self.unlabelled.values + at[1])
        gradient = self.unlabelled.moments(p) - self.of_positives
        hessian = self.unlabelled.second_moments(p * (1 - p))
        return gradient + [self.ridge * at[0], 0], hessian + np.diag([self.ridge, 0])


class EmpiricalLikelihood:
    """The negative empirical log-likelihood, per example, with a normal prior on the slope.

    Parameters
    ----------
    positives, unlabelled : ScoredSample
        Scores in units of the spread of the unlabelled ones.
    prior : float
        P(y = 1) in the unlabelled sample.
    """

    def __init__(self, positives: ScoredSample, unlabelled: ScoredSample, prior: float):
        self.prior = prior
        self.n_positive = len(positives.values)
        n = positives.size + unlabelled.size
        shares = [
            np.full(len(part.values), 1 / len(part.values)) if part.shares is None else part.shares
            for part in (positives, unlabelled)
        ]
        self.pooled = ScoredSample(
            np.concatenate([positives.values, unlabelled.values]),
            np.concatenate([shares[0] * (positives.size / n), shares[1] * (unlabelled.size / n)]),
        )
        self.multiplier = positives.size / n  # what it is if the ratio's scale is free
        self.ridge = 1 / (_SLOPE_SD**2 * n)

    def __call__(self, at) -> float:
        g = at[0] * self.pooled.values + at[1]
        excess = expit(g) / self.prior - 1
        multiplier = _multiplier(excess, self.pooled, self.multiplier)
        if multiplier is None:
            return math.inf
        loss = np.log1p(multiplier * excess)
        loss[: self.n_positive] += np.logaddexp(0, -g[: self.n_positive])
        return self.pooled.mean(loss) + float(self.ridge * at[0] ** 2 / 2)

    def derivatives(self, at):
        """Return the gradient, and the Hessian with the absolute values of its eigenvalues."""
        p = expit(at[0] * self.pooled.values + at[1])
        ratio = p / self.prior
        multiplier = self.multiplier = _multiplier(ratio - 1, self.pooled, self.multiplier)
        normaliser = 1 + multiplier * (ratio - 1)
        first = multiplier * ratio * (1 - p) / normaliser
        second = first * (1 - 2 * p) - first**2
        first[: self.n_positive] -= 1 - p[: self.n_positive]
        second[: self.n_positive] += (p * (1 - p))[: self.n_positive]
        # The multiplier, at which the objective has a maximum, follows slope and intercept.
        cross = self.pooled.moments(ratio * (1 - p) / normaliser**2)
        curvature = self.pooled.mean(((ratio - 1) / normaliser) ** 2)
        hessian = self.pooled.second_moments(second) + np.outer(cross, cross) / curvature
        eigenvalues, vectors = np.linalg.eigh(hessian + np.diag([self.ridge, 0]))
        gradient = self.pooled.moments(first) + [self.ridge * at[0], 0]
        return gradient, (vectors * np.abs(eigenvalues)) @ vectors.T


def minimise(objective, start) -> tuple[float, float]:
    """Take Newton steps, halved until they descend.

    Parameters
    ----------
    objective : UnbiasedRisk or EmpiricalLikelihood
        What to minimise.
    start : tuple of (float, float)
        Slope and intercept at which it is finite.

    Returns
    -------
    tuple of (float, float)
        Slope and intercept.
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
            if length < 1e-8:  # as low as rounding lets it become
                return float(at[0]), float(at[1])
        at, value = at + length * step, there
        if decrease < _LEAST_GAIN:
            break
    return float(at[0]), float(at[1])


def _multiplier(excess, pooled: ScoredSample, start: float) -> float | None:
    """Return where the mean of -log(1 + multiplier * excess) is least; None if nowhere.

    It is convex, and finite between the two poles, which lie where the excess is extreme.
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
