"""What every PU metric is told: who is labelled, the prior and the scenario."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from puclassify._labels import check_pu_labels
from puclassify._parameters import (
    check_possible_prior,
    check_probability,
    check_scenario,
)
from puclassify._propensities import weights_of_labelled

__all__ = ["PUSample"]


@dataclass(frozen=True)
class PUSample:
    """Labelled positives, the sample that stands for everything, and the prior there.

    Parameters
    ----------
    classes : ndarray of shape (2,)
        The two sorted labels.
    positive : ndarray of bool of shape (n,)
        Which examples are labelled positive.
    marginal : ndarray of bool of shape (n,)
        Which examples stand for the mixture of both classes: the unlabelled ones in the
        case-control scenario, all in that of a single training set.
    prior : float or None
        P(y = 1) in that mixture; None where it is not needed.
    weights : ndarray of shape (n_positive,)
        What each labelled positive counts, in their order.
    """

    classes: np.ndarray
    positive: np.ndarray
    marginal: np.ndarray
    prior: float | None
    weights: np.ndarray

    @classmethod
    def check(
        cls,
        y_true,
        n_samples,
        *,
        prior,
        scenario,
        name,
        propensities=None,
        needs_prior=True,
        least=1,
    ):
        """Check what a metric was called with.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            Two labels; the larger means "labelled positive".
        n_samples : int
            Number of predictions.
        prior : float or None
            As given; None is refused where ``needs_prior``.
        scenario : {"case_control", "single_training_set"}
            As given.
        name : {"y_pred", "y_score"}
            What messages call the predictions.
        propensities : array-like of shape (n_samples,) or None, default=None
            As given.
        needs_prior : bool, default=True
            Whether the metric depends on the prior.
        least : int, default=1
            Fewest labelled positives that will do.

        Returns
        -------
        PUSample
            The sample.
        """
        check_scenario(scenario)
        classes, positive = check_pu_labels(y_true, n_samples, None, name=name)
        n_labelled = int(np.sum(positive))
        if n_labelled < least:
            raise ValueError(
                f"y_true holds {n_labelled} labelled positive, but at least {least} are needed: "
                "each is compared with the others"
            )
        one_set = scenario == "single_training_set"
        if prior is not None or needs_prior:
            prior = check_probability(prior, "prior")
            if one_set:
                check_possible_prior(prior, n_labelled, n_samples)
        marginal = np.ones_like(positive) if one_set else ~positive
        weights = weights_of_labelled(propensities, positive)
        return cls(classes, positive, marginal, prior, weights)

    @property
    def one_set(self) -> bool:
        """Whether the labelled positives belong to the mixture."""
        return bool(self.marginal.all())

    def mean_of_positives(self, values) -> float:
        """Average values of shape (n,) over the labelled positives, by their weights."""
        return float(np.average(values[self.positive], weights=self.weights))

    def mean_of_marginal(self, values) -> float:
        """Average values of shape (n,) over the mixture."""
        return float(np.mean(values[self.marginal]))

    def standard_error(self, at_positives, at_marginal) -> float:
        """Return the standard error of an estimate by the delta method.

        Parameters
        ----------
        at_positives : ndarray of shape (n,)
            How the estimate responds to a labelled positive: its derivative with respect to the
            weight of that example among the positives. A constant does not matter.
        at_marginal : ndarray of shape (n,)
            Likewise for an example of the mixture.

        Returns
        -------
        float
            NaN where one example tells nothing about a spread.

        Notes
        -----
        In the case-control scenario the two samples are independent and their variances add up.
        In the other they overlap: with l the share of labelled examples, everything responds by
        ``at_marginal``, and a labelled example by ``at_positives / l`` more, since the labelled
        are a random part of the one sample. A labelled positive whose weight is not the mean
        weight responds by so many times as much, the weights being known.
        """
        n_labelled, n = np.sum(self.positive), len(self.positive)
        if n_labelled < 2 or np.sum(self.marginal) < 2:
            return float("nan")
        centred = at_positives[self.positive] - self.mean_of_positives(at_positives)
        of_positives = centred * self.weights / np.mean(self.weights)
        if not self.one_set:
            of_marginal = at_marginal[self.marginal]
            variance = np.sum(of_positives**2) / (n_labelled - 1) / n_labelled
            return float(np.sqrt(variance + np.var(of_marginal, ddof=1) / len(of_marginal)))
        response = at_marginal.astype(float)
        response[self.positive] += of_positives * n / n_labelled
        return float(np.std(response, ddof=1) / np.sqrt(n))


def check_predicted(y_pred) -> np.ndarray:
    """Return predicted labels as a vector."""
    predicted = np.asarray(y_pred)
    if predicted.ndim != 1:
        raise ValueError(f"y_pred must have shape (n,), got {predicted.shape}")
    return predicted


def predicted_positive(predicted, classes) -> np.ndarray:
    """Return which predicted labels are the positive one, as floats."""
    known = np.isin(predicted, classes)
    if not known.all():
        shown = np.unique(predicted[~known])[:5].tolist()
        raise ValueError(
            f"y_pred holds {shown}, but the labels of y_true are {classes.tolist()}; pass the "
            "predicted labels, for instance predict(X) or decision_function(X) > 0"
        )
    return (predicted == classes[1]).astype(float)
