"""Accuracy, precision, recall and the criterion of Lee and Liu from PU labels."""

from __future__ import annotations

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning

from puclassify._warnings import warn
from puclassify.metrics._pu_sample import PUSample, check_predicted, predicted_positive

__all__ = ["pu_accuracy_score", "pu_f1_score", "pu_precision_score", "pu_recall_score"]


def pu_accuracy_score(
    y_true, y_pred, *, prior, scenario="case_control", propensities=None, return_std=False
):
    r"""Accuracy with respect to the true classes, estimated from PU labels.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Two labels, of which the larger means "labelled positive" and the smaller "unlabelled",
        such as 1 and 0.
    y_pred : array-like of shape (n,)
        Predicted labels, the same two; the larger means "positive".
    prior : float
        P(y = 1) among the unlabelled examples for ``scenario="case_control"``, over all examples
        for ``scenario="single_training_set"``.
    scenario : {"case_control", "single_training_set"}, default="case_control"
        Whether the labelled positives were drawn separately from the unlabelled sample, or some
        positives of one sample were labelled.
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
        The estimate: of the accuracy on the unlabelled sample in the first scenario, on everything
        in the second. It is unbiased and not clipped, so that it can leave [0, 1] by noise; far
        outside, the prior is wrong.
    std : float
        Its standard error, the prior taken as known; only with ``return_std``.

    Raises
    ------
    ValueError
        If an argument cannot be used, or the prior is impossible.

    See Also
    --------
    pu_risk_score : The same with another loss; with "zero_one" it is one minus the accuracy.

    Notes
    -----
    With the recall :math:`\hat r`, the share of labelled positives that is called positive, and
    :math:`\hat m`, the share of the unlabelled sample (``"case_control"``) or of everything
    (``"single_training_set"``) that is,

    .. math:: \mathrm{accuracy} = \pi\,\hat r + (1 - \pi)(1 - \hat f)
              = 1 - \pi - \hat m + 2\,\pi\,\hat r,
              \qquad \hat m = \pi\,\hat r + (1 - \pi)\,\hat f

    with :math:`\hat f` the share of the negatives that is called positive, which the second
    equation eliminates (Jain, White and Radivojac [1]_ correct it in the same way).

    References
    ----------
    .. [1] S. Jain, M. White and P. Radivojac, "Recovering True Classifier Performance in
       Positive-Unlabeled Learning", AAAI 2017; arXiv:1702.00518.

    Examples
    --------
    >>> from puclassify.metrics import pu_accuracy_score
    >>> y_true = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    >>> y_pred = [1, 1, 1, 0, 1, 1, 1, 0, 0, 0]
    >>> pu_accuracy_score(y_true, y_pred, prior=0.5)  # 1 - 0.5 - 3/6 + 2 * 0.5 * 3/4
    0.75
    >>> accuracy, std = pu_accuracy_score(y_true, y_pred, prior=0.5, return_std=True)
    >>> round(std, 2)
    0.34
    """
    sample, found = _sample(y_true, y_pred, prior, scenario, propensities)
    pi, recall, share = _rates(sample, found)
    score = 1 - pi - share + 2 * pi * recall
    return _result(score, sample, 2 * pi * found, -found, return_std)


def pu_precision_score(
    y_true, y_pred, *, prior, scenario="case_control", propensities=None, return_std=False
):
    r"""Precision with respect to the true classes, estimated from PU labels.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Two labels, of which the larger means "labelled positive" and the smaller "unlabelled",
        such as 1 and 0.
    y_pred : array-like of shape (n,)
        Predicted labels, the same two; the larger means "positive".
    prior : float
        P(y = 1) among the unlabelled examples for ``scenario="case_control"``, over all examples
        for ``scenario="single_training_set"``.
    scenario : {"case_control", "single_training_set"}, default="case_control"
        Whether the labelled positives were drawn separately from the unlabelled sample, or some
        positives of one sample were labelled.
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
        The estimate, P(y = 1 | predicted positive) in the unlabelled sample in the first scenario,
        in everything in the second. It is not clipped: above 1, either there are few examples or
        the prior is too large. 0 where nothing is predicted positive.
    std : float
        Its standard error, the prior taken as known; only with ``return_std``.

    Raises
    ------
    ValueError
        If an argument cannot be used, or the prior is impossible.

    Warns
    -----
    UndefinedMetricWarning
        If no example of the unlabelled sample, or of everything, is predicted positive.

    Notes
    -----
    With :math:`\hat r` and :math:`\hat m` of `pu_accuracy_score`, by Bayes' rule

    .. math:: \mathrm{precision} = \pi\,\hat r / \hat m.

    Labels of the single training set are part of :math:`\hat m`; those of the case-control
    scenario are not, and counting them there would lower the precision. An error of the prior is
    passed on in proportion. The standard error is that of the delta method.

    Examples
    --------
    >>> from puclassify.metrics import pu_precision_score
    >>> y_true = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    >>> y_pred = [1, 1, 1, 0, 1, 1, 1, 0, 0, 0]
    >>> pu_precision_score(y_true, y_pred, prior=0.5)  # 0.5 * (3/4) / (3/6)
    0.75
    >>> pu_precision_score(y_true, y_pred, prior=0.5, scenario="single_training_set")
    0.625
    """
    sample, found = _sample(y_true, y_pred, prior, scenario, propensities)
    pi, recall, share = _rates(sample, found)
    if share == 0:
        return _nothing_found("precision", return_std)
    score = pi * recall / share
    return _result(score, sample, pi / share * found, -score / share * found, return_std)


