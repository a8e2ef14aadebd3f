"""The class prior from the difference of estimated densities."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from puclassify._parameters import check_number, check_probability
from puclassify.prior._confidence import EstimatedPrior, check_bootstrap
from puclassify.prior._density_difference import density_difference
from puclassify.prior._prior_estimator import PriorEstimator
from puclassify.prior._second_opinion import BY_BEST_BIN

__all__ = ["DEDPULPrior"]


class DEDPULPrior(PriorEstimator):
    r"""Class prior by the difference of estimated densities (DEDPUL; Ivanov, 2020).

    The densities of the scores of the labelled positives and of the unlabelled examples are
    estimated. The prior is the largest one at which the density of the positives, times the
    prior, stays below that of the unlabelled examples, except for a small share of it.

    Parameters
    ----------
    scenario : {"case_control", "single_training_set"}, default="case_control"
        Whether the labelled positives were drawn separately from the unlabelled sample, or some
        positives of one sample were labelled. In the second case the unlabelled sample is
        everything, labelled examples included, and the prior is that of everything.
    tolerance : float or "auto", default="auto"
        Share of the positives that may lie above the density of the unlabelled examples, between
        0 and 1; a larger one gives a larger estimate. "auto" is ``0.3 / sqrt(n_positive)``.
    bandwidth : float, default=0.9
        Width of the Gaussian kernels, in units of the spread of the scores times
        ``n ** -0.2``; 0.9 is Silverman's rule.
    confidence_level : float, default=0.9
        Confidence level of the interval, between 0 and 1.
    n_bootstrap : int, default=200
        Number of resamples for the interval; with 0 it is ``(nan, nan)``.
    estimator : classifier or None, default=None
        Scores the examples in `fit`, cloned for every fold. None means the average of
        gradient-boosted trees and logistic regression, on feature rows or on the pixels of small
        images. For larger images pass a network that is trained for few epochs, so that it does
        not memorise the labelled examples: with the labelled share, ``share = y.mean()``,
        ``PUImageClassifier(criterion="pn", prior=share, positive_fraction=share, max_epochs=3)``.
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
        Percentiles of the estimates from resamples of the positives and of the unlabelled sample,
        shifted to have the estimate as their median; and the range of what the ratio of shares
        above thresholds allows, see the notes. The interval covers the random choice of the scored
        examples and, where a fifth of the positives scores above nearly all negatives, overlap of
        the classes; it does not cover the training of the classifier.
    scores_ : ndarray of shape (n,)
        Held-out scores of the examples; only after `fit`.
    n_features_in_ : int
        Number of features; only after `fit` on ``(n, features)`` input.

    See Also
    --------
    BBEPrior : Varies less where the classes are told apart well; has a bound for any scores.
    ElkanNotoPrior : For probabilities and classes that do not overlap.
    unlabelled_prior : Converts the prior of one scenario to that of the other.

    Notes
    -----
    With :math:`r(x) = f_\mathrm{p}(x) / f_\mathrm{u}(x)` DEDPUL assigns the posteriors
    :math:`\min(\alpha\, r(x), 1)`, and :math:`\alpha` is consistent with them if

    .. math::
       D(\alpha) = \alpha - \frac{1}{n_\mathrm{u}} \sum_{x \in \mathrm{U}} \min(\alpha\, r(x), 1)

    is 0. Expectation maximisation, started at :math:`\alpha = 1`, descends to the largest such
    root. With the true densities this is the prior, if there is a score that only positives
    reach. With estimated ones it mostly is 0, as :math:`r` is large somewhere by chance, or 1.
    :math:`D(\alpha) / \alpha` is the relative step of the iteration, grows with
    :math:`\alpha`, and is the share of the density of the positives that
    :math:`f_\mathrm{u} / \alpha` does not cover. So the estimate is the largest
    :math:`\alpha` at which it is at most :math:`\tau`, the ``tolerance``: where the iteration
    stops if its steps may not be smaller. A ratio of densities of scores should not decrease with
    the score. If isotonic regression ensures this for :math:`r`, the estimate is

    .. math::
       \hat\alpha = \min_c \frac{Q_\mathrm{u}(c)}{Q_\mathrm{p}(c) - \tau},

    where :math:`Q(c)` are the integrals of the estimated densities above :math:`c` and the
    minimum is over :math:`Q_\mathrm{p}(c) > \tau`. An :math:`\hat\alpha` of 1 or more, or of
    less than one example, is an error.

    The paper estimates densities on the logit scale. Here a score becomes the normal quantile of
    its rank (the mean of its ranks among the positives and in the unlabelled sample), which is as
    accurate, needs no probabilities, and makes the estimate the same for any increasing function
    of the scores. Both densities have the larger of the two bandwidths, so that the smoothing
    alone does not make one exceed the other.

    All resamples have the same negatives among the highest scores, so that percentiles miss what
    these add. The interval is therefore extended to the smallest of the lower, and of the upper,
    ends of the ratio :math:`\hat q_\mathrm{u}(c) / \hat q_\mathrm{p}(c)` (of the shares with a
    score of at least :math:`c`), each end by its standard error, over all :math:`c` with
    :math:`\hat q_\mathrm{p}(c) \ge 0.2`.

    With ``propensities`` :math:`f_\mathrm{p}` is a density of weighted examples,
    :math:`w_i = 1 / e_i`, and :math:`(\sum w_i)^2 / \sum w_i^2` replaces their number in the
    bandwidth and in the tolerance. Resamples draw examples with their weights.

    References
    ----------
    .. [1] D. Ivanov, "DEDPUL: Difference-of-Estimated-Densities-based Positive-Unlabeled
       Learning", ICMLA 2020; arXiv:1902.06965.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify.prior import DEDPULPrior
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(3500, 2))
    >>> X[:1250] += 2.5                         # 500 labelled, and 750 of the 3000 unlabelled
    >>> y = np.repeat([1, 0], [500, 3000])
    >>> estimator = DEDPULPrior(random_state=0).fit(X, y)
    >>> abs(estimator.prior_ - 0.25) < 0.04
    True
    """

    _second_opinion = BY_BEST_BIN

    def __init__(
        self,
        *,
        scenario: str = "case_control",
        tolerance: float | str = "auto",
        bandwidth: float = 0.9,
        confidence_level: float = 0.9,
        n_bootstrap: int = 200,
        estimator: Any = None,
        cv: Any = 5,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.scenario = scenario
        self.tolerance = tolerance
        self.bandwidth = bandwidth
        self.confidence_level = confidence_level
        self.n_bootstrap = n_bootstrap
        self.estimator = estimator
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _check_parameters(self) -> None:
        super()._check_parameters()
        between = "a number between 0 and 1, both excluded"
        if not (isinstance(self.tolerance, str) and self.tolerance == "auto"):
            check_probability(self.tolerance, "tolerance", f'"auto" or {between}')
        check_number(self.bandwidth, "bandwidth", "a positive number", above=0)
        check_bootstrap(self.n_bootstrap, self.confidence_level)

    def _estimate(
        self, scores: np.ndarray, positive: np.ndarray, weights: np.ndarray
    ) -> EstimatedPrior:
        return density_difference(
            scores[positive],
            scores[self._in_mixture(positive)],
            weights,
            tolerance=self.tolerance,
            bandwidth=self.bandwidth,
            confidence_level=self.confidence_level,
            n_bootstrap=self.n_bootstrap,
            rng=check_random_state(self.random_state),
        )
