"""The share of positives in many subsets of the mixture together."""

from __future__ import annotations

import numpy as np

from puclassify.metrics._pu_sample import PUSample

__all__ = ["positive_shares", "standard_errors"]


def positive_shares(
    sample: PUSample, n_labelled: np.ndarray, n_mixture: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Estimate the share of positives in subsets of the mixture, and the standard errors.

    A subset is defined by the prediction alone: scores above a threshold, whose share of positives
    is the precision, or a bin of probabilities. It is given by how many labelled positives and how
    many examples of the mixture (at least one) it holds. The share is `pu_precision_score` of the
    subset: the prior times its share of the labelled positives over its share of the mixture.
    """
    of_positives = n_labelled / np.sum(sample.positive)
    of_mixture = n_mixture / np.sum(sample.mixture)
    share = sample.prior * of_positives / of_mixture
    std = standard_errors(
        sample, n_labelled, n_mixture, sample.prior / of_mixture, share / of_mixture
    )
    return share, std


def standard_errors(
    sample: PUSample,
    n_labelled: np.ndarray,
    n_mixture: np.ndarray,
    at_positive: np.ndarray,
    at_mixture: np.ndarray,
) -> np.ndarray:
    """Return `PUSample.standard_error` for derivatives that are constant in each subset.

    The estimate of a subset rises by ``at_positive`` for a labelled positive in it and falls by
    ``at_mixture`` for an example of the mixture in it.
    """
    n_positive, n = int(np.sum(sample.positive)), int(np.sum(sample.mixture))
    if n_positive < 2 or n < 2:
        return np.full(len(n_labelled), np.nan)
    recall = n_labelled / n_positive
    if not sample.one_set:
        share = n_mixture / n
        variance = at_positive**2 * recall * (1 - recall) / (n_positive - 1)
        return np.sqrt(variance + at_mixture**2 * share * (1 - share) / (n - 1))
    # The responses take four values: labelled or not, in the subset or not.
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