def pu_recall_score(
    y_true, y_pred, *, prior=None, scenario="case_control", propensities=None, return_std=False
):
    r"""Recall, from the labelled positives.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Two labels, of which the larger means "labelled positive" and the smaller "unlabelled",
        such as 1 and 0.
    y_pred : array-like of shape (n,)
        Predicted labels, the same two; the larger means "positive".
    prior : float or None, default=None
        Not needed; taken so that all metrics can be called alike.
    scenario : {"case_control", "single_training_set"}, default="case_control"
        Not needed either: the recall is the same in both.
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
        Share of the labelled positives that is predicted positive.
    std : float
        Its standard error; only with ``return_std``. It is 0, and too small, where all labelled
        positives are found or none.

    Raises
    ------
    ValueError
        If an argument cannot be used, or the prior is impossible.

    Notes
    -----
    As the labelled positives are a random part of all positives,

    .. math:: \hat r = \frac{1}{|P|} \sum_{i \in P} f(x_i),

    with :math:`f` 1 where "positive" is predicted and 0 elsewhere, estimates P(f = 1 | y = 1).
    Where a positive is labelled with the propensity :math:`e(x)`, it is

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

    The three that are found were labelled with twice the probability of the one that is missed:

    >>> propensities = [0.2, 0.2, 0.2, 0.1, 1, 1]
    >>> pu_recall_score([1, 1, 1, 1, 0, 0], [1, 1, 1, 0, 1, 0], propensities=propensities)
    0.6
    """
    sample, found = _sample(y_true, y_pred, prior, scenario, propensities, needs_prior=False)
    score = sample.mean_of_positives(found)
    return _result(score, sample, found, np.zeros_like(found), return_std)


def pu_f1_score(
    y_true, y_pred, *, prior=None, scenario="case_control", propensities=None, return_std=False
):
    r"""Criterion of Lee and Liu, which ranks classifiers much like F1 and needs no prior.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Two labels, of which the larger means "labelled positive" and the smaller "unlabelled",
        such as 1 and 0.
    y_pred : array-like of shape (n,)
        Predicted labels, the same two; the larger means "positive".
    prior : float or None, default=None
        Not needed; taken so that all metrics can be called alike.
    scenario : {"case_control", "single_training_set"}, default="case_control"
        Whether the labelled positives were drawn separately from the unlabelled sample, or some
        positives of one sample were labelled.
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
        The estimate: precision times recall over the prior, at least 0 and, up to noise, at most
        one over the prior. It is no F1 but grows with precision and recall as F1 does. 0 where
        nothing is predicted positive.
    std : float
        Its standard error; only with ``return_std``.

    Raises
    ------
    ValueError
        If an argument cannot be used, or the prior is impossible.

    Warns
    -----
    UndefinedMetricWarning
        If no example of the unlabelled sample, or of everything, is predicted positive.

    Notes
    -----
    Lee and Liu [1]_, with :math:`\hat r` and :math:`\hat m` of `pu_accuracy_score`:

    .. math:: \frac{\hat r^2}{\hat m} = \frac{\mathrm{precision} \cdot \mathrm{recall}}{\pi}.

    The unknown prior scales the scores of all classifiers alike. For F1 itself, if the prior is
    known, combine `pu_precision_score` and `pu_recall_score`.

    References
    ----------
    .. [1] W. S. Lee and B. Liu, "Learning with Positive and Unlabeled Examples Using Weighted
       Logistic Regression", ICML 2003.

    Examples
    --------
    >>> from puclassify.metrics import pu_f1_score
    >>> y_true = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    >>> y_pred = [1, 1, 1, 0, 1, 1, 1, 0, 0, 0]
    >>> pu_f1_score(y_true, y_pred)  # (3/4)^2 / (3/6)
    1.125
    """
    sample, found = _sample(y_true, y_pred, prior, scenario, propensities, needs_prior=False)
    recall, share = sample.mean_of_positives(found), sample.mean_of_marginal(found)
    if share == 0:
        return _nothing_found("criterion of Lee and Liu", return_std)
    score = recall**2 / share
    return _result(score, sample, 2 * recall / share * found, -score / share * found, return_std)


def _sample(
    y_true, y_pred, prior, scenario, propensities, *, needs_prior=True
) -> tuple[PUSample, np.ndarray]:
    """Return the sample, and 1 where "positive" is predicted and 0 elsewhere."""
    predicted = check_predicted(y_pred)
    sample = PUSample.check(
        y_true,
        len(predicted),
        prior=prior,
        scenario=scenario,
        propensities=propensities,
        name="y_pred",
        needs_prior=needs_prior,
    )
    return sample, predicted_positive(predicted, sample.classes)


def _rates(sample, found) -> tuple[float, float, float]:
    """Return the prior, the recall and the share of the mixture that is called positive."""
    return sample.prior, sample.mean_of_positives(found), sample.mean_of_marginal(found)


def _result(score, sample, at_positives, at_marginal, return_std):
    """Return the score, and with it, if asked for, its standard error."""
    if not return_std:
        return float(score)
    return float(score), sample.standard_error(at_positives, at_marginal)


def _nothing_found(what, return_std):
    warn(
        f"the {what} is undefined and set to 0: no example is predicted positive, labelled "
        "positives that were drawn separately aside",
        UndefinedMetricWarning,
    )
    return (0.0, float("nan")) if return_std else 0.0
