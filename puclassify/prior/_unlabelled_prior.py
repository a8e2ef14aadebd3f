"""The class prior of a whole sample and that among its examples without a label."""

from __future__ import annotations

import numpy as np

from puclassify._example_weights import counted
from puclassify._parameters import check_number, check_possible_prior, check_probability

__all__ = ["prior_of_unlabelled", "unlabelled_prior"]


def unlabelled_prior(prior: float, labelled_fraction: float) -> float:
    r"""Convert the prior over one sample to that among its examples without a label.

    Parameters
    ----------
    prior : float
        P(y = 1) over everything, labelled examples included; between 0 and 1.
    labelled_fraction : float
        Fraction of the positives that is labelled, from 0 to 1.

    Returns
    -------
    float
        P(y = 1) among the examples without a label: the prior of the case-control scenario, if
        the labelled examples are set aside.

    Raises
    ------
    ValueError
        If either number is out of its range.

    Notes
    -----
    If a share :math:`\pi` of a sample is positive and the fraction :math:`c` of the positives is
    labelled, the share :math:`1 - c\,\pi` has no label, and :math:`(1 - c)\,\pi` is positive
    without one (Elkan and Noto, KDD 2008, section 2, for :math:`c = P(s = 1 \mid y = 1)`):

    .. math:: \pi_\mathrm{u} = \frac{(1 - c)\,\pi}{1 - c\,\pi} \le \pi.

    With :math:`\ell = c\,\pi`, the share of labelled examples in everything, this is
    :math:`(\pi - \ell) / (1 - \ell)`.

    Examples
    --------
    >>> from puclassify.prior import unlabelled_prior
    >>> round(unlabelled_prior(0.4, 0.25), 4)  # of 100, 40 are positive: 10 labelled, 30 of 90 not
    0.3333
    """
    check_probability(prior, "prior")
    check_number(
        labelled_fraction,
        "labelled_fraction",
        "a number from 0 to 1, the share of all positives that is labelled (the share of all "
        f"examples that is labelled is at most prior={prior!r})",
        at_least=0,
        at_most=1,
    )
    prior, c = float(prior), float(labelled_fraction)
    return (1 - c) * prior / (1 - c * prior)


def prior_of_unlabelled(
    prior: float, scenario: str, positive: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """Return the prior of the scenario as that among the examples without a label.

    ``positive`` of shape (n,) marks the labelled of all examples, ``weights`` (n,) says how much
    each counts. A prior below their share is an error in the single-training-set scenario.
    """
    prior = float(prior)
    if scenario == "case_control":
        return prior
    n_labelled, n = counted(positive, weights)
    check_possible_prior(prior, n_labelled, n)
    return unlabelled_prior(prior, n_labelled / n / prior)
