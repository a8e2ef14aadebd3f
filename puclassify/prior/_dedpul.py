"""The class prior from the difference of estimated densities."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.special import ndtri
from sklearn.utils import check_random_state

from puclassify._parameters import check_number
from puclassify._propensities import effective_size
from puclassify.prior._bootstrap import check_bootstrap, percentile_interval
from puclassify.prior._prior_estimator import PriorEstimator

__all__ = ["DEDPULPrior"]

_N_BINS = 512
_FEWEST_POSITIVES = 5
_LEAST_WIDTH = 0.05  # in standard deviations, where the scores have next to no spread
_SIDES = ("left", "right")  # of ties


class DEDPULPrior(PriorEstimator):
    r"""Class prior by the difference of estimated densities (DEDPUL; Ivanov, 2020).

    The densities of the scores of the labelled positives and of the unlabelled examples are
    estimated. The prior is the largest one at which the density of the positives, times the
    prior, stays below that of the unlabelled examples, but for a small share of it.

    Parameters
    ----------
    scenario : {"case_control", "single_training_set"}, default="case_control"
        Whether the labelled positives were drawn separately from the unlabelled sample, or some
        positives of one sample were labelled. In the second the unlabelled sample is everything,
        labelled examples included, and so is what the prior is over.
    tolerance : float or "auto", default="auto"
        Share of the positives that may lie above the density of the unlabelled examples, between
        0 and 1; more makes the estimate larger. "auto" is ``0.3 / sqrt(n_positive)``.
    bandwidth : float, default=0.9
        Width of the Gaussian kernels, in units of the spread of the scores times
        ``n ** -0.2``; 0.9 is Silverman's rule.
    confidence_level : float, default=0.9
        Of the interval, between 0 and 1.
    n_bootstrap : int, default=200
        Resamples for the interval; with 0 it is ``(nan, nan)``.
    estimator : classifier or None, default=None
        What `fit` scores the examples with, cloned for every fold; None takes the mean of
        gradient-boosted trees and logistic regression, on feature rows or on the pixels of small
        images. For larger images take a network, told ``share = y.mean()``, the labelled share,
        and trained for few epochs, or it learns the labelled examples by heart:
        ``PUImageClassifier(criterion="pn", prior=share, positive_fraction=share, max_epochs=3)``.
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
        Percentiles of the estimates from resamples of the positives and of the unlabelled sample,
        each as large as it is, shifted by what resampling adds to the estimate on average. It
        covers the luck of the draw of the examples that were scored, not the training of the
        classifier, and not negatives that look like positives.
    scores_ : ndarray of shape (n,)
        What `fit` scored the examples with, each by a classifier that had not seen it.

    See Also
    --------
    BBEPrior : Has an upper bound that holds whatever the scores are.
    ElkanNotoPrior : For probabilities and classes that do not overlap.
    unlabelled_prior : Translates the prior of one scenario into that of the other.

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
    :math:`\alpha` at which it is at most :math:`\tau`, the ``tolerance``: the iteration stopped
    where its steps become smaller than that. For :math:`r` made non-decreasing in the score by
    isotonic regression, which is what is wanted of a ratio of scores, it has the closed form

    .. math::
       \hat\alpha = \min_c \frac{Q_\mathrm{u}(c)}{Q_\mathrm{p}(c) - \tau},

    where :math:`Q(c)` are the integrals of the estimated densities above :math:`c` and the
    minimum is over :math:`Q_\mathrm{p}(c) > \tau`. An :math:`\hat\alpha` of 1 or more, or one
    that stands for less than one example, is an error.

    The paper estimates densities on the logit scale. Here a score becomes the normal quantile of
    its rank (the mean of its ranks among the positives and in the unlabelled sample), which
    measured alike, needs no probabilities, and makes the estimate the same for any increasing
    function of the scores. Both densities have the larger of the two bandwidths, so that the
    smoothing alone does not make one exceed the other.

    With ``propensities`` :math:`f_\mathrm{p}` is a density of weighted examples,
    :math:`w_i = 1 / e_i`, and :math:`(\sum w_i)^2 / \sum w_i^2` stands for their number in the
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

    def __init__(
        self,
        *,
        scenario="case_control",
        tolerance="auto",
        bandwidth=0.9,
        confidence_level=0.9,
        n_bootstrap=200,
        estimator=None,
        cv=5,
        n_jobs=None,
        random_state=None,
    ):
        self.scenario = scenario
        self.tolerance = tolerance
        self.bandwidth = bandwidth
        self.confidence_level = confidence_level
        self.n_bootstrap = n_bootstrap
        self.estimator = estimator
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _second_opinion(self):
        from puclassify.prior._bbe import BBEPrior  # which asks this one

        return BBEPrior(scenario=self.scenario)

    def _check_parameters(self):
        super()._check_parameters()
        between = "a number between 0 and 1, both excluded"
        if not (isinstance(self.tolerance, str) and self.tolerance == "auto"):
            expected = f'"auto" or {between}'
            check_number(self.tolerance, "tolerance", expected, above=0, below=1)
        check_number(self.bandwidth, "bandwidth", "a positive number", above=0)
        check_bootstrap(self)

    def _estimate(self, scores, positive, weights) -> dict[str, Any]:
        in_sample = self._in_sample(positive)
        n_positive, n_in_sample = effective_size(weights), int(np.sum(in_sample))
        if n_positive < _FEWEST_POSITIVES:
            raise ValueError(
                f"the density of {np.sum(positive)} labelled positives cannot be estimated: at "
                f"least {_FEWEST_POSITIVES} are needed{_counting(n_positive, weights)}"
            )
        tolerance = 0.3 / math.sqrt(n_positive) if self.tolerance == "auto" else self.tolerance
        positives, unlabelled = _normal_scores(scores[positive], scores[in_sample], weights)
        width = self.bandwidth * max(
            _spread(positives, weights) * n_positive**-0.2,
            _spread(unlabelled) * n_in_sample**-0.2,
        )
        width = max(width, _LEAST_WIDTH)
        bins_p, bins_u, width = _binned(positives, unlabelled, width)
        counts_p, counts_u = _counts(bins_p, weights), _counts(bins_u)
        prior = float(_largest_prior(counts_p, counts_u, width, tolerance))
        if prior >= 1:
            raise ValueError(
                "the scores do not tell the prior from 1: nowhere are labelled positives denser "
                f"than unlabelled examples by more than the tolerance, {tolerance:.4g}; pass "
                "scores that are higher for positives, of a classifier that learned something"
            )
        if prior * n_in_sample < 1:
            raise ValueError(
                f"the densities do not resolve the prior: an estimate of {prior:.3g} stands for "
                f"less than one of the {n_in_sample} examples of the unlabelled sample, of which "
                "next to none score as high as the labelled positives"
            )

        def resampled(rng):
            drawn_p = _resampled_counts(bins_p, weights, self.n_bootstrap, rng)
            drawn_u = _resampled_counts(bins_u, np.ones(n_in_sample), self.n_bootstrap, rng)
            return _largest_prior(drawn_p, drawn_u, width, tolerance)

        rng = check_random_state(self.random_state)
        estimates = resampled(rng) if self.n_bootstrap else np.array([])
        interval = percentile_interval(estimates, prior, self.confidence_level)
        return {"prior_": prior, "confidence_interval_": interval}


