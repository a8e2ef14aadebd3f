"""Base class of the estimators of the class prior."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import ClassifierTags, Tags, check_random_state
from sklearn.utils.validation import validate_data

from puclassify._labels import check_pu_labels, warn_if_exchanged, warn_of_other_order
from puclassify._last_step import own_pos_label
from puclassify._parameters import check_n_jobs, check_scenario, check_score_vector, check_seed
from puclassify._propensities import weights_of_labelled
from puclassify._score_kinds import warn_if_labels
from puclassify.base import PUBaseEstimator, all_or_nothing
from puclassify.prior._confidence import EstimatedPrior
from puclassify.prior._out_of_fold import out_of_fold_scores, trees_and_logits
from puclassify.prior._ranking import check_not_constant, check_ranking
from puclassify.prior._second_opinion import BY_DENSITY_DIFFERENCE, SecondOpinion

__all__ = ["PriorEstimator"]


class PriorEstimator(PUBaseEstimator):
    """Base class: from examples to scores, and from scores to a prior that another method checks.

    A subclass passes checked scores to its formula in `_estimate`, and sets in `_adopt` what the
    estimate holds beside the prior and its interval.
    """

    prior_: float
    confidence_interval_: tuple[float, float]
    scores_: np.ndarray
    scenario: str
    estimator: Any
    cv: Any
    n_jobs: int | None
    random_state: int | np.random.RandomState | None
    _default_classifier = staticmethod(trees_and_logits)
    _second_opinion: ClassVar[SecondOpinion] = BY_DENSITY_DIFFERENCE

    @all_or_nothing
    def fit(
        self,
        X: Any,
        y: ArrayLike,
        groups: ArrayLike | None = None,
        propensities: ArrayLike | None = None,
    ) -> Self:
        """Estimate the prior from examples, by held-out scores.

        A clone of ``estimator`` is trained on labelled against unlabelled examples of all folds but
        one, and scores that one; the scores of all folds then go to `fit_scores`.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            The examples, in a form that ``estimator`` accepts; the default accepts
            ``(n, features)`` and images ``(n, h, w)`` or ``(n, c, h, w)``.
        y : array-like of shape (n,)
            1 for labelled positive, 0 for unlabelled, or as in `PUImageClassifier`.
        groups : array-like of shape (n,) or None, default=None
            Examples of one group are in one fold, as near copies have to be. None puts exact copies
            in one fold, with a warning (not of whole numbers or few different rows).
        propensities : array-like of shape (n,) or None, default=None
            As in `fit_scores`; the classifier is trained without them.

        Returns
        -------
        estimator
            The estimator itself.

        Raises
        ------
        ValueError
            If a parameter or an argument is invalid, there are fewer labelled positives or
            unlabelled examples than folds, or `fit_scores` fails.

        Warns
        -----
        UserWarning
            If another method disagrees, as in `fit_scores`, if more examples are labelled than not,
            or if examples are copies of others.
        """
        self._check_parameters()
        n_samples = X.shape[0] if hasattr(X, "shape") else len(X)
        pos_label = own_pos_label(self.estimator)
        classes, positive = check_pu_labels(y, n_samples, self, pos_label=pos_label)
        warn_if_exchanged(classes, positive)
        warn_of_other_order(X, y)
        weights_of_labelled(propensities, positive)  # checks them before the training
        scores = out_of_fold_scores(
            self.estimator,
            X,
            positive,
            default=self._default_classifier,
            cv=self.cv,
            groups=groups,
            one_set=self._one_set,
            n_jobs=self.n_jobs,
            rng=check_random_state(self.random_state),
        )
        self.fit_scores(scores, positive, propensities)
        self.scores_ = scores
        if _is_table(X):
            validate_data(self, X, skip_check_array=True)  # sets the number and names of features
        return self

    @all_or_nothing
    def fit_scores(
        self, scores: ArrayLike, y: ArrayLike, propensities: ArrayLike | None = None
    ) -> Self:
        """Estimate the prior from the scores of a classifier.

        Parameters
        ----------
        scores : array-like of shape (n,)
            Higher means more positive: logits, probabilities, or any increasing function of them
            (`ElkanNotoPrior` needs probabilities), of examples that the classifier was not
            trained on.
        y : array-like of shape (n,)
            1 for labelled positive, 0 for unlabelled, or as in `PUImageClassifier`.
        propensities : array-like of shape (n,) or None, default=None
            Probability, above 0 and up to 1, with which each labelled positive was labelled, up to
            a common factor; it then counts in inverse proportion. Those of unlabelled examples are
            ignored. Where labelled positives of one sample were set aside and the rest is the
            unlabelled sample of the case-control scenario, the rest is biased too: pass
            e / (1 - e) for each e, divided by the largest of these. None means that all are equal.

        Returns
        -------
        estimator
            The estimator itself.

        Raises
        ------
        ValueError
            If a parameter or an argument is invalid, if all scores are equal, if they do not rank
            labelled positives above unlabelled examples by more than chance (at the level of 1 %,
            by a one-sided Mann-Whitney test or by how many unlabelled examples score below the
            lowest positives), or if they do not determine the prior. With few labels a prior near
            1 is refused too, as it looks like chance. Above the level of 0.1 % the interval reaches
            1: what only just passes is estimated too low.

        Warns
        -----
        UserWarning
            If another method (that of `DEDPULPrior`; for that one, of `BBEPrior`) fails on the same
            scores or gives a prior that differs by more than 0.1.
        """
        self._check_parameters()
        given, scores = scores, check_score_vector(scores, "scores")
        check_not_constant(scores)
        _, positive = check_pu_labels(y, len(scores), self, name="scores")
        warn_of_other_order(given, y)
        weights = weights_of_labelled(propensities, positive)
        is_clear = check_ranking(scores, positive, weights)
        estimate = self._estimate(scores, positive, weights)
        warn_if_labels(scores, "scores")
        if not is_clear:
            estimate = estimate.with_interval_over(estimate.prior, 1.0)
        self._second_opinion.compare(
            estimate.prior,
            type(self).__name__,
            scores[positive],
            scores[self._in_mixture(positive)],
            weights,
        )
        self._adopt(estimate)
        return self

    def _check_parameters(self) -> None:
        check_scenario(self.scenario)
        check_n_jobs(self.n_jobs)
        check_seed(self.random_state)

    def _estimate(
        self, scores: np.ndarray, positive: np.ndarray, weights: np.ndarray
    ) -> EstimatedPrior:
        """Estimate the prior; ``weights`` of shape (n_positive,) are those of the labelled."""
        raise NotImplementedError

    def _adopt(self, estimate: Any) -> None:
        """Set the attributes of the fitted estimator, all at once."""
        self.prior_ = estimate.prior
        self.confidence_interval_ = estimate.interval
        for name in ("scores_", "n_features_in_", "feature_names_in_"):  # of an earlier fit
            self.__dict__.pop(name, None)

    @property
    def _one_set(self) -> bool:
        """Whether the labelled positives belong to the mixture that the prior is over."""
        return self.scenario == "single_training_set"

    def _in_mixture(self, positive: np.ndarray) -> np.ndarray:
        return np.ones_like(positive) if self._one_set else ~positive

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.classifier_tags = ClassifierTags(multi_class=False)  # of y: two labels
        return tags


def _is_table(X: Any) -> bool:
    """Return whether X has shape (n, features)."""
    return len(X.shape if hasattr(X, "shape") else np.shape(X) if isinstance(X, list) else ()) == 2
