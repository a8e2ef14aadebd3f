"""Platt scaling from PU labels, as an estimator."""

from __future__ import annotations

import math
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit
from sklearn.base import TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from puclassify._example_weights import ExampleWeights, are_equal
from puclassify._labels import check_pu_labels, warn_of_other_order
from puclassify._parameters import check_probability, check_scenario, check_score_vector
from puclassify._score_kinds import look_like_probabilities, warn_if_labels
from puclassify._warnings import warn
from puclassify.base import PUBaseEstimator, all_or_nothing
from puclassify.calibration._platt import pu_platt_scaling
from puclassify.prior import prior_of_unlabelled

__all__ = ["PUPlattScaling"]

_SMALLEST_PRIOR = 1e-9  # among unlabelled examples, for when every positive is labelled


class PUPlattScaling(TransformerMixin, PUBaseEstimator):
    """Calibrate scores of a classifier by a logistic function, from PU labels.

    Platt's scaling, fitted to labelled against unlabelled examples, gives the probability of being
    *labelled*. Together with the prior, the same data give the probability of being *positive*.

    Parameters
    ----------
    prior : float, default=0.5
        P(y = 1) among the unlabelled examples (``"case_control"``) or among all examples
        (``"single_training_set"``). The calibrated probabilities are those in the same sample.
    scenario : {"case_control", "single_training_set"}, default="case_control"
        Whether the labelled positives were drawn separately from the unlabelled sample, or some
        positives of one sample were labelled.

    Attributes
    ----------
    calibration_ : tuple of (float, float)
        Slope, above 0, and intercept: ``slope * score + intercept`` is the calibrated logit.
    classes_ : ndarray of shape (2,)
        The two labels; ``classes_[1]`` is "labelled positive".
    score_range_ : tuple of (float, float)
        The lowest and the highest score of the fit.

    See Also
    --------
    pu_platt_scaling : The function that fits, with the method.
    puclassify.metrics.pu_calibration_error : The error of probabilities, from PU labels.

    Notes
    -----
    The scores must be held-out: those of examples that the classifier was not trained on. The
    order of examples does not change, nor do metrics of ranking.

    In the scenario of a single training set the prior among the examples without a label is lower
    (`puclassify.prior.unlabelled_prior`). The fit is to these and the labelled ones; the intercept
    is then moved by the difference of the two priors' log-odds. Where all positives are labelled
    this is logistic regression on the score. With ``propensities`` the positives without a label
    differ from the labelled ones even after weighting, and the fit is to the labelled ones and
    everything.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify.calibration import PUPlattScaling
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.random(5000) < 0.3
    >>> scores = rng.normal(size=5000) + 2 * truth
    >>> labelled = truth & (rng.random(5000) < 0.4)
    >>> scaling = PUPlattScaling(0.3, scenario="single_training_set").fit(scores, labelled)
    >>> probability = scaling.predict_proba(scores)[:, 1]
    >>> near_a_half = (probability > 0.4) & (probability < 0.6)
    >>> bool(abs(truth[near_a_half].mean() - 0.5) < 0.1)
    True
    """

    calibration_: tuple[float, float]
    score_range_: tuple[float, float]

    def __init__(self, prior: float = 0.5, *, scenario: str = "case_control") -> None:
        self.prior = prior
        self.scenario = scenario

    @all_or_nothing
    def fit(
        self,
        scores: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        propensities: ArrayLike | None = None,
    ) -> Self:
        """Fit slope and intercept.

        Parameters
        ----------
        scores : array-like of shape (n,)
            Held-out scores; higher means more positive: logits, or any unbounded scores.
        y : array-like of shape (n,)
            1 for labelled positive, 0 for unlabelled, or as in `PUImageClassifier`.
        sample_weight : array-like of shape (n,) or None, default=None
            Relative weight of each example, at least 0.
        propensities : array-like of shape (n,) or None, default=None
            Probability, above 0 and up to 1, with which each labelled positive was labelled, up to
            a common factor; it then counts in inverse proportion. Those of unlabelled examples are
            ignored. None means that all are equal.

        Returns
        -------
        PUPlattScaling
            The estimator itself.

        Raises
        ------
        ValueError
            If a parameter, the scores or the labels are invalid, the prior is impossible, or
            labelled positives do not score above unlabelled examples on average.
        """
        check_probability(self.prior, "prior")
        check_scenario(self.scenario)
        given, scores = scores, check_score_vector(scores, "scores", finite=True)
        classes, positive = check_pu_labels(y, len(scores), self, name="scores")
        warn_of_other_order(given, y)
        weights = ExampleWeights.check(sample_weight, propensities, positive)
        prior = prior_of_unlabelled(self.prior, self.scenario, positive, weights.given)
        biased, mixture = not are_equal(weights.inverse[positive]), ~positive
        if self.scenario == "single_training_set" and biased:
            # Positives without a label are not like the others; those of everything are known.
            prior, mixture = float(self.prior), np.ones_like(positive)
        prior = max(prior, _SMALLEST_PRIOR)
        of_labelled, of_mixture = weights.labelled[positive], weights.given[mixture]
        slope, intercept = pu_platt_scaling(
            scores[positive],
            scores[mixture],
            prior,
            positive_weights=None if are_equal(of_labelled) else of_labelled,
            unlabelled_weights=None if are_equal(of_mixture) else of_mixture,
        )
        warn_if_labels(scores, "scores")
        intercept += _log_odds(float(self.prior)) - _log_odds(prior)
        self.classes_, self.calibration_ = classes, (slope, intercept)
        self.score_range_ = float(scores.min()), float(scores.max())
        return self

    def transform(self, scores: ArrayLike) -> np.ndarray:
        """Return calibrated logits.

        Parameters
        ----------
        scores : array-like of shape (n,)
            Scores of any examples.

        Returns
        -------
        ndarray of float64 of shape (n,)
            Calibrated logits.

        Warns
        -----
        UserWarning
            If 20 or more scores look like probabilities and those of the fit do not, or if scores
            lie outside [0, 1] and those of the fit do not.
        """
        check_is_fitted(self)
        scores = check_score_vector(scores, "scores", finite=True)
        self._warn_of_another_scale(scores)
        slope, intercept = self.calibration_
        return slope * scores + intercept

    def predict_proba(self, scores: ArrayLike) -> np.ndarray:
        """Return calibrated probabilities.

        Parameters
        ----------
        scores : array-like of shape (n,)
            Scores of any examples.

        Returns
        -------
        ndarray of shape (n, 2)
            Probabilities of the negative and the positive class.

        Warns
        -----
        UserWarning
            As in `transform`.
        """
        positive = expit(self.transform(scores))
        return np.column_stack([1 - positive, positive])

    def _warn_of_another_scale(self, scores: np.ndarray) -> None:
        """Warn of probabilities where logits were fitted to, or the other way round."""
        low, high = self.score_range_
        was, now = low >= 0 and high <= 1, look_like_probabilities(scores)
        is_beyond = len(scores) and not (scores.min() >= 0 and scores.max() <= 1)
        if (now and not was and high - low > 2) or (was and is_beyond):
            warn(
                f"scores run from {scores.min():.3g} to {scores.max():.3g}, those of fit ran from "
                f"{low:.3g} to {high:.3g}: are one of them probabilities and the others logits? "
                "The calibration holds for scores of the kind that it was fitted to"
            )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.transformer_tags.preserves_dtype = []
        tags.input_tags.one_d_array, tags.input_tags.two_d_array = True, False
        return tags


def _log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))
