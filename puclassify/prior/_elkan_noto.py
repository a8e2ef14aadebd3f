"""The class prior from the probabilities that positives are labelled."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from puclassify.prior._bootstrap import check_bootstrap, percentile_interval
from puclassify.prior._out_of_fold import boosted_trees
from puclassify.prior._prior_estimator import PriorEstimator

__all__ = ["ElkanNotoPrior"]

_MISCALIBRATED = 0.25  # mean probability off the share of labelled examples, relative to it


class ElkanNotoPrior(PriorEstimator):
    r"""Class prior from the mean score of held-out positives (Elkan and Noto, 2008).

    A classifier of labelled against unlabelled examples gives every positive the same
    probability, the fraction of the positives that is labelled, if no negative looks like it. The
    mean over labelled positives that it has not seen estimates that fraction, and how many
    are labelled then tells how many positives there are. Where the classes overlap the estimate is
    too large, by far more than those of `DEDPULPrior` and `BBEPrior`.

    Parameters
    ----------
    scenario : {"case_control", "single_training_set"}, default="case_control"
        Whether the labelled positives were drawn separately from the unlabelled sample, or some
        positives of one sample were labelled. In the second the prior is over everything,
        labelled examples included.
    confidence_level : float, default=0.9
        Of the interval, between 0 and 1.
    n_bootstrap : int, default=200
        Resamples for the interval; with 0 it is ``(nan, nan)``.
    estimator : classifier or None, default=None
        What `fit` scores the examples with, cloned for every fold; None takes gradient-boosted
        trees on feature rows or on the pixels of small images. It needs ``predict_proba``, with
        probabilities of being labelled: objectives and class weights that make it one of being
        positive do not serve.
    cv : int, splitter or iterable, default=5
        Folds of `fit`; a number stands for that of a shuffled
        `puclassify.model_selection.PUStratifiedKFold`.
    n_jobs : int or None, default=None
        Folds that are trained at once.
    random_state : int, RandomState instance or None, default=None
        Seed of the folds, of the default classifier and of the bootstrap.

    Attributes
    ----------
    prior_ : float
        The estimate of P(y = 1): among the unlabelled examples in the case-control scenario, over
        everything in that of a single training set.
    confidence_interval_ : tuple of (float, float)
        Percentiles of the estimates from resamples of the labelled positives. It covers the luck
        of their draw only: not the training of the classifier, and not its calibration or the
        overlap of the classes, on which most of the error depends.
    labelled_fraction_ : float
        P(labelled | y = 1) among all the examples given: the mean score of the labelled positives
        where no propensities are given.
    scores_ : ndarray of shape (n,)
        What `fit` scored the examples with, each by a classifier that had not seen it.

    See Also
    --------
    DEDPULPrior : Measures better where the classes overlap.
    BBEPrior : Has an upper bound that holds whatever the scores are.
    unlabelled_prior : Translates the prior of one scenario into that of the other.

    Notes
    -----
    With :math:`g(x)` the estimate of P(labelled | x), :math:`n_\mathrm{p}` labelled positives and
    :math:`n` examples in all, the estimator :math:`e_1` of [1]_ (section 2) and the prior over
    everything are

    .. math::
       c = \frac{1}{n_\mathrm{p}} \sum_{x \in \mathrm{P}} g(x), \qquad
       \pi = \frac{n_\mathrm{p}}{c\, n}.

    In the case-control scenario the :math:`(1 - c)\, n_\mathrm{p} / c` positives without a label
    are among the other :math:`n - n_\mathrm{p}`:
    :math:`\pi_\mathrm{u} = \frac{1 - c}{c} \frac{n_\mathrm{p}}{n - n_\mathrm{p}}`, as
    `unlabelled_prior` makes of :math:`\pi`.

    With ``propensities`` :math:`e_i` let :math:`\bar g` be the mean of :math:`g` over the labelled
    positives and :math:`\bar g_w` that with the weights :math:`1 / e_i`, which is the mean over
    all positives. In a single training set :math:`g = e` where the classes do not overlap, so that
    :math:`c = \bar g_w`. In the case-control scenario :math:`g` and :math:`1 - g` are the parts of
    the labelled and of the other positives at a point, and the labelled ones' own mean of
    :math:`1 - g`, times their number, is that of :math:`g` over the others, times theirs:

    .. math::
       n_\mathrm{p} (1 - \bar g) = (n - n_\mathrm{p})\, \pi_\mathrm{u}\, \bar g_w.

    The mean of calibrated probabilities is the share of labelled examples, so that scores of
    which it is off by more than a quarter are an error.

    References
    ----------
    .. [1] C. Elkan and K. Noto, "Learning classifiers from only positive and unlabeled data",
       KDD 2008.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify.prior import ElkanNotoPrior
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(3500, 2))
    >>> X[:1250] += 4                           # 500 labelled, and 750 of the 3000 unlabelled
    >>> y = np.repeat([1, 0], [500, 3000])
    >>> estimator = ElkanNotoPrior(random_state=0).fit(X, y)
    >>> abs(estimator.prior_ - 0.25) < 0.04
    True
    """

    labelled_fraction_: float
    _default_classifier = staticmethod(boosted_trees)

    def __init__(
        self,
        *,
        scenario="case_control",
        confidence_level=0.9,
        n_bootstrap=200,
        estimator=None,
        cv=5,
        n_jobs=None,
        random_state=None,
    ):
        self.scenario = scenario
        self.confidence_level = confidence_level
        self.n_bootstrap = n_bootstrap
        self.estimator = estimator
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _check_parameters(self):
        super()._check_parameters()
        check_bootstrap(self)

    def _estimate(self, scores, positive, weights) -> dict[str, Any]:
        _check_probabilities(scores, positive)
        labelled = scores[positive].astype(np.float64)
        plain, weighted = float(np.mean(labelled)), float(np.average(labelled, weights=weights))
        prior = float(self._prior(plain, weighted, positive))
        if prior >= 1:
            raise ValueError(
                f"the labelled positives score {weighted:.4f} on average, which makes the prior "
                f"{prior:.3f}, 1 or more: the classifier does not tell them from unlabelled "
                "examples, or many negatives look like positives; DEDPULPrior stands overlap better"
            )
        rng = check_random_state(self.random_state)
        rows = rng.randint(len(labelled), size=(self.n_bootstrap, len(labelled)))
        means = labelled[rows].mean(axis=1), np.sum(labelled[rows] * weights[rows], axis=1)
        estimates = self._prior(means[0], means[1] / weights[rows].sum(axis=1), positive)
        interval = percentile_interval(estimates, prior, self.confidence_level)
        n_positive, n_unlabelled = int(np.sum(positive)), int(np.sum(~positive))
        if self.scenario == "single_training_set":
            fraction = weighted
        else:
            fraction = n_positive / (n_positive + prior * n_unlabelled)
        return {
            "prior_": prior,
            "confidence_interval_": interval,
            "labelled_fraction_": fraction,
        }

    def _prior(self, plain, weighted, positive):
        """Return the prior of the scenario from the mean scores of the labelled positives."""
        n_positive, n = int(np.sum(positive)), len(positive)
        if self.scenario == "single_training_set":
            return n_positive / (weighted * n)
        return (1 - plain) / weighted * n_positive / (n - n_positive)


def _check_probabilities(scores, positive) -> None:
    """Refuse scores that cannot be probabilities of being labelled."""
    low, high = scores.min(), scores.max()
    if low < 0 or high > 1:
        raise ValueError(
            f"scores must be probabilities of being labelled, got values from {low:.4g} to "
            f"{high:.4g}: pass predict_proba(X)[:, 1] of a classifier of labelled against "
            "unlabelled examples"
        )
    mean, share = float(np.mean(scores, dtype=np.float64)), float(np.mean(positive))
    if abs(mean - share) > _MISCALIBRATED * share:
        raise ValueError(
            f"scores must be probabilities of being labelled, but their mean is {mean:.4f} where "
            f"{share:.4f} of the examples are labelled: calibrate them, or train without class "
            "weights and with an objective that tells labelled from unlabelled"
        )
