"""Area under the ROC curve and average precision from PU labels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from puclassify._parameters import check_score_vector
from puclassify._score_kinds import warn_if_labels
from puclassify.metrics._impossible_scores import is_impossible, warn_if_impossible
from puclassify.metrics._pu_sample import PUSample

__all__ = ["largest_prior_of_ranking", "pu_average_precision_score", "pu_roc_auc_score"]


def pu_roc_auc_score(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    prior: float,
    scenario: str = "case_control",
    propensities: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    return_std: bool = False,
) -> float | tuple[float, float]:
    r"""Estimate the area under the ROC curve of the true classes from PU labels.

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
    propensities : array-like of shape (n,) or None, default=None
        As in `pu_accuracy_score`.
    sample_weight : array-like of shape (n,) or None, default=None
        As in `pu_accuracy_score`.
    return_std : bool, default=False
        Whether to return the standard error too.

    Returns
    -------
    score : float
        The estimate. It is unbiased and not clipped: outside [0, 1], either there are few examples
        or the prior is too large. Its noise grows as one over ``1 - prior``: with a prior of 0.9
        and 200 labelled positives every third value is above 1.
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

    Notes
    -----
    Let :math:`\mathrm{AUC}_\mathrm{pu}` be the share of pairs of a labelled positive and an
    example of the unlabelled sample (``"case_control"``) or of everything
    (``"single_training_set"``) in which the positive scores higher; a pair with equal scores is
    half a pair. The share :math:`\pi` of the latter examples is positive, and a positive scores
    higher than these half of the time, so that (Jain, White and Radivojac [1]_)

    .. math:: \mathrm{AUC} = \frac{\mathrm{AUC}_\mathrm{pu} - \pi / 2}{1 - \pi}.

    The correction never changes the order of classifiers on the same data, but makes the number
    comparable across data sets. The standard error is that of DeLong et al. [2]_, extended
    to a sample that contains the labelled positives. The cost is that of sorting.

    References
    ----------
    .. [1] S. Jain, M. White and P. Radivojac, "Recovering True Classifier Performance in
       Positive-Unlabeled Learning", AAAI 2017; arXiv:1702.00518.
    .. [2] E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson, "Comparing the Areas under Two or
       More Correlated Receiver Operating Characteristic Curves", Biometrics 44, 1988.

    Examples
    --------
    >>> from puclassify.metrics import pu_roc_auc_score
    >>> y_true = [1, 1, 0, 0, 0, 0, 0]
    >>> y_score = [2, 5, 4, 1, 0, -1, -2]
    >>> round(pu_roc_auc_score(y_true, y_score, prior=0.2), 3)  # (9/10 - 0.2/2) / (1 - 0.2)
    1.0
    """
    scores = check_score_vector(y_score, "y_score")
    sample = PUSample.check(
        y_true,
        len(scores),
        prior=prior,
        scenario=scenario,
        name="y_score",
        propensities=propensities,
        sample_weight=sample_weight,
    )
    warn_if_labels(scores, "y_score")
    auc, most, standard_error = _auc(sample, scores)
    warn_if_impossible("AUC", auc, standard_error, sample, lambda: most)
    return (auc, standard_error()) if return_std else auc


def largest_prior_of_ranking(
    positive: np.ndarray,
    scores: np.ndarray,
    prior: float,
    scenario: str,
    *,
    propensities: np.ndarray | None = None,
    sample_weight: np.ndarray | None = None,
) -> float | None:
    """Return the largest prior at which scores rank possibly, None if ``prior`` is no larger."""
    sample = PUSample.check(
        positive,
        len(scores),
        prior=prior,
        scenario=scenario,
        name="scores",
        propensities=propensities,
        sample_weight=sample_weight,
    )
    auc, most, standard_error = _auc(sample, scores)
    return most if auc > 1 and is_impossible(auc, standard_error, sample) else None


def _auc(sample: PUSample, scores: np.ndarray) -> tuple[float, float, Callable[[], float]]:
    """Return the area, the largest prior at which it is within [0, 1], and its error."""
    scores = scores[sample.present]
    pi = sample.prior
    below = _share_below(scores[sample.mixture], scores, sample.mixture_weights)
    observed = sample.mean_of_positives(below)
    auc = (observed - pi / 2) / (1 - pi)

    def standard_error() -> float:
        above = 1 - _share_below(scores[sample.positive], scores, sample.weights)
        return sample.standard_error(below / (1 - pi), above / (1 - pi))

    return auc, 2 * (1 - observed if auc > 1 else observed), standard_error


def pu_average_precision_score(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    prior: float,
    scenario: str = "case_control",
    propensities: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    return_std: bool = False,
) -> float | tuple[float, float]:
    r"""Estimate the average precision on the true classes from PU labels.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        1 for labelled positive, 0 for unlabelled, or as in `PUImageClassifier`. At least two
        examples must be labelled positive.
    y_score : array-like of shape (n,)
        Higher means more positive: logits, probabilities, or any increasing function of them.
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
        The estimate. It is not clipped: above 1, either there are few examples or the prior is too
        large.
    std : float
        Its standard error, with the prior taken as known; only with ``return_std``.

    Raises
    ------
    ValueError
        If an argument is invalid, only one example is labelled positive, or the prior is
        impossible.

    Warns
    -----
    UserWarning
        If the score lies outside [0, 1] by more than chance explains, so that the prior contradicts
        the labels and predictions.

    Notes
    -----
    The step sum of `sklearn.metrics.average_precision_score`,

    .. math:: \mathrm{AP} = \sum_n (R_n - R_{n-1}) P_n
              = \frac{1}{|P|} \sum_{i \in P} \frac{\pi\, R(s_i)}{m(s_i)}.

    The recall rises only at the scores :math:`s_i` of labelled positives, where the precision is
    that of `pu_precision_score`, from the share :math:`R(s)` of the positives and the share
    :math:`m(s)` of the unlabelled sample (``"case_control"``) or of everything
    (``"single_training_set"``) with a score of at least :math:`s`.

    Near the top the precision depends on few examples. If an example counted in the precision at
    its own score, the sum would be too high, by .04 with 200 positives and 2000 unlabelled
    examples; clipping at 1 would make it too low. So the shares are those of the *other* examples:
    with :math:`k` other positives at or above :math:`s_i`, and :math:`c` others of the mixture,

    .. math::
       \frac{R(s_i)}{m(s_i)} = \frac{k}{|P| - 1} \cdot \frac{|U| + 1}{c + 1}
       \quad \text{or} \quad \frac{k}{|P| - 1} \cdot \frac{n - 1}{c}

    in the case-control scenario (:math:`(|U| + 1) / (c + 1)` is the nearly unbiased estimate of one
    over a share) and in that of a single training set, where the highest-scoring example is left
    out of the mean, since no other is above it.

    With ``propensities`` or ``sample_weight`` :math:`k / (|P| - 1)` becomes a share of the weights
    of the others, and the mean over the :math:`s_i` is weighted; :math:`c` becomes the weight of
    the others, in units of the mean weight of the mixture.

    The standard error is that of the delta method, with the derivatives of :math:`R` and :math:`m`
    at all thresholds. The cost is that of sorting.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify.metrics import pu_average_precision_score
    >>> rng = np.random.default_rng(0)
    >>> positives, unlabelled = rng.normal(2, 1, 500), rng.normal(0, 1, 4000)
    >>> unlabelled[:1600] += 2                                # 40 % of them are positive
    >>> scores, labels = np.append(positives, unlabelled), np.repeat([1, 0], [500, 4000])
    >>> ap, std = pu_average_precision_score(labels, scores, prior=0.4, return_std=True)
    >>> round(ap, 2), round(std, 2)                           # of everything labelled: 0.89
    (0.88, 0.05)
    """
    scores = check_score_vector(y_score, "y_score")
    sample = PUSample.check(
        y_true,
        len(scores),
        prior=prior,
        scenario=scenario,
        name="y_score",
        propensities=propensities,
        sample_weight=sample_weight,
        least=2,
    )
    warn_if_labels(scores, "y_score")
    scores = scores[sample.present]
    steps, weights = scores[sample.positive], sample.weights
    others = np.sum(weights) - weights
    recall = (_weight_at_or_above(steps, weights, steps) - weights) / others
    of_mixture = scores[sample.mixture]
    in_mixture = sample.mixture_weights / np.mean(sample.mixture_weights)
    above = _weight_at_or_above(of_mixture, in_mixture, steps)
    if sample.one_set:
        own = in_mixture[sample.positive]
        counted = _weight_at_or_above(of_mixture, np.ones(len(of_mixture)), steps) > 1
        # 0 only at the highest, which is left out
        inverse_share = (len(scores) - own) / np.where(counted, above - own, 0.5)
    else:
        inverse_share = (len(of_mixture) + 1) / (above + 1)
        counted = np.ones_like(steps, dtype=bool)
    precision = sample.prior * recall * inverse_share
    ap = float(np.average(precision[counted], weights=weights[counted]))

    def standard_error() -> float:
        at_positives = sample.prior * _mean_of_passed(steps, inverse_share, weights, scores)
        at_positives[sample.positive] += precision
        at_mixture = -_mean_of_passed(steps, precision * inverse_share, weights, scores)
        return sample.standard_error(at_positives, at_mixture)

    warn_if_impossible("average precision", ap, standard_error, sample)
    return (ap, standard_error()) if return_std else ap


def _share_below(sample: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the share of a sample below each score, where equal scores count by half."""
    order = np.argsort(sample)
    ordered, share = sample[order], np.append(0.0, np.cumsum(weights[order])) / np.sum(weights)
    without_ties = share[np.searchsorted(ordered, scores, "left")]
    with_ties = share[np.searchsorted(ordered, scores, "right")]
    return np.mean([without_ties, with_ties], axis=0)


def _weight_at_or_above(sample: np.ndarray, weights: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the total weight of the examples of a sample that reach each score."""
    order = np.argsort(sample)
    above = np.append(np.cumsum(weights[order][::-1])[::-1], 0.0)
    return above[np.searchsorted(sample[order], scores)]


def _mean_of_passed(
    steps: np.ndarray, values: np.ndarray, weights: np.ndarray, scores: np.ndarray
) -> np.ndarray:
    """Return for each score the weighted mean of ``values``, 0 at the steps above that score."""
    order = np.argsort(steps)
    sums = np.append(0.0, np.cumsum((values * weights)[order])) / np.sum(weights)
    return sums[np.searchsorted(steps[order], scores, side="right")]
