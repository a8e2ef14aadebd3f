"""Accuracy, precision and F1 from PU labels, all of which need the prior."""

from __future__ import annotations

from numpy.typing import ArrayLike

from puclassify.metrics._impossible_scores import warn_if_impossible
from puclassify.metrics._pu_predictions import predictions, rates, undefined, with_error

__all__ = ["pu_accuracy_score", "pu_f1_score", "pu_precision_score"]


def pu_accuracy_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    prior: float,
    scenario: str = "case_control",
    propensities: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    return_std: bool = False,
) -> float | tuple[float, float]:
    r"""Estimate the accuracy on the true classes from PU labels.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        1 for labelled positive, 0 for unlabelled, or as in `PUImageClassifier`.
    y_pred : array-like of shape (n,)
        Predicted labels, the same two.
    prior : float
        P(y = 1) among the unlabelled examples (``"case_control"``) or among all examples
        (``"single_training_set"``).
    scenario : {"case_control", "single_training_set"}, default="case_control"
        Whether the labelled positives were drawn separately from the unlabelled sample, or some
        positives of one sample were labelled.
    propensities : array-like of shape (n,) or None, default=None
        Probability, above 0 and up to 1, with which each labelled positive was labelled, up to a
        common factor; it then counts in inverse proportion. Those of unlabelled examples are
        ignored. None means that all are equal.
    sample_weight : array-like of shape (n,) or None, default=None
        Relative weight of each example, at least 0, in the means over the labelled positives (where
        propensities divide it) and over the unlabelled sample or everything. 0 leaves an example
        out. The standard error takes the weights as known: an example of weight two is not as good
        as two examples.
    return_std : bool, default=False
        Whether to return the standard error too.

    Returns
    -------
    score : float
        The accuracy on the unlabelled sample (``"case_control"``) or on everything. The estimate
        is unbiased and not clipped, so that noise can put it outside [0, 1]; far outside, the
        prior is wrong.
    std : float
        Its standard error, with the prior taken as known; only with ``return_std``.

    Raises
    ------
    ValueError
        If an argument is invalid or the prior is impossible.

    Warns
    -----
    UserWarning
        If the score lies outside [0, 1] by more than chance explains, so that the prior contradicts
        the labels and predictions.

    See Also
    --------
    pu_risk_score : The same for other losses; with "zero_one" it is one minus the accuracy.

    Notes
    -----
    With the recall :math:`\hat r`, the share of labelled positives that are predicted positive,
    and :math:`\hat m`, that of the unlabelled sample (``"case_control"``) or of everything,

    .. math:: \mathrm{accuracy} = \pi\,\hat r + (1 - \pi)(1 - \hat f)
              = 1 - \pi - \hat m + 2\,\pi\,\hat r,
              \qquad \hat m = \pi\,\hat r + (1 - \pi)\,\hat f.

    The second equation eliminates :math:`\hat f`, the share of the negatives that are predicted
    positive (Jain, White and Radivojac [1]_ correct the accuracy in the same way).

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
    sample, predicted = predictions(y_true, y_pred, prior, scenario, propensities, sample_weight)
    pi, recall, share = rates(sample, predicted)
    score = 1 - pi - share + 2 * pi * recall
    at = 2 * pi * predicted, -predicted
    warn_if_impossible(
        "accuracy",
        score,
        lambda: sample.standard_error(*at),
        sample,
        lambda: share / (2 * recall - 1) if score > 1 else (1 - share) / (1 - 2 * recall),
    )
    return with_error(score, sample, *at, return_std)


def pu_precision_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    prior: float,
    scenario: str = "case_control",
    propensities: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    return_std: bool = False,
) -> float | tuple[float, float]:
    r"""Estimate the precision on the true classes from PU labels.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        1 for labelled positive, 0 for unlabelled, or as in `PUImageClassifier`.
    y_pred : array-like of shape (n,)
        Predicted labels, the same two.
    prior : float
        P(y = 1) among the unlabelled examples (``"case_control"``) or among all examples
        (``"single_training_set"``).
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
        P(y = 1 | predicted positive) in the unlabelled sample (``"case_control"``) or in
        everything; 0 where nothing is predicted positive. It is not clipped: above 1, either there
        are few examples or the prior is too large.
    std : float
        Its standard error, with the prior taken as known; only with ``return_std``.

    Raises
    ------
    ValueError
        If an argument is invalid or the prior is impossible.

    Warns
    -----
    UserWarning
        If the score lies outside [0, 1] by more than chance explains, so that the prior contradicts
        the labels and predictions.
    UndefinedMetricWarning
        If no example of the unlabelled sample, or of everything, is predicted positive.

    Notes
    -----
    With :math:`\hat r` and :math:`\hat m` of `pu_accuracy_score`, by Bayes' rule

    .. math:: \mathrm{precision} = \pi\,\hat r / \hat m.

    The labelled positives of a single training set count in :math:`\hat m`; those of the
    case-control scenario do not, where they would lower the precision. A relative error of the
    prior becomes the same relative error of the precision. The standard error is that of the delta
    method.

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
    sample, predicted = predictions(y_true, y_pred, prior, scenario, propensities, sample_weight)
    pi, recall, share = rates(sample, predicted)
    if share == 0:
        return undefined("precision", return_std)
    score = pi * recall / share
    at = pi / share * predicted, -score / share * predicted
    warn_if_impossible(
        "precision", score, lambda: sample.standard_error(*at), sample, lambda: share / recall
    )
    return with_error(score, sample, *at, return_std)


