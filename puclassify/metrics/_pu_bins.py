"""Examples in bins of predicted probability."""

from __future__ import annotations

import numpy as np

from puclassify._parameters import check_option, check_score_vector, check_whole_number
from puclassify.metrics._pu_sample import PUSample

__all__ = ["binned_sample"]


def binned_sample(
    y_true,
    y_score,
    *,
    prior,
    scenario,
    n_bins,
    strategy,
    least,
    name="y_score",
    propensities=None,
) -> tuple[PUSample, np.ndarray, np.ndarray]:
    """Check what a measure of calibration was called with, and sort the examples into bins.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Two labels; the larger means "labelled positive".
    y_score : array-like of shape (n,)
        Predicted probabilities.
    prior : float
        As given.
    scenario : {"case_control", "single_training_set"}
        As given.
    n_bins : int
        Number of bins.
    strategy : {"uniform", "quantile"}
        Whether the bins have equal widths, or hold equally many examples of the mixture.
    least : int
        Fewest labelled positives that will do.
    name : str, default="y_score"
        What messages call the probabilities.
    propensities : array-like of shape (n,) or None, default=None
        As given.

    Returns
    -------
    sample : PUSample
        The sample.
    p : ndarray of shape (n,)
        The probabilities.
    bins : ndarray of int of shape (n,)
        Number of each example's bin.
    """
    check_whole_number(n_bins, "n_bins", at_least=1)
    check_option(strategy, "strategy", ("uniform", "quantile"))
    p = check_score_vector(y_score, "y_score")
    if len(p) and not (p.min() >= 0 and p.max() <= 1):
        raise ValueError(
            f"{name} must be probabilities, but it ranges from {p.min():.6g} to {p.max():.6g}; "
            "pass predict_proba(X)[:, 1]"
        )
    sample = PUSample.check(
        y_true,
        len(p),
        prior=prior,
        scenario=scenario,
        name=name,
        propensities=propensities,
        least=least,
    )
    quantiles = np.linspace(0, 1, int(n_bins) + 1)[1:-1]
    edges = quantiles if strategy == "uniform" else np.quantile(p[sample.marginal], quantiles)
    return sample, p, np.searchsorted(edges, p)
