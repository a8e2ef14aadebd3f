"""The share of positives in parts of the mixture, many at once."""

from __future__ import annotations

import numpy as np

__all__ = ["positive_shares", "standard_errors"]


def positive_shares(sample, n_labelled, n_mixture) -> tuple[np.ndarray, np.ndarray]:
    r"""Estimate the share of positives among the examples of the mixture in each part.

    A part is whatever is told by the prediction alone: scores above a threshold, of which the
    share is the precision, or a bin of probabilities, of which it is the frequency.

    Parameters
    ----------
    sample : PUSample
        The labels, the prior and the scenario.
    n_labelled : ndarray of int of shape (n_parts,)
        How many labelled positives are in each part.
    n_mixture : ndarray of int of shape (n_parts,)
        How many examples of the mixture are, at least one.

    Returns
    -------
    share : ndarray of shape (n_parts,)
        The prior times the share of the labelled positives that is in the part, over that of the
        mixture: `puclassify.metrics.pu_precision_score` of the part.
    std : ndarray of shape (n_parts,)
        The standard errors.
    """
    of_positives = n_labelled / np.sum(sample.positive)
    of_mixture = n_mixture / np.sum(sample.marginal)
    share = sample.prior * of_positives / of_mixture
    std = standard_errors(
        sample, n_labelled, n_mixture, sample.prior / of_mixture, share / of_mixture
    )
    return share, std


def standard_errors(sample, n_labelled, n_mixture, at_positive, at_mixture) -> np.ndarray:
    """Return what `PUSample.standard_error` does for responses that are constant in each part.

    Parameters
    ----------
    sample : PUSample
        The labels and the scenario.
    n_labelled, n_mixture : ndarray of int of shape (n_parts,)
        How many labelled positives and examples of the mixture are in each part.
    at_positive, at_mixture : ndarray of shape (n_parts,)
        The estimate rises by the first for a labelled positive in the part, and falls by the second
        for an example of the mixture in it.

    Returns
    -------
    ndarray of shape (n_parts,)
        NaN where one example tells nothing about a spread.
    """
    n_positive, n = int(np.sum(sample.positive)), int(np.sum(sample.marginal))
    if n_positive < 2 or n < 2:
        return np.full(len(n_labelled), np.nan)
    recall = n_labelled / n_positive
    if not sample.one_set:
        share = n_mixture / n
        variance = at_positive**2 * recall * (1 - recall) / (n_positive - 1)
        return np.sqrt(variance + at_mixture**2 * share * (1 - share) / (n - 1))
    # The responses take four values: labelled or not, in the part or not.
    of_labelled = at_positive * n / n_positive
    mean = -at_mixture * n_mixture / n
    n_unlabelled = n_mixture - n_labelled
    squares = (
        n_labelled * (of_labelled * (1 - recall) - at_mixture - mean) ** 2
        + (n_positive - n_labelled) * (of_labelled * recall + mean) ** 2
        + n_unlabelled * (at_mixture + mean) ** 2
        + (n - n_positive - n_unlabelled) * mean**2
    )
    return np.sqrt(squares / (n * (n - 1)))
