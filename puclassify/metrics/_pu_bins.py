"""Examples in bins of predicted probability."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from puclassify._example_weights import are_equal
from puclassify._parameters import check_option, check_score_vector, check_whole_number
from puclassify._score_kinds import warn_if_labels
from puclassify.metrics._pu_sample import PUSample

__all__ = ["binned_sample"]


def binned_sample(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    prior: float,
    scenario: str,
    n_bins: int,
    strategy: str,
    least: int,
    name: str = "y_score",
    propensities: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> tuple[PUSample, np.ndarray, np.ndarray]:
    """Check the arguments of a calibration metric; return the sample, probabilities and bins.

    Both arrays have shape (n,); a bin is its number from 0. Messages call the probabilities
    ``name``; ``least`` is as in `PUSample.check`.
    """
    check_whole_number(n_bins, "n_bins", at_least=1)
    check_option(strategy, "strategy", ("uniform", "quantile"))
    p = check_score_vector(y_score, name)
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
        sample_weight=sample_weight,
        least=least,
    )
    warn_if_labels(p, name)
    p = p[sample.present]
    quantiles = np.linspace(0, 1, int(n_bins) + 1)[1:-1]
    edges, weights = quantiles, sample.mixture_weights
    if strategy == "quantile":
        weighted: dict[str, Any] = (
            {} if are_equal(weights) else {"weights": weights, "method": "inverted_cdf"}
        )
        edges = np.quantile(p[sample.mixture], quantiles, **weighted)
    return sample, p, np.searchsorted(edges, p)
