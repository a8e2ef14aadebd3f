"""Precision and recall at all thresholds from PU labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from puclassify._parameters import check_score_vector
from puclassify._score_kinds import warn_if_labels
from puclassify.metrics._pu_sample import PUSample
from puclassify.metrics._pu_shares import positive_shares, standard_errors

__all__ = ["counts_above", "pu_precision_recall_curve"]


def pu_precision_recall_curve(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    prior: float,
    scenario: str = "case_control",
    return_std: bool = False,
) -> tuple[np.ndarray, ...]:
    r"""Estimate precision and recall on the true classes at all thresholds from PU labels.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        1 for labelled positive, 0 for unlabelled, or as in `PUImageClassifier`.
    y_score : array-like of shape (n,)
        Higher means more positive: logits, probabilities, or any increasing function of them.
    prior : float
        P(y = 1) among the unlabelled examples (``"case_control"``) or among all examples
        (``"single_training_set"``).
    scenario : {"case_control", "single_training_set"}, default="case_control"
        As in `pu_accuracy_score`.
    return_std : bool, default=False
        Whether to return the standard errors too.

    Returns
    -------
    precision : ndarray of shape (n_thresholds + 1,)
        The precision if scores of at least each threshold are predicted positive, as in
        `pu_precision_score`: not clipped, and above 1 where few examples are above the threshold
        or the prior is too large. The last is 1 and belongs to no threshold.
    recall : ndarray of shape (n_thresholds + 1,)
        The recall, which falls; the last is 0.
    thresholds : ndarray of shape (n_thresholds,)
        The distinct scores in increasing order, up to the highest of the unlabelled sample
        (``"case_control"``) or of everything, above which the precision is undefined.
    precision_std, recall_std : ndarray of shape (n_thresholds + 1,)
        Their standard errors, with the prior taken as known; only with ``return_std``. The last
        are 0.

    Raises
    ------
    ValueError
        If an argument is invalid or the prior is impossible.

    See Also
    --------
    pu_average_precision_score : The area under the curve, corrected near its left end.
    puclassify.plotting.PUPrecisionRecallDisplay : Draws the curve with its band.
    sklearn.metrics.precision_recall_curve : The same for fully labelled data.

    Notes
    -----
    With the shares :math:`q_\mathrm{p}(c)` of the labelled positives and :math:`q_\mathrm{m}(c)`
    of the unlabelled sample (``"case_control"``) or of everything (``"single_training_set"``) that
    score at least :math:`c`,

    .. math:: \mathrm{recall}(c) = q_\mathrm{p}(c), \qquad
              \mathrm{precision}(c) = \pi\, q_\mathrm{p}(c) / q_\mathrm{m}(c),

    and at the lowest threshold the precision is the prior. The standard errors are those of the
    delta method: for the precision, in the case-control scenario,

    .. math:: \frac{\mathrm{var}(\mathrm{precision})}{\mathrm{precision}^2} =
              \frac{1 - q_\mathrm{p}}{(|P| - 1)\, q_\mathrm{p}} +
              \frac{1 - q_\mathrm{m}}{(|U| - 1)\, q_\mathrm{m}}.

    The errors at neighbouring thresholds are nearly the same, so that the curve as a whole lies
    above the true one or below it. The cost is that of sorting.

    References
    ----------
    .. [1] S. Jain, M. White and P. Radivojac, "Recovering True Classifier Performance in
       Positive-Unlabeled Learning", AAAI 2017; arXiv:1702.00518.

    Examples
    --------
    >>> from puclassify.metrics import pu_precision_recall_curve
    >>> y_true = [1, 1, 0, 0, 0, 0]
    >>> y_score = [3, 2, 3, 1, 0, 0]
    >>> precision, recall, thresholds = pu_precision_recall_curve(y_true, y_score, prior=0.25)
    >>> thresholds.tolist()
    [0.0, 1.0, 2.0, 3.0]
    >>> precision.tolist()  # at 2: 0.25 * (2/2) / (1/4)
    [0.25, 0.5, 1.0, 0.5, 1.0]
    >>> recall.tolist()
    [1.0, 1.0, 1.0, 0.5, 0.0]
    """
    scores = check_score_vector(y_score, "y_score")
    sample = PUSample.check(y_true, len(scores), prior=prior, scenario=scenario, name="y_score")
    warn_if_labels(scores, "y_score")
    thresholds, n_labelled, n_mixture = counts_above(sample, scores)
    defined = n_mixture > 0
    thresholds, n_labelled, n_mixture = (
        values[defined] for values in (thresholds, n_labelled, n_mixture)
    )
    precision, precision_std = positive_shares(sample, n_labelled, n_mixture)
    recall = n_labelled / np.sum(sample.positive)
    curve = np.append(precision, 1.0), np.append(recall, 0.0), thresholds
    if not return_std:
        return curve
    ones = np.ones(len(thresholds))
    recall_std = standard_errors(sample, n_labelled, n_mixture, ones, 0 * ones)
    return *curve, np.append(precision_std, 0.0), np.append(recall_std, 0.0)


def counts_above(sample: PUSample, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the distinct scores, ascending, and how many reach each: labelled, and of the mixture.

    All three have shape (n_thresholds,).
    """
    thresholds = np.unique(scores)
    n_labelled, n_mixture = (
        np.sum(members) - np.searchsorted(np.sort(scores[members]), thresholds)
        for members in (sample.positive, sample.mixture)
    )
    return thresholds, n_labelled, n_mixture
