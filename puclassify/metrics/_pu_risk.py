"""The risk on the true classes, from PU labels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from puclassify._parameters import check_option, check_score_vector
from puclassify._score_kinds import look_like_probabilities, warn_if_labels
from puclassify._warnings import warn
from puclassify.metrics._pu_sample import PUSample

__all__ = ["pu_risk_score"]

# Loss of a logit if the example is positive, and if it is negative
_LOSSES: dict[str, tuple[Callable, Callable]] = {
    "zero_one": (lambda s: (s <= 0).astype(float), lambda s: (s > 0).astype(float)),
    "logistic": (lambda s: np.logaddexp(0, -s), lambda s: np.logaddexp(0, s)),
    "sigmoid": (lambda s: expit(-s), expit),
}


def pu_risk_score(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    prior: float,
    scenario: str = "case_control",
    loss: str = "logistic",
    non_negative: bool = False,
    propensities: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    return_std: bool = False,
) -> float | tuple[float, float]:
    r"""Estimate the risk on the true classes from PU labels; the lower the better.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        1 for labelled positive, 0 for unlabelled, or as in `PUImageClassifier`.
    y_score : array-like of shape (n,)
        Logits or other scores above 0 where "positive" is predicted; not probabilities.
    prior : float
        P(y = 1) among the unlabelled examples (``"case_control"``) or among all examples
        (``"single_training_set"``).
    scenario : {"case_control", "single_training_set"}, default="case_control"
        As in `pu_accuracy_score`.
    loss : {"logistic", "sigmoid", "zero_one"}, default="logistic"
        Loss of one example: :math:`\ell(s, +1) = \log(1 + e^{-s})`, :math:`1 / (1 + e^s)`, or 1
        where :math:`s \le 0`; :math:`\ell(s, -1)` is :math:`\ell(-s, +1)`, or 1 where
        :math:`s > 0`.
    non_negative : bool, default=False
        Whether to set a negative estimate of the risk of the negatives to 0, which lowers the
        variance and adds an upward bias.
    propensities : array-like of shape (n,) or None, default=None
        As in `pu_accuracy_score`.
    sample_weight : array-like of shape (n,) or None, default=None
        As in `pu_accuracy_score`.
    return_std : bool, default=False
        Whether to return the standard error too.

    Returns
    -------
    score : float
        The estimate. Without ``non_negative`` it is unbiased, and may be negative.
    std : float
        Its standard error, with the prior taken as known; only with ``return_std``.

    Raises
    ------
    ValueError
        If an argument is invalid or the prior is impossible.

    Warns
    -----
    UserWarning
        If all of 20 or more scores lie within [0, 1], and not all at its ends.

    See Also
    --------
    puclassify.losses.functional.unbiased_pu_loss : The same as an objective.
    puclassify.losses.functional.non_negative_pu_loss : The non-negative risk as an objective.

    Notes
    -----
    With :math:`\hat R_A^\pm` the mean of :math:`\ell(s, \pm 1)` over :math:`A`, the labelled
    positives P or the mixture M, which is the unlabelled sample (``"case_control"``) or everything
    (``"single_training_set"``), the unbiased risk (du Plessis, Niu and Sugiyama [1]_; equation 2 of
    Kiryo et al. [2]_) is

    .. math:: R = \pi \hat R_\mathrm{P}^+ + \hat R_\mathrm{M}^- - \pi \hat R_\mathrm{P}^-.

    The last two terms estimate the risk of the negatives; the non-negative risk (equation 6
    of [2]_) is :math:`\pi \hat R_\mathrm{P}^+ + \max(0, \hat R_\mathrm{M}^- - \pi \hat
    R_\mathrm{P}^-)`. For the objectives of `puclassify.losses` M contains the labelled positives
    only if the classifier includes them.

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
        sample_weight=sample_weight,
    )
    if loss != "zero_one":  # which depends on the sign alone
        warn_if_labels(scores, "y_score")
    scores = scores[sample.present]
    _warn_of_probabilities(scores)
    pi = sample.prior
    of_positive, of_negative = (function(scores) for function in _LOSSES[loss])
    positive_risk = pi * sample.mean_of_positives(of_positive)
    negative_risk = sample.mean_of_mixture(of_negative) - pi * sample.mean_of_positives(of_negative)
    cut = non_negative and negative_risk < 0
    risk = positive_risk + (0.0 if cut else negative_risk)
    if not return_std:
        return risk
    if cut:
        return risk, sample.standard_error(pi * of_positive, np.zeros_like(scores))
    return risk, sample.standard_error(pi * (of_positive - of_negative), of_negative)


def _warn_of_probabilities(scores: np.ndarray) -> None:
    if look_like_probabilities(scores):
        warn(
            f"y_score holds {len(scores)} numbers from {scores.min():.3g} to {scores.max():.3g}, "
            "all within [0, 1]: these look like probabilities, but the risk is that of logits; "
            "pass decision_function(X), or scipy.special.logit of the probabilities"
        )