def pu_f1_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    prior: float,
    scenario: str = "case_control",
    propensities: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    return_std: bool = False,
) -> float | tuple[float, float]:
    r"""Estimate F1 on the true classes from PU labels.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        1 for labelled positive, 0 for unlabelled, or as in `PUImageClassifier`.
    y_pred : array-like of shape (n,)
        Predicted labels, the same two.
    prior : float
        P(y = 1) among the unlabelled examples (``"case_control"``) or among all examples
        (``"single_training_set"``).
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
        F1 in the unlabelled sample (``"case_control"``) or in everything; 0 where nothing is
        predicted positive. It is not clipped: above 1, either there are few examples or the prior
        is too large.
    std : float
        Its standard error, with the prior taken as known; only with ``return_std``.

    Raises
    ------
    ValueError
        If an argument is invalid or the prior is impossible.

    Warns
    -----
    UserWarning
        If the score lies outside [0, 1] by more than chance explains, so that the prior contradicts
        the labels and predictions.

    See Also
    --------
    pu_lee_liu_score : Ranks classifiers much alike without a prior.

    Notes
    -----
    The harmonic mean of `pu_precision_score` and `pu_recall_score`; with :math:`\hat r` and
    :math:`\hat m` of `pu_accuracy_score`

    .. math:: F_1 = \frac{2\, \mathrm{precision} \cdot \mathrm{recall}}
                    {\mathrm{precision} + \mathrm{recall}}
              = \frac{2\, \pi\, \hat r}{\pi + \hat m}.

    Unlike the precision it is defined where no example of the mixture is predicted positive. The
    standard error is that of the delta method.

    Examples
    --------
    >>> from puclassify.metrics import pu_f1_score
    >>> y_true = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    >>> y_pred = [1, 1, 1, 0, 1, 1, 0, 0, 0, 0]
    >>> round(pu_f1_score(y_true, y_pred, prior=0.5), 3)  # 2 * 0.5 * (3/4) / (0.5 + 2/6)
    0.9
    """
    sample, predicted = predictions(y_true, y_pred, prior, scenario, propensities, sample_weight)
    pi, recall, share = rates(sample, predicted)
    score = 2 * pi * recall / (pi + share)
    at = 2 * pi / (pi + share) * predicted, -score / (pi + share) * predicted
    warn_if_impossible(
        "F1",
        score,
        lambda: sample.standard_error(*at),
        sample,
        lambda: share / (2 * recall - 1),
    )
    return with_error(score, sample, *at, return_std)
