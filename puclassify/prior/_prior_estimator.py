"""What the estimators of the class prior share."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy.stats import norm, rankdata
from sklearn.utils import check_random_state

from puclassify._labels import check_pu_labels
from puclassify._parameters import check_scenario
from puclassify._propensities import effective_size, weights_of_labelled
from puclassify.base import PUBaseEstimator
from puclassify.prior._out_of_fold import out_of_fold_scores, trees_and_logits
from puclassify.prior._score_checks import check_scores

__all__ = ["PriorEstimator"]

_AGREEMENT = 0.1  # between two estimates from the same scores
_CHANCE = 0.01  # level of the test that scores rank at all


class PriorEstimator(PUBaseEstimator):
    """Base class: from examples to scores, and from scores to a prior that a second one confirms.

    A subclass estimates in `_estimate`, from scores that have been checked, and names in
    `_second_opinion` what its estimate is compared with.
    """

    prior_: float
    confidence_interval_: tuple[float, float]
    scores_: np.ndarray
    _default_classifier = staticmethod(trees_and_logits)

    def fit(self, X, y, groups=None, propensities=None):
        """Estimate the prior from examples, by classifiers that have not seen them.

        A clone of ``estimator`` learns to tell labelled from unlabelled examples on all folds but
        one, and scores that one; the scores of all folds then go to `fit_scores`.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            The examples, in whatever form ``estimator`` takes them; the default takes
            ``(n, features)`` and images ``(n, h, w)`` or ``(n, c, h, w)``.
        y : array-like of shape (n,)
            Two labels, of which the larger means "labelled positive" and the smaller
            "unlabelled", such as 1 and 0.
        groups : array-like of shape (n,), default=None
            For a splitter such as `sklearn.model_selection.GroupKFold`.
        propensities : array-like of shape (n,) or None, default=None
            As of `fit_scores`; the classifier is trained without them.

        Returns
        -------
        estimator
            The estimator itself.

        Raises
        ------
        ValueError
            If a parameter or an argument cannot be used, there are fewer labelled positives or
            unlabelled examples than folds, or `fit_scores` fails.

        Warns
        -----
        UserWarning
            If another estimator disagrees, as in `fit_scores`.
        """
        self._check_parameters()
        n_samples = X.shape[0] if hasattr(X, "shape") else len(X)
        _, positive = check_pu_labels(y, n_samples, self)
        weights_of_labelled(propensities, positive)  # refuse them before the training
        scores = out_of_fold_scores(
            self.estimator,
            X,
            positive,
            default=self._default_classifier,
            cv=self.cv,
            groups=groups,
            n_jobs=self.n_jobs,
            rng=check_random_state(self.random_state),
        )
        self.fit_scores(scores, positive, propensities)
        self.scores_ = scores
        return self

    def fit_scores(self, scores, y, propensities=None):
        """Estimate the prior from the scores of a classifier.

        Parameters
        ----------
        scores : array-like of shape (n,)
            Higher means more positive: logits, probabilities, or any increasing function of them
            (`ElkanNotoPrior` needs probabilities), of examples that the classifier was not
            trained on.
        y : array-like of shape (n,)
            Two labels, of which the larger means "labelled positive" and the smaller
            "unlabelled", such as 1 and 0.
        propensities : array-like of shape (n,) or None, default=None
            Where the labelled positives are no random choice of the positives: the probability,
            above 0 and up to 1, with which each was labelled. Each labelled positive then counts
            in inverse proportion to its own; a common factor does not matter, and those of
            unlabelled examples are not read. Where labelled positives of one sample were set
            aside and the rest is the unlabelled sample of the case-control scenario, the rest is
            biased too: in place of each e give e / (1 - e), divided by the largest of them. None
            means that all are equal.

        Returns
        -------
        estimator
            The estimator itself.

        Raises
        ------
        ValueError
            If a parameter or an argument cannot be used, if all scores are equal, if they do not
            rank labelled positives above unlabelled examples by more than chance (a one-sided
            Mann-Whitney test at the level of 1 %), or do not tell the prior.

        Warns
        -----
        UserWarning
            If another estimator (`DEDPULPrior`; for that, `BBEPrior`) fails on the same scores or
            finds a prior that differs by more than 0.1.
        """
        self._check_parameters()
        scores = check_scores(scores)
        _, positive = check_pu_labels(y, len(scores), self, name="scores")
        weights = weights_of_labelled(propensities, positive)
        _check_ranking(scores, positive, weights)
        found = self._estimate(scores, positive, weights)
        self._compare(found["prior_"], scores, positive, weights)
        vars(self).pop("scores_", None)  # of an earlier fit
        for name, value in found.items():
            setattr(self, name, value)
        return self

    def _check_parameters(self) -> None:
        check_scenario(self.scenario)

    def _estimate(self, scores, positive, weights) -> dict[str, Any]:
        """Return the attributes of the fitted estimator, given what each labelled one counts."""
        raise NotImplementedError

    def _second_opinion(self) -> PriorEstimator:
        """Return another estimator, of the same scenario, that costs little."""
        # Two of the subclasses ask each other.
        from puclassify.prior._dedpul import DEDPULPrior

        return DEDPULPrior(scenario=self.scenario, n_bootstrap=0)

    def _in_sample(self, positive) -> np.ndarray:
        """Tell which examples are the sample that the prior is over."""
        return np.ones_like(positive) if self.scenario == "single_training_set" else ~positive

    def _compare(self, prior, scores, positive, weights) -> None:
        second = self._second_opinion()
        names = f"{type(self).__name__} estimates the prior as {prior:.3f}", type(second).__name__
        try:
            other = second._estimate(scores, positive, weights)["prior_"]
        except ValueError as error:
            warnings.warn(
                f"{names[0]}, but {names[1]} fails on the same scores: {error}",
                UserWarning,
                stacklevel=3,
            )
            return
        if abs(other - prior) > _AGREEMENT:
            warnings.warn(
                f"{names[0]}, but {names[1]} as {other:.3f} on the same scores; they would agree "
                "if positives and negatives were told apart well and the labelled positives were "
                "like the unlabelled ones: try a better classifier or label more",
                UserWarning,
                stacklevel=3,
            )


def _check_ranking(scores, positive, weights) -> None:
    """Refuse scores that rank no better than chance: whatever is made of them looks plausible."""
    unlabelled = np.sort(scores[~positive])
    below = [np.searchsorted(unlabelled, scores[positive], side) for side in ("left", "right")]
    area = np.average(np.mean(below, axis=0), weights=weights) / len(unlabelled)
    # The variance of Mann and Whitney's statistic, of which ties are a part, for weighted positives
    of_ranks = np.var(rankdata(scores) / len(scores), ddof=1)
    variance = of_ranks * (1 / effective_size(weights) + 1 / len(unlabelled))
    p_value = norm.sf((area - 0.5) / np.sqrt(variance))
    if p_value > _CHANCE:
        raise ValueError(
            "the scores do not rank labelled positives above unlabelled examples: the area under "
            f"the ROC curve is {area:.3f}, no more than chance makes it (p = {p_value:.2g}); "
            "pass scores that are higher for positives, of a classifier that learned something, "
            "or label more"
        )
