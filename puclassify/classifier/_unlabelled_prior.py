"""The class prior of what has no label, from the prior of either scenario."""

from __future__ import annotations

import numpy as np

from puclassify.prior import unlabelled_prior

__all__ = ["prior_of_unlabelled"]


def prior_of_unlabelled(prior: float, scenario: str, positive) -> float:
    """Return the prior of what is unlabelled; refuse one below the fraction labelled.

    Parameters
    ----------
    prior : float
        P(y = 1), as the scenario has it.
    scenario : str
        The scenario.
    positive : ndarray of bool of shape (n,)
        Which of all examples are labelled positive.

    Returns
    -------
    float
        P(y = 1) among the examples without a label.

    Raises
    ------
    ValueError
        If more examples are labelled than the prior says are positive.
    """
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
