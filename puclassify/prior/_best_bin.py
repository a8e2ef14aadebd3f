"""Best bin estimation, as a function of scores (Garg et al., 2021, Algorithm 1)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from puclassify._propensities import effective_size
from puclassify.prior._confidence import EstimatedPrior

__all__ = ["BestBin", "best_bin", "bounds_of_ratio", "ratio_margin"]

_SHARE_ABOVE = 0.2  # of the positives, above every threshold that bounds the prior


@dataclass(frozen=True)
class BestBin(EstimatedPrior):
    """The estimate, and the lowest score in the bin that it comes from."""

    threshold: float


def best_bin(
    labelled: np.ndarray,
    mixture: np.ndarray,
    weights: np.ndarray,
    *,
    delta: float = 0.1,
    gamma: float = 0.01,
) -> BestBin:
    """Estimate the prior from scores of labelled positives, weighted, and of the mixture."""
    thresholds, q_p, q_u = _shares_above(labelled, weights, mixture)
    margin = ratio_margin(effective_size(weights), len(mixture), delta, gamma) / q_p
    best = np.argmin(q_u / q_p + margin)
    ratio = float(q_u[best] / q_p[best])
    if ratio >= 1:
        raise ValueError(
            "the scores do not rank labelled positives above unlabelled examples: at the best "
            f"threshold, {thresholds[best]:.6g}, {q_u[best]:.4f} of the unlabelled sample and "
            f"{q_p[best]:.4f} of the positives score at least as high; pass scores that are "
            "higher for positives, such as decision_function(X) of a classifier, or label more if "
            "most unlabelled examples are positive too"
        )
    width = float(margin[best])
    return BestBin(
        ratio, (max(0.0, ratio - width), min(1.0, ratio + width)), float(thresholds[best])
    )


def ratio_margin(n_labelled: float, n_mixture: int, delta: float, gamma: float) -> float:
    """Return the half-width of the bound on the ratio of shares, times the share of positives."""
    of_mixture, of_labelled = (
        math.sqrt(math.log(4 / delta) / (2 * n)) for n in (n_mixture, n_labelled)
    )
    return (1 + gamma) * (of_mixture + of_labelled)


def bounds_of_ratio(
    labelled: np.ndarray, mixture: np.ndarray, weights: np.ndarray, confidence_level: float
) -> tuple[float, float]:
    """Return the lowest of the lower, and of the upper, ends of the ratio of shares.

    Negatives above a threshold raise the ratio, the fewer the higher it is. So the prior lies below
    every upper end, and above the lowest lower end unless the ratio would go on falling by more
    than its error. Resamples do not tell, for all of them have the same negatives.
    """
    _, q_p, q_u = _shares_above(labelled, weights, mixture)
    enough = q_p >= _SHARE_ABOVE
    q_p, q_u = q_p[enough], np.maximum(q_u[enough], 1 / len(mixture))
    variance = (1 - q_p) / (effective_size(weights) * q_p) + (1 - q_u) / (len(mixture) * q_u)
    margin = ndtri((1 + confidence_level) / 2) * np.sqrt(variance)  # relative to the ratio
    least, most = (np.min(q_u / q_p * (1 + sign * margin)) for sign in (-1, 1))
    return float(max(least, 0)), float(min(most, 1))


def _shares_above(
    labelled: np.ndarray, weights: np.ndarray, mixture: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return all thresholds that some positive reaches, and both shares at or above each."""
    thresholds = np.unique(np.concatenate([labelled, mixture]))
    thresholds = thresholds[thresholds <= labelled.max()]
    order = np.argsort(labelled)
    above = np.cumsum(weights[order][::-1])[::-1]
    q_p = above[np.searchsorted(labelled[order], thresholds)] / above[0]
    below = np.searchsorted(np.sort(mixture), thresholds)
    return thresholds, q_p, (len(mixture) - below) / len(mixture)
