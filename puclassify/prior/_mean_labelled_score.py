"""The mean score of labelled positives and its prior (Elkan and Noto, 2008, section 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from puclassify.prior._confidence import EstimatedPrior, percentile_interval

__all__ = ["LabelledFraction", "check_labelling_probabilities", "mean_labelled_score"]

_MISCALIBRATED = 0.25  # distance of the mean probability from the labelled share, relative to it


@dataclass(frozen=True)
class LabelledFraction(EstimatedPrior):
    """The estimate, and the fraction of all positives that is labelled."""

    labelled_fraction: float


def mean_labelled_score(
    labelled: np.ndarray,
    n_mixture: int,
    weights: np.ndarray,
    *,
    one_set: bool,
    confidence_level: float,
    n_bootstrap: int,
    rng: np.random.RandomState,
) -> LabelledFraction:
    """Estimate the prior from probabilities, of labelled positives, of being labelled.

    ``one_set`` says that the labelled positives belong to the mixture.
    """
    labelled = labelled.astype(np.float64)
    n = len(labelled)
    mean, weighted = float(np.mean(labelled)), float(np.average(labelled, weights=weights))
    prior = float(_prior(mean, weighted, n, n_mixture, one_set))
    if prior >= 1:
        raise ValueError(
            f"the labelled positives score {weighted:.4f} on average, which makes the prior "
            f"{prior:.3f}, 1 or more: the classifier does not separate them from unlabelled "
            "examples, many negatives look like positives, or most unlabelled examples are "
            "positive; try DEDPULPrior, which tolerates more overlap, or label more"
        )
    rows = rng.randint(n, size=(n_bootstrap, n))
    means = labelled[rows].mean(axis=1)
    weighted_means = np.sum(labelled[rows] * weights[rows], axis=1) / weights[rows].sum(axis=1)
    resampled = _prior(means, weighted_means, n, n_mixture, one_set)
    resampled += rng.binomial(n_mixture, prior, n_bootstrap) / n_mixture - prior
    fraction = weighted if one_set else n / (n + prior * n_mixture)
    interval = percentile_interval(resampled, prior, confidence_level)
    return LabelledFraction(prior, interval, fraction)


def _prior(mean: Any, weighted: Any, n_labelled: int, n_mixture: int, one_set: bool) -> Any:
    """Return the prior from mean scores of the labelled positives, numbers or arrays."""
    if one_set:
        return n_labelled / (weighted * n_mixture)
    return (1 - mean) / weighted * n_labelled / n_mixture


def check_labelling_probabilities(scores: np.ndarray, positive: np.ndarray) -> None:
    """Refuse scores of all examples that cannot be probabilities of being labelled."""
    low, high = scores.min(), scores.max()
    if low < 0 or high > 1:
        raise ValueError(
            f"scores must be probabilities of being labelled, got values from {low:.4g} to "
            f"{high:.4g}: pass predict_proba(X)[:, 1] of a classifier of labelled against "
            "unlabelled examples"
        )
    mean, share = float(np.mean(scores, dtype=np.float64)), float(np.mean(positive))
    if abs(mean - share) > _MISCALIBRATED * share:
        raise ValueError(
            f"scores must be probabilities of being labelled, but their mean is {mean:.4f} while "
            f"{share:.4f} of the examples are labelled: calibrate them, or train without class "
            "weights and with an objective for labelled against unlabelled"
        )
