"""Recall and the criterion of Lee and Liu from PU labels, neither of which needs the prior."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from puclassify.metrics._pu_predictions import predictions, undefined, with_error

__all__ = ["pu_lee_liu_score", "pu_recall_score"]


def pu_recall_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    prior: float | None = None,
    scenario: str = "case_control",
    propensities: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    return_std: bool = False,
) -> float | tuple[float, float]:
    r"""Estimate the recall from the labelled positives.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        1 for labelled positive, 0 for unlabelled, or as in `PUImageClassifier`.
    y_pred : array-like of shape (n,)
        Predicted labels, the same two.
    prior : float or None, default=None
        Not used; present so that all metrics can be called alike.
    scenario : {"case_control", "single_training_set"}, default="case_control"
        Not used: the recall is the same in both.
    propensities : array-like of shape (n,) or None, default=None
        As in `pu_accuracy_score`.
    sample_weight : array-like of shape (n,) or None, default=None
        As in `pu_accuracy_score`.
    return_std : bool, default=False
        Whether to return the standard error too.

    Returns
    -------
    score : float
        Share of the labelled positives that are predicted positive.
    std : float
        Its standard error; only with ``return_std``. Where all labelled positives or none are
        predicted positive it is 0, which is too small.

    Raises
    ------
    ValueError
        If an argument is invalid or the prior is impossible.

    Notes
    -----
    As the labelled positives are a random sample of all positives,

    .. math:: \hat r = \frac{1}{|P|} \sum_{i \in P} f(x_i),

    with :math:`f` 1 where "positive" is predicted and 0 elsewhere, estimates P(f = 1 | y = 1).
    Where a positive is labelled with the propensity :math:`e(x)`, the estimate is

    .. math:: \hat r = \frac{\sum_{i \in P} f(x_i) / e(x_i)}{\sum_{i \in P} 1 / e(x_i)},

    and so is every mean over the labelled positives in the other metrics (Bekker, Robberechts and
    Davis [1]_; divided by the sum of the weights rather than by a known number of positives, so
    that a common factor of the propensities does not matter).

    References
    ----------
    .. [1] J. Bekker, P. Robberechts and J. Davis, "Beyond the Selected Completely at Random
       Assumption for Learning from Positive and Unlabeled Data", ECML PKDD 2019;
       arXiv:1809.03207.

    Examples
    --------
    >>> from puclassify.metrics import pu_recall_score
    >>> pu_recall_score([1, 1, 1, 1, 0, 0], [1, 1, 1, 0, 1, 0])
    0.75

    The first three were labelled with twice the probability of the fourth, which is missed:

    >>> propensities = [0.2, 0.2, 0.2, 0.1, 1, 1]
    >>> pu_recall_score([1, 1, 1, 1, 0, 0], [1, 1, 1, 0, 1, 0], propensities=propensities)
    0.6
    """
    sample, predicted = predictions(
        y_true, y_pred, prior, scenario, propensities, sample_weight, needs_prior=False
    )
    score = sample.mean_of_positives(predicted)
    return with_error(score, sample, predicted, np.zeros_like(predicted), return_std)


def pu_lee_liu_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    prior: float | None = None,
    scenario: str = "case_control",
    propensities: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    return_std: bool = False,
) -> float | tuple[float, float]:
    r"""Criterion of Lee and Liu, which ranks classifiers much like F1 and needs no prior.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        1 for labelled positive, 0 for unlabelled, or as in `PUImageClassifier`.
    y_pred : array-like of shape (n,)
        Predicted labels, the same two.
    prior : float or None, default=None
        Not used; present so that all metrics can be called alike.
    scenario : {"case_control", "single_training_set"}, default="case_control"
        As in `pu_accuracy_score`.
    propensities : array-like of shape (n,) or None, default=None
        As in `pu_accuracy_score`.
    sample_weight : array-like of shape (n,) or None, default=None
        As in `pu_accuracy_score`.
    return_std : bool, default=False
        Whether to return the standard error too.

    Returns
    -------
    score : float
        Precision times recall over the prior: at least 0 and, up to noise, at most one over the
        prior. It grows with precision and recall as F1 does. 0 where nothing is predicted positive.
    std : float
        Its standard error; only with ``return_std``.

    Raises
    ------
    ValueError
        If an argument is invalid or the prior is impossible.

    Warns
    -----
    UndefinedMetricWarning
        If no example of the unlabelled sample, or of everything, is predicted positive.

    See Also
    --------
    pu_f1_score : F1 itself, which needs the prior.

    Notes
    -----
    Lee and Liu [1]_, with :math:`\hat r` and :math:`\hat m` of `pu_accuracy_score`:

    .. math:: \frac{\hat r^2}{\hat m} = \frac{\mathrm{precision} \cdot \mathrm{recall}}{\pi}.

    The unknown prior scales the scores of all classifiers alike.

    References
    ----------
    .. [1] W. S. Lee and B. Liu, "Learning with Positive and Unlabeled Examples Using Weighted
       Logistic Regression", ICML 2003.

    Examples
    --------
    >>> from puclassify.metrics import pu_lee_liu_score
    >>> y_true = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    >>> y_pred = [1, 1, 1, 0, 1, 1, 1, 0, 0, 0]
    >>> pu_lee_liu_score(y_true, y_pred)  # (3/4)^2 / (3/6)
    1.125
    """
    sample, predicted = predictions(
        y_true, y_pred, prior, scenario, propensities, sample_weight, needs_prior=False
    )
    recall, share = sample.mean_of_positives(predicted), sample.mean_of_mixture(predicted)
    if share == 0:
        return undefined("criterion of Lee and Liu", return_std)
    score = recall**2 / share
    at_positives, at_mixture = 2 * recall / share * predicted, -score / share * predicted
    return with_error(score, sample, at_positives, at_mixture, return_std)
