"""The class prior from the probabilities that positives are labelled."""

from __future__ import annotations

import numpy as np
from sklearn.utils import check_random_state

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

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_bootstrap(self.n_bootstrap, self.confidence_level)

    def _estimate(
        self, scores: np.ndarray, positive: np.ndarray, weights: np.ndarray
    ) -> LabelledFraction:
        check_labelling_probabilities(scores, positive)
        return mean_labelled_score(
            scores[positive],
            int(np.sum(self._in_mixture(positive))),
            weights,
            one_set=self._one_set,
            confidence_level=self.confidence_level,
            n_bootstrap=self.n_bootstrap,
            rng=check_random_state(self.random_state),
        )

    def _adopt(self, estimate: LabelledFraction) -> None:
        super()._adopt(estimate)
        self.labelled_fraction_ = estimate.labelled_fraction
