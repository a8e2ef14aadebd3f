"""The class prior from probabilities of being labelled."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from puclassify.prior._best_bin import bounds_of_ratio
from puclassify.prior._confidence import check_bootstrap
from puclassify.prior._mean_labelled_score import (
    LabelledFraction,
    check_labelling_probabilities,
    mean_labelled_score,
)
from puclassify.prior._out_of_fold import boosted_trees
from puclassify.prior._prior_estimator import PriorEstimator

__all__ = ["ElkanNotoPrior"]


class ElkanNotoPrior(PriorEstimator):
    r"""Class prior from the mean score of held-out positives (Elkan and Noto, 2008).

    If no negative looks like a positive, a classifier of labelled against unlabelled examples gives
    every positive the same probability, the fraction of the positives that is labelled. The mean
    over held-out labelled positives estimates that fraction, which together with the number of
    labelled positives gives the number of all positives. Where the classes overlap the estimate is
    too large, by far more than those of `DEDPULPrior` and `BBEPrior`.

    Parameters
    ----------
    scenario : {"case_control", "single_training_set"}, default="case_control"
        Whether the labelled positives were drawn separately from the unlabelled sample, or some
        positives of one sample were labelled. In the second case the prior is that of everything,
        labelled examples included.
    confidence_level : float, default=0.9
        Confidence level of the interval, between 0 and 1.
    n_bootstrap : int, default=200
        Number of resamples for the interval; with 0 it is ``(nan, nan)``.
    estimator : classifier or None, default=None
        Scores the examples in `fit`, cloned for every fold. None means gradient-boosted trees on
        feature rows or on the pixels of small images. It needs ``predict_proba``, with
        probabilities of being labelled: PU objectives and class weights must not turn them into
        probabilities of being positive.
    cv : int, splitter or iterable, default=5
        Folds of `fit`; a number means a shuffled
        `puclassify.model_selection.PUStratifiedKFold` with as many.
    n_jobs : int or None, default=None
        Number of folds that are trained in parallel.
    random_state : int, RandomState instance or None, default=None
        Seed of the folds, of the default classifier and of the bootstrap.

    Attributes
    ----------
    prior_ : float
        The estimate of P(y = 1): among the unlabelled examples (``"case_control"``) or among all
        examples (``"single_training_set"``).
    confidence_interval_ : tuple of (float, float)
        Percentiles of the estimates from resamples of the labelled positives and of the number of
        positives in the mixture, and the range of what the ratio of shares above thresholds allows
        (as for `DEDPULPrior`). Where the classes overlap the estimate is near its upper end, or
        above the prior by more than it covers.
    labelled_fraction_ : float
        P(labelled | y = 1) among all examples: the mean score of the labelled positives where no
        propensities are given.
    scores_ : ndarray of shape (n,)
        Held-out scores of the examples; only after `fit`.
    n_features_in_ : int
        Number of features; only after `fit` on ``(n, features)`` input.

    See Also
    --------
    DEDPULPrior : Is more accurate where the classes overlap.
    BBEPrior : Has an upper bound that holds for any scores.
    unlabelled_prior : Converts the prior of one scenario to that of the other.

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
    :math:`\pi_\mathrm{u} = \frac{1 - c}{c} \frac{n_\mathrm{p}}{n - n_\mathrm{p}}`, which is
    also `unlabelled_prior` of :math:`\pi`.

    With ``propensities`` :math:`e_i` let :math:`\bar g` be the mean of :math:`g` over the labelled
    positives and :math:`\bar g_w` that with the weights :math:`1 / e_i`, which is the mean over
    all positives. In a single training set :math:`g = e` where the classes do not overlap, so that
    :math:`c = \bar g_w`. In the case-control scenario :math:`g` and :math:`1 - g` are the shares of
    the labelled and of the other positives at a point, so that the sum of :math:`1 - g` over the
    labelled positives equals the sum of :math:`g` over the others:

    .. math::
       n_\mathrm{p} (1 - \bar g) = (n - n_\mathrm{p})\, \pi_\mathrm{u}\, \bar g_w.

    The mean of calibrated probabilities is the share of labelled examples; scores with a mean off
    by more than a quarter of that share are an error.

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
        scenario: str = "case_control",
        confidence_level: float = 0.9,
        n_bootstrap: int = 200,
        estimator: Any = None,
        cv: Any = 5,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.scenario = scenario
        self.confidence_level = confidence_level
        self.n_bootstrap = n_bootstrap
        self.estimator = estimator
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_bootstrap(self.n_bootstrap, self.confidence_level)

    def _estimate(
        self, scores: np.ndarray, positive: np.ndarray, weights: np.ndarray
    ) -> LabelledFraction:
        check_labelling_probabilities(scores, positive)
        mixture = scores[self._in_mixture(positive)]
        estimate = mean_labelled_score(
            scores[positive],
            len(mixture),
            weights,
            one_set=self._one_set,
            confidence_level=self.confidence_level,
            n_bootstrap=self.n_bootstrap,
            rng=check_random_state(self.random_state),
        )
        return estimate.with_interval_over(
            *bounds_of_ratio(scores[positive], mixture, weights, self.confidence_level)
        )

    def _adopt(self, estimate: LabelledFraction) -> None:
        super()._adopt(estimate)
        self.labelled_fraction_ = estimate.labelled_fraction
