"""Platt scaling from scores of labelled positives and of an unlabelled sample."""

from __future__ import annotations

import math

from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import expit

from puclassify._parameters import check_probability
from puclassify.calibration._objectives import EmpiricalLikelihood, UnbiasedRisk, minimise
from puclassify.calibration._scored_sample import ScoredSample

__all__ = ["pu_platt_scaling"]

_STEEPEST_START = 15.0  # slope beyond which probabilities are steps with almost no gradient


def pu_platt_scaling(
    positive_scores: ArrayLike,
    unlabelled_scores: ArrayLike,
    prior: float,
    *,
    positive_weights: ArrayLike | None = None,
    unlabelled_weights: ArrayLike | None = None,
) -> tuple[float, float]:
    r"""Fit the logistic function that turns scores into probabilities, from PU data.

    Parameters
    ----------
    positive_scores : array-like of shape (n_positive,)
        Scores of labelled positives; higher means more positive.
    unlabelled_scores : array-like of shape (n_unlabelled,)
        Scores of an unlabelled sample that was drawn separately, as in the case-control scenario.
        Both must be held-out: the classifier was trained on neither.
    prior : float
        P(y = 1) in the unlabelled sample.
    positive_weights : array-like of shape (n_positive,) or None, default=None
        Relative weight of each positive.
    unlabelled_weights : array-like of shape (n_unlabelled,) or None, default=None
        Relative weight of each unlabelled example.

    Returns
    -------
    slope : float
        Above 0.
    intercept : float
        ``slope * score + intercept`` is the calibrated logit.

    Raises
    ------
    ValueError
        If an argument is invalid, all unlabelled scores are equal, or the positives do not score
        above them on average, so that the slope would be 0 or negative and reverse the ranking.

    See Also
    --------
    PUPlattScaling : The same as an estimator, in either scenario.

    Notes
    -----
    Let :math:`p(s) = 1 / (1 + e^{-(a s + b)})`. The unbiased PU risk with the logistic loss
    ([1]_, section 3.2),

    .. math:: -\pi\, \hat{\mathbb{E}}_\mathrm{P}[a s + b]
              + \hat{\mathbb{E}}_\mathrm{U}[\log(1 + e^{a s + b})],

    is convex in both parameters and consistent, but inefficient: every positive contributes its
    whole score, even where it is certain, so that the minimum has a large variance, and often does
    not exist where the classes are well separated. So its minimum, with a small ridge, is only the
    start.

    By Bayes' rule the density of the positives is :math:`w(s) = p(s) / \pi` times that of the
    unlabelled sample, and :math:`w` is 1 on average over the latter. The distribution on the
    observed scores that satisfies this and makes the samples most likely gives the empirical
    log-likelihood ([2]_, [3]_), up to a constant

    .. math:: \ell(a, b) = \sum_\mathrm{P} \log w(s)
              + \min_\lambda \sum_{\mathrm{P}, \mathrm{U}} -\log(1 + \lambda (w(s) - 1)),

    Newton's method in float64 minimises :math:`-\ell(a, b) + (a \sigma)^2 / (2 \cdot 10^2)`, with
    :math:`\sigma` the standard deviation of the unlabelled scores. The last term, a normal prior on
    the slope, keeps the slope finite where the scores separate the classes, and is negligible
    otherwise. With weights, a sum over a sample is the weighted mean times
    :math:`(\sum w)^2 / \sum w^2`.

    Two parameters calibrate exactly where the log ratio of the densities of the two classes is
    linear in the score, such as for normal distributions of equal variance. The cost is linear in
    the number of scores.

    References
    ----------
    .. [1] M. C. du Plessis, G. Niu and M. Sugiyama, "Convex Formulation for Learning from Positive
       and Unlabeled Data", ICML 2015.
    .. [2] T. Lancaster and G. Imbens, "Case-control studies with contaminated controls", Journal
       of Econometrics 71, 1996.
    .. [3] J. Qin, "Inferences for case-control and semiparametric two-sample density ratio
       models", Biometrika 85, 1998.
    .. [4] J. Platt, "Probabilistic Outputs for Support Vector Machines and Comparisons to
       Regularized Likelihood Methods", 1999.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify.calibration import pu_platt_scaling
    >>> rng = np.random.default_rng(0)
    >>> positives, unlabelled = rng.normal(1, 1, 2000), rng.normal(-1, 1, 10_000)
    >>> unlabelled[:3000] += 2
    >>> slope, intercept = pu_platt_scaling(positives, unlabelled, prior=0.3)
    >>> bool(abs(slope - 2) < 0.2), bool(abs(intercept - np.log(0.3 / 0.7)) < 0.2)
    (True, True)
    """
    check_probability(prior, "prior")
    positives = ScoredSample.check(positive_scores, positive_weights, "positive")
    unlabelled = ScoredSample.check(unlabelled_scores, unlabelled_weights, "unlabelled")
    centre, spread = unlabelled.mean(unlabelled.values), unlabelled.spread
    if spread == 0:
        raise ValueError(
            f"unlabelled_scores are all equal, {centre:.6g}, and cannot be calibrated; did the "
            "classifier learn anything?"
        )
    _check_order(positives.mean(positives.values), centre, spread)
    positives, unlabelled = (one.scaled(centre, spread) for one in (positives, unlabelled))
    risk = UnbiasedRisk(positives, unlabelled, float(prior))
    a, b = minimise(risk, [0.0, math.log(prior / (1 - prior))])
    if a > _STEEPEST_START:
        a, b = _STEEPEST_START, _intercept(_STEEPEST_START, unlabelled, prior)
    a, b = minimise(EmpiricalLikelihood(positives, unlabelled, float(prior)), [a, b])
    _check_slope(a)
    return a / spread, b - a * centre / spread


def _intercept(slope: float, unlabelled: ScoredSample, prior: float) -> float:
    """Return the intercept at which the mean probability is the prior."""
    margin = abs(math.log(prior / (1 - prior)))
    low = -slope * unlabelled.values.max() - margin - 1
    high = -slope * unlabelled.values.min() + margin + 1
    return brentq(
        lambda b: unlabelled.mean(expit(slope * unlabelled.values + b)) - prior, low, high
    )


def _check_order(of_positives: float, of_unlabelled: float, spread: float) -> None:
    if of_positives - of_unlabelled > 1e-9 * spread:
        return
    raise ValueError(
        f"the scores cannot be calibrated: their mean is {of_positives:.6g} over the labelled "
        f"positives and {of_unlabelled:.6g} over the unlabelled sample, so that the slope would "
        "be 0 or negative and reverse the ranking; pass scores that are higher for positives, of "
        "a classifier that learned something"
    )


def _check_slope(slope: float) -> None:
    if not slope > 0:
        raise ValueError(
            f"the scores cannot be calibrated: the likelihood has its maximum at a slope of "
            f"{slope:.3g}, which would reverse the ranking; the labelled positives differ from "
            "those of the unlabelled sample, or the prior is far from the truth"
        )
