"""The difference of estimated densities, as a function of scores (DEDPUL; Ivanov, 2020)."""

from __future__ import annotations

import math

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.special import ndtri

from puclassify._propensities import effective_size
from puclassify.prior._best_bin import bounds_of_ratio
from puclassify.prior._confidence import EstimatedPrior, percentile_interval

__all__ = ["density_difference"]

_N_BINS = 512
_FEWEST_LABELLED = 5
_LEAST_WIDTH = 0.05  # in standard deviations, where the scores have next to no spread


def density_difference(
    labelled: np.ndarray,
    mixture: np.ndarray,
    weights: np.ndarray,
    *,
    tolerance: float | str = "auto",
    bandwidth: float = 0.9,
    confidence_level: float = 0.9,
    n_bootstrap: int = 0,
    rng: np.random.RandomState | None = None,
) -> EstimatedPrior:
    """Estimate the prior from scores of labelled positives, weighted, and of the mixture.

    ``rng`` draws the resamples of the interval and is needed for these alone.
    """
    n_labelled, n_mixture = effective_size(weights), len(mixture)
    if n_labelled < _FEWEST_LABELLED:
        raise ValueError(
            f"the density of {len(labelled)} labelled positives cannot be estimated: at least "
            f"{_FEWEST_LABELLED} are needed{_counting(n_labelled, weights)}"
        )
    slack = 0.3 / math.sqrt(n_labelled) if isinstance(tolerance, str) else tolerance
    z_labelled, z_mixture = _normal_scores(labelled, mixture, weights)
    width = bandwidth * max(
        _spread(z_labelled, weights) * n_labelled**-0.2,
        _spread(z_mixture) * n_mixture**-0.2,
    )
    bins_labelled, bins_mixture, width = _binned(z_labelled, z_mixture, max(width, _LEAST_WIDTH))
    prior = float(
        _largest_prior(_counts(bins_labelled, weights), _counts(bins_mixture), width, slack)
    )
    _check_resolved(prior, slack, n_mixture)
    resampled = np.array([])
    if n_bootstrap and rng is not None:
        resampled = _largest_prior(
            _resampled_counts(bins_labelled, weights, n_bootstrap, rng),
            _resampled_counts(bins_mixture, np.ones(n_mixture), n_bootstrap, rng),
            width,
            slack,
        )
    estimate = EstimatedPrior(prior, percentile_interval(resampled, prior, confidence_level))
    return estimate.with_interval_over(
        *bounds_of_ratio(labelled, mixture, weights, confidence_level)
    )


def _check_resolved(prior: float, tolerance: float, n_mixture: int) -> None:
    """Refuse an estimate of 1, or of less than one example of the mixture."""
    if prior >= 1:
        raise ValueError(
            "the scores do not distinguish the prior from 1: nowhere are labelled positives "
            f"denser than unlabelled examples by more than the tolerance, {tolerance:.4g}; pass "
            "scores that are higher for positives, of a classifier that learned something, or "
            "label more if most unlabelled examples are positive too, which lowers the tolerance"
        )
    if prior * n_mixture < 1:
        raise ValueError(
            f"the densities do not resolve the prior: the estimate of {prior:.3g} stands for "
            f"less than one of the {n_mixture} examples of the unlabelled sample, since next to "
            "none of them score as high as the labelled positives"
        )


def _counting(n_effective: float, weights: np.ndarray) -> str:
    """Say for a message how few examples unequal weights amount to."""
    if np.ptp(weights) == 0:
        return ""
    return f", and with their propensities they are worth {n_effective:.1f} of equal weight"


def _normal_scores(
    labelled: np.ndarray, mixture: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Map scores to normal quantiles of the mean of their ranks in the two samples."""
    of_labelled = _cumulative(labelled, weights)
    of_mixture = _cumulative(mixture, np.ones(len(mixture)))

    def quantiles(scores: np.ndarray) -> np.ndarray:
        below = [*_shares_below(scores, *of_labelled), *_shares_below(scores, *of_mixture)]
        return ndtri(np.mean(below, axis=0))  # ties get the middle of their ranks

    return quantiles(labelled), quantiles(mixture)


def _cumulative(scores: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the scores in ascending order and the share of the weight below each, and of all."""
    order = np.argsort(scores)
    return scores[order], np.append(0.0, np.cumsum(weights[order])) / np.sum(weights)


def _shares_below(
    scores: np.ndarray, ordered: np.ndarray, shares: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the share of a sample below each score, without and with its ties."""
    return (
        shares[np.searchsorted(ordered, scores, "left")],
        shares[np.searchsorted(ordered, scores, "right")],
    )


def _spread(z: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Return the smaller of standard deviation and scaled interquartile range that is not 0."""
    weights = np.ones(len(z)) if weights is None else weights
    order = np.argsort(z)
    middles = np.cumsum(weights[order]) - weights[order] / 2
    middles = (middles - middles[0]) / max(middles[-1] - middles[0], np.finfo(float).tiny)
    low, high = np.interp([0.25, 0.75], middles, z[order])
    of_quartiles = float(high - low) / 1.349
    deviation = math.sqrt(np.average((z - np.average(z, weights=weights)) ** 2, weights=weights))
    return min(deviation, of_quartiles) if of_quartiles > 0 else deviation


def _binned(
    labelled: np.ndarray, mixture: np.ndarray, width: float
) -> tuple[np.ndarray, np.ndarray, float]:
    """Sort scores into fine bins, and convert the width of the kernel to bins."""
    low = min(labelled.min(), mixture.min()) - 4 * width
    high = max(labelled.max(), mixture.max()) + 4 * width
    bins_labelled, bins_mixture = (
        ((z - low) / (high - low) * _N_BINS).astype(int) for z in (labelled, mixture)
    )
    return bins_labelled, bins_mixture, width / (high - low) * _N_BINS


def _counts(bins: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Count the examples, or add up their weights, in each bin."""
    return np.bincount(bins, weights, minlength=_N_BINS)


def _resampled_counts(
    bins: np.ndarray, weights: np.ndarray, n_resamples: int, rng: np.random.RandomState
) -> np.ndarray:
    """Return histograms of resamples of a sample, of shape (n_resamples, n_bins)."""
    n = len(bins)
    if np.ptp(weights) == 0:  # all examples of a bin are alike, and drawing their number is quick
        return rng.multinomial(n, _counts(bins) / n, n_resamples)
    rows = np.empty((n_resamples, _N_BINS))
    for row in rows:
        drawn = rng.randint(n, size=n)
        row[:] = _counts(bins[drawn], weights[drawn])
    return rows


def _largest_prior(
    counts_labelled: np.ndarray, counts_mixture: np.ndarray, width: float, tolerance: float
) -> np.ndarray:
    """Smooth histograms along their last axis; return the largest prior that they allow."""
    q_p, q_u = (
        _shares_above(gaussian_filter1d(counts.astype(float), width, mode="constant"))
        for counts in (counts_labelled, counts_mixture)
    )
    enough = q_p > tolerance
    return np.where(enough, q_u / np.where(enough, q_p - tolerance, 1), np.inf).min(axis=-1)


def _shares_above(density: np.ndarray) -> np.ndarray:
    """Integrate from above along the last axis."""
    above = np.cumsum(density[..., ::-1], axis=-1)
    return above / above[..., -1:]
