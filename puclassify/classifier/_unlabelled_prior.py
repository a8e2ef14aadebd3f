"""The class prior of what has no label, from the prior of either scenario."""

from __future__ import annotations

import numpy as np

from puclassify.prior import unlabelled_prior

__all__ = ["prior_of_unlabelled"]


def prior_of_unlabelled(prior: float, scenario: str, positive) -> float:
    """Return P(y = 1) among unlabelled examples; refuse a prior below the labelled fraction."""
    if scenario == "case_control":
        return prior
    labelled = np.mean(positive)
    if labelled > prior:
        raise ValueError(
            f"prior={prior} is impossible in the single-training-set scenario: "
            f"{np.sum(positive)} of {len(positive)} examples ({labelled:.3f}) are labelled "
            "positive already; give a larger prior, or scenario='case_control' if the "
            "positives were drawn separately"
        )
    return unlabelled_prior(prior, labelled / prior)
