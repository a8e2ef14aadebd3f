"""Area under the ROC curve and average precision from PU labels."""

from __future__ import annotations

import numpy as np

from puclassify._parameters import check_score_vector
from puclassify.metrics._pu_sample import PUSample

__all__ = ["pu_average_precision_score", "pu_roc_auc_score"]


def pu_roc_auc_score(
    y_true, y_score, *, prior, scenario="case_control", propensities=None, return_std=False
):
    r"""Area under the ROC curve of the true classes, estimated from PU labels.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Two labels, of which the larger means "labelled positive" and the smaller "unlabelled",
        such as 1 and 0.
    y_score : array-like of shape (n,)
        Higher means more positive: logits, probabilities, or any increasing function of them.
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
        The estimate. It is not clipped: above 1, either there are few examples or the prior is too
        large.
    std : float
        Its standard error, the prior taken as known; only with ``return_std``.

    Raises
    ------
    ValueError
        If an argument cannot be used, or the prior is impossible.

    Notes
    -----
    Let :math:`\mathrm{AUC}_\mathrm{pu}` be the share of pairs of a labelled positive and an
    example of the unlabelled sample (``"case_control"``) or of everything
    (``"single_training_set"``) in which the positive scores higher; a pair with equal scores is
    half a pair. A part :math:`\pi` of the latter examples is positive, against which a positive
    wins half of the time, so that (Jain, White and Radivojac [1]_)

    .. math:: \mathrm{AUC} = \frac{\mathrm{AUC}_\mathrm{pu} - \pi / 2}{1 - \pi}.

    The correction never changes the order of classifiers on the same data, but makes the number
    comparable with that of other data. The standard error is that of DeLong et al. [2]_, extended
    to a sample that holds the labelled positives. The cost is that of sorting.

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
    )
    pi = sample.prior
    below = _share_below(scores[sample.marginal], scores, np.ones(np.sum(sample.marginal)))
    auc = (sample.mean_of_positives(below) - pi / 2) / (1 - pi)
    if not return_std:
        return auc
    above = 1 - _share_below(scores[sample.positive], scores, sample.weights)
    return auc, sample.standard_error(below / (1 - pi), above / (1 - pi))


def pu_average_precision_score(
    y_true, y_score, *, prior, scenario="case_control", propensities=None, return_std=False
):
    r"""Average precision with respect to the true classes, estimated from PU labels.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Two labels, of which the larger means "labelled positive" and the smaller "unlabelled",
        such as 1 and 0. At least two examples must be labelled positive.
    y_score : array-like of shape (n,)
        Higher means more positive: logits, probabilities, or any increasing function of them.
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
        The estimate. It is not clipped: above 1, either there are few examples or the prior is too
        large.
    std : float
        Its standard error, the prior taken as known; only with ``return_std``.

    Raises
    ------
    ValueError
        If an argument cannot be used, there is a single labelled positive, or the prior is
        impossible.

    Notes
    -----
    The step sum of `sklearn.metrics.average_precision_score`,

    .. math:: \mathrm{AP} = \sum_n (R_n - R_{n-1}) P_n
              = \frac{1}{|P|} \sum_{i \in P} \frac{\pi\, R(s_i)}{m(s_i)}:

    the recall rises at the scores :math:`s_i` of labelled positives only, and the precision there
    is that of `pu_precision_score`, from the share :math:`R(s)` of the positives and the share
    :math:`m(s)` of the unlabelled sample (``"case_control"``) or of everything
    (``"single_training_set"``) with a score of at least :math:`s`.

    Near the top few examples decide. There an example that counts in the precision at its own score
    would make it too high, by .04 over the whole sum with 200 positives and 2000 unlabelled
    examples, and clipping at 1 would make it too low. So the shares are of the *other* examples.
    Of :math:`k` other positives at or above :math:`s_i`, and :math:`c` others of the mixture,

    .. math::
       \frac{R(s_i)}{m(s_i)} = \frac{k}{|P| - 1} \cdot \frac{|U| + 1}{c + 1}
       \quad \text{or} \quad \frac{k}{|P| - 1} \cdot \frac{n - 1}{c}

    in the case-control scenario (:math:`(|U| + 1) / (c + 1)` is the nearly unbiased estimate of one
    over a share) and in that of a single training set, where the topmost example, above which
    there is no other, is left out of the mean.

    With ``propensities`` :math:`k / (|P| - 1)` becomes the share of the weights of the others, and
    the mean over the :math:`s_i` a weighted one.

    The standard error is that of the delta method, with the responses of :math:`R` and :math:`m`
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
        least=2,
    )
    steps, weights = scores[sample.positive], sample.weights
    others = np.sum(weights) - weights
    recall = (_weight_at_or_above(steps, weights, steps) - weights) / others
    counts = _at_or_above(scores[sample.marginal], steps)
    if sample.one_set:
        passed = np.maximum(counts - 1, 0.5)  # 0 at the topmost only, which is left out
        inverse_share, counted = (len(scores) - 1) / passed, counts > 1
    else:
        inverse_share = (np.sum(sample.marginal) + 1) / (counts + 1)
        counted = np.ones_like(steps, dtype=bool)
    precision = sample.prior * recall * inverse_share
    ap = float(np.average(precision[counted], weights=weights[counted]))
    if not return_std:
        return ap
    at_positives = sample.prior * _mean_of_passed(steps, inverse_share, weights, scores)
    at_positives[sample.positive] += precision
    at_marginal = -_mean_of_passed(steps, precision * inverse_share, weights, scores)
    return ap, sample.standard_error(at_positives, at_marginal)


def _share_below(sample, scores, weights) -> np.ndarray:
    """Return for each score the share of a sample below it, equal scores counted by half."""
    order = np.argsort(sample)
    ordered, share = sample[order], np.append(0.0, np.cumsum(weights[order])) / np.sum(weights)
    sides = [share[np.searchsorted(ordered, scores, side)] for side in ("left", "right")]
    return np.mean(sides, axis=0)


def _at_or_above(sample, scores) -> np.ndarray:
    """Return for each score how many of a sample score at least as high."""
    return len(sample) - np.searchsorted(np.sort(sample), scores)


def _weight_at_or_above(sample, weights, scores) -> np.ndarray:
    """Return for each score the weight of those of a sample that score at least as high."""
    order = np.argsort(sample)
    above = np.append(np.cumsum(weights[order][::-1])[::-1], 0.0)
    return above[np.searchsorted(sample[order], scores)]


def _mean_of_passed(steps, values, weights, scores) -> np.ndarray:
    """Return for each score the sum of the values of the steps that it reaches, over all steps."""
    order = np.argsort(steps)
    sums = np.append(0.0, np.cumsum((values * weights)[order])) / np.sum(weights)
    return sums[np.searchsorted(steps[order], scores, side="right")]