def _counting(n_effective, weights) -> str:
    """Say what unequal weights make of a number, for a message."""
    if np.ptp(weights) == 0:
        return ""
    return f", and with their propensities they tell as much as {n_effective:.1f} of equal weight"


def _normal_scores(positives, unlabelled, weights) -> tuple[np.ndarray, np.ndarray]:
    """Map scores to normal quantiles of their ranks; either sample has half the weight."""
    samples = [
        (z[order], np.append(0.0, np.cumsum(w[order])) / np.sum(w))
        for z, w in ((positives, weights), (unlabelled, np.ones(len(unlabelled))))
        for order in (np.argsort(z),)
    ]

    def rank(scores):
        below = [
            share[np.searchsorted(ordered, scores, side)]
            for ordered, share in samples
            for side in _SIDES
        ]
        return np.mean(below, axis=0)  # ties get the middle of their ranks

    return ndtri(rank(positives)), ndtri(rank(unlabelled))


def _spread(z, weights=None) -> float:
    """Return the lesser of standard deviation and scaled interquartile range that is not 0."""
    weights = np.ones(len(z)) if weights is None else weights
    order = np.argsort(z)
    middles = np.cumsum(weights[order]) - weights[order] / 2
    middles = (middles - middles[0]) / max(middles[-1] - middles[0], np.finfo(float).tiny)
    low, high = np.interp([0.25, 0.75], middles, z[order])
    of_quartiles = float(high - low) / 1.349
    deviation = math.sqrt(np.average((z - np.average(z, weights=weights)) ** 2, weights=weights))
    return min(deviation, of_quartiles) if of_quartiles > 0 else deviation


def _binned(positives, unlabelled, width) -> tuple[np.ndarray, np.ndarray, float]:
    """Put scores into fine bins, and give the width of the kernel in bins."""
    low = min(positives.min(), unlabelled.min()) - 4 * width
    high = max(positives.max(), unlabelled.max()) + 4 * width
    of_positives, of_unlabelled = (
        ((z - low) / (high - low) * _N_BINS).astype(int) for z in (positives, unlabelled)
    )
    return of_positives, of_unlabelled, width / (high - low) * _N_BINS


def _counts(bins, weights=None) -> np.ndarray:
    """Count, or add up the weights, in each bin."""
    return np.bincount(bins, weights, minlength=_N_BINS)


def _resampled_counts(bins, weights, n_resamples, rng) -> np.ndarray:
    """Return the histograms of resamples of a sample, one a row."""
    n = len(bins)
    if np.ptp(weights) == 0:  # all examples of a bin are alike, and drawing their number is quick
        return rng.multinomial(n, _counts(bins) / n, n_resamples)
    rows = np.empty((n_resamples, _N_BINS))
    for row in rows:
        drawn = rng.randint(n, size=n)
        row[:] = _counts(bins[drawn], weights[drawn])
    return rows


def _largest_prior(counts_p, counts_u, width, tolerance) -> np.ndarray:
    """Smooth histograms along their last axis; return the largest prior that they allow."""
    q_p, q_u = (
        _shares_above(gaussian_filter1d(counts.astype(float), width, mode="constant"))
        for counts in (counts_p, counts_u)
    )
    enough = q_p > tolerance
    return np.where(enough, q_u / np.where(enough, q_p - tolerance, 1), np.inf).min(axis=-1)


def _shares_above(density) -> np.ndarray:
    """Integrate from above along the last axis."""
    above = np.cumsum(density[..., ::-1], axis=-1)
    return above / above[..., -1:]
