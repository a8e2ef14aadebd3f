"""Best bin estimation of the class prior."""

from __future__ import annotations

from typing import Any

import numpy as np

from puclassify._parameters import check_number, check_probability
from puclassify.prior._best_bin import BestBin, best_bin
from puclassify.prior._prior_estimator import PriorEstimator

__all__ = ["BBEPrior"]


class BBEPrior(PriorEstimator):
    r"""Class prior by best bin estimation (Garg et al., 2021, Algorithm 1).

    Where a classifier's highest scores belong to positives only, the share of the unlabelled
    examples above a threshold is the prior times the share of the positives above it. The
    threshold is the one with the smallest upper confidence bound on the ratio of these shares.

    Parameters
    ----------
    scenario : {"case_control", "single_training_set"}, default="case_control"
        Whether the labelled positives were drawn separately from the unlabelled sample, or some
        positives of one sample were labelled. In the second case the unlabelled sample is
        everything, labelled examples included, and the prior is that of everything.
    delta : float, default=0.1
        Probability with which the bound may fail, between 0 and 1.
    gamma : float, default=0.01
        Slack of the bound, from 0 up to 1: how far above 1 the ratio may be.
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
        Seed of the folds and of the default classifier; `fit_scores` is deterministic.

    Attributes
    ----------
    prior_ : float
        The estimate of P(y = 1): among the unlabelled examples (``"case_control"``) or among all
        examples (``"single_training_set"``).
    confidence_interval_ : tuple of (float, float)
        Interval of the ratio at the threshold, within 0 and 1, with probability ``1 - delta``. Its
        upper end bounds the prior for any scores; its lower end does if only positives score above
        the threshold.
    threshold_ : float
        The lowest score in the bin.
    scores_ : ndarray of shape (n,)
        Held-out scores of the examples; only after `fit`.
    n_features_in_ : int
        Number of features; only after `fit` on ``(n, features)`` input.

    See Also
    --------
    DEDPULPrior : Is more accurate where the classes overlap and the prior is small.
    ElkanNotoPrior : For probabilities and classes that do not overlap.
    unlabelled_prior : Converts the prior of one scenario to that of the other.

    Notes
    -----
    With :math:`\hat q_\mathrm{p}(c)` and :math:`\hat q_\mathrm{u}(c)` the shares of the positives
    and of the unlabelled examples with a score of at least :math:`c`,

    .. math::
       \hat c &= \arg\min_c\; \frac{\hat q_\mathrm{u}(c)}{\hat q_\mathrm{p}(c)}
       + \frac{1 + \gamma}{\hat q_\mathrm{p}(c)}
       \left( \sqrt{\frac{\log(4 / \delta)}{2 n_\mathrm{u}}}
       + \sqrt{\frac{\log(4 / \delta)}{2 n_\mathrm{p}}} \right), \\
       \hat \pi &= \hat q_\mathrm{u}(\hat c) / \hat q_\mathrm{p}(\hat c).

    The minimum is over every threshold, exactly: equal scores are in the bin together or not at
    all, and of equal minima the largest bin counts. Only the order of the scores matters, so that
    logits and probabilities give the same estimate. Scores of examples that the classifier was
    trained on make it too low: use held-out ones. Negatives above the threshold make it too high.

    With ``propensities`` :math:`e_i` the share :math:`\hat q_\mathrm{p}` is one of the weights
    :math:`w_i = 1 / e_i`, and :math:`(\sum_i w_i)^2 / \sum_i w_i^2` takes the place of
    :math:`n_\mathrm{p}`; the bound then holds approximately.

    If the interval reaches 1, the scores are too poor, or the examples too few, to distinguish the
    prior from 1. The cost is that of sorting.

    References
    ----------
    .. [1] S. Garg, Y. Wu, A. Smola, S. Balakrishnan and Z. C. Lipton, "Mixture Proportion
       Estimation and PU Learning: A Modern Approach", NeurIPS 2021; arXiv:2111.00980.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify.prior import BBEPrior
    >>> rng = np.random.default_rng(0)
    >>> positives, unlabelled = rng.normal(2, 1, 1000), rng.normal(-2, 1, 5000)
    >>> unlabelled[:1500] += 4                                # 30 % of them are positive
    >>> scores = np.concatenate([positives, unlabelled])
    >>> estimator = BBEPrior().fit_scores(scores, np.repeat([1, 0], [1000, 5000]))
    >>> round(estimator.prior_, 1)
    0.3
    """

    threshold_: float

    def __init__(
        self,
        *,
        scenario: str = "case_control",
        delta: float = 0.1,
        gamma: float = 0.01,
        estimator: Any = None,
        cv: Any = 5,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.scenario = scenario
        self.delta = delta
        self.gamma = gamma
        self.estimator = estimator
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_probability(self.delta, "delta")
        expected = "a number of at least 0 and below 1"
        check_number(self.gamma, "gamma", expected, at_least=0, below=1)

    def _estimate(self, scores: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> BestBin:
        mixture = scores[self._in_mixture(positive)]
        return best_bin(scores[positive], mixture, weights, delta=self.delta, gamma=self.gamma)

    def _adopt(self, estimate: BestBin) -> None:
        super()._adopt(estimate)
        self.threshold_ = estimate.threshold
