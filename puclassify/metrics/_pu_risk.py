"""Risk with respect to the true classes, from PU labels."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from puclassify._parameters import check_option, check_score_vector
from puclassify.metrics._pu_sample import PUSample

__all__ = ["pu_risk_score"]

# Loss of a logit, if the example is positive and if it is negative
_LOSSES = {
    "zero_one": (lambda s: (s <= 0).astype(float), lambda s: (s > 0).astype(float)),
    "logistic": (lambda s: np.logaddexp(0, -s), lambda s: np.logaddexp(0, s)),
    "sigmoid": (lambda s: expit(-s), expit),
}


def pu_risk_score(
    y_true,
    y_score,
    *,
    prior,
    scenario="case_control",
    loss="logistic",
    non_negative=False,
    propensities=None,
    return_std=False,
):
    r"""Risk with respect to the true classes, estimated from PU labels; the lower the better.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Two labels, of which the larger means "labelled positive" and the smaller "unlabelled",
        such as 1 and 0.
    y_score : array-like of shape (n,)
        Logits, or other scores that are above 0 where "positive" is predicted; not probabilities.
    prior : float
        P(y = 1) among the unlabelled examples for ``scenario="case_control"``, over all examples
        for ``scenario="single_training_set"``.
    scenario : {"case_control", "single_training_set"}, default="case_control"
        Whether the labelled positives were drawn separately from the unlabelled sample, or some
        positives of one sample were labelled.
    loss : {"logistic", "sigmoid", "zero_one"}, default="logistic"
        Loss of one example: :math:`\ell(s, +1) = \log(1 + e^{-s})`, :math:`1 / (1 + e^s)`, or 1
        where :math:`s \le 0`; :math:`\ell(s, -1)` is :math:`\ell(-s, +1)`, or 1 where
        :math:`s > 0`.
    non_negative : bool, default=False
        Whether to set an estimated risk of the negatives that is below 0 to 0. That lowers the
        variance for the price of a bias upwards.
    propensities : array-like of shape (n,) or None, default=None
        Where the labelled positives are no random choice of the positives: the probability,
        above 0 and up to 1, with which each was labelled. Each labelled positive then counts in
        inverse proportion to its own; a common factor does not matter, and those of unlabelled
        examples are not read. None means that all are equal.
    return_std : bool, default=False
        Whether to return the standard error too.

    Returns
    -------
    score : float
        The estimate. Without ``non_negative`` it is unbiased, and may be negative.
    std : float
        Its standard error, the prior taken as known; only with ``return_std``.

    Raises
    ------
    ValueError
        If an argument cannot be used, or the prior is impossible.

    See Also
    --------
    puclassify.losses.functional.unbiased_pu_loss : The same as an objective.
    puclassify.losses.functional.non_negative_pu_loss : The other as an objective.

    Notes
    -----
    With :math:`\hat R_A^\pm` the mean of :math:`\ell(s, \pm 1)` over :math:`A`, the labelled
    positives P or the mixture M, which is the unlabelled sample (``"case_control"``) or everything
    (``"single_training_set"``), the unbiased risk (du Plessis, Niu and Sugiyama [1]_; equation 2 of
    Kiryo et al. [2]_) is

    .. math:: R = \pi \hat R_\mathrm{P}^+ + \hat R_\mathrm{M}^- - \pi \hat R_\mathrm{P}^-.

    The last two terms estimate the risk of the negatives; the non-negative risk (equation 6
    of [2]_) is :math:`\pi \hat R_\mathrm{P}^+ + \max(0, \hat R_\mathrm{M}^- - \pi \hat
    R_\mathrm{P}^-)`. The objectives of `puclassify.losses` leave the labelled positives out of M
    unless the classifier puts them in.

    References
    ----------
    .. [1] M. C. du Plessis, G. Niu and M. Sugiyama, "Convex Formulation for Learning from Positive
       and Unlabeled Data", ICML 2015.
    .. [2] R. Kiryo, G. Niu, M. C. du Plessis and M. Sugiyama, "Positive-Unlabeled Learning with
       Non-Negative Risk Estimator", NeurIPS 2017; arXiv:1703.00593.

    Examples
    --------
    >>> from puclassify.metrics import pu_risk_score
    >>> y_true = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    >>> logits = [3, 2, 1, -1, 2, 1, 1, -1, -2, -3]
    >>> pu_risk_score(y_true, logits, prior=0.5, loss="zero_one")  # 0.5/4 + 3/6 - 0.5 * 3/4
    0.25
    """
    check_option(loss, "loss", _LOSSES)
    scores = check_score_vector(y_score, "y_score", finite=True)
    sample = PUSample.check(
        y_true,
        len(scores),
        prior=prior,
        scenario=scenario,
        name="y_score",
        propensities=propensities,
    )
    pi = sample.prior
    of_positive, of_negative = (function(scores) for function in _LOSSES[loss])
    positive_risk = pi * sample.mean_of_positives(of_positive)
    negative_risk = sample.mean_of_marginal(of_negative) - pi * sample.mean_of_positives(
        of_negative
    )
    cut = non_negative and negative_risk < 0
    risk = positive_risk + (0.0 if cut else negative_risk)
    if not return_std:
        return risk
    if cut:
        return risk, sample.standard_error(pi * of_positive, np.zeros_like(scores))
    return risk, sample.standard_error(pi * (of_positive - of_negative), of_negative)
