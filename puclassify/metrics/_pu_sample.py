"""PU labels with the prior and the scenario, which every PU metric is computed from."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from puclassify._example_weights import ExampleWeights, are_equal, counted
from puclassify._labels import check_pu_labels
from puclassify._parameters import check_possible_prior, check_probability, check_scenario

__all__ = ["PUSample"]


@dataclass(frozen=True)
class PUSample:
    """Labelled positives, the mixture of both classes, and the prior in that mixture.

    The mixture is the unlabelled examples in the case-control scenario, and all examples in that of
    a single training set.
    """

    classes: np.ndarray  # the label of the unlabelled, and that of the labelled positives
    positive: np.ndarray  # of shape (n,): which examples are labelled positive
    mixture: np.ndarray  # of shape (n,): which examples are the mixture
    prior: float  # NaN where none was given and none is needed
    weights: np.ndarray  # of shape (n_positive,): how much each labelled positive counts
    mixture_weights: np.ndarray  # of shape (n_mixture,): how much each example of it counts
    present: np.ndarray | slice  # which of the examples given are the n, those that count

    @classmethod
    def check(
        cls,
        y_true: ArrayLike,
        n_samples: int,
        *,
        prior: float | None,
        scenario: str,
        name: str,
        propensities: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        needs_prior: bool = True,
        least: int = 1,
    ) -> PUSample:
        """Check the arguments of a metric of ``n_samples`` predictions called ``name``.

        ``least`` is the smallest number of labelled positives that the metric needs. Examples of
        weight 0 are left out: predictions have to be reduced to those ``present``.
        """
        check_scenario(scenario)
        classes, positive = check_pu_labels(y_true, n_samples, None, name=name, y_name="y_true")
        weights = ExampleWeights.check(sample_weight, propensities, positive)
        present: np.ndarray | slice = slice(None) if weights.present.all() else weights.present
        positive, given = positive[present], weights.given[present]
        n_labelled = int(np.sum(positive))
        if n_labelled < least:
            raise ValueError(
                f"y_true holds {n_labelled} labelled positive, but at least {least} are needed: "
                "each is compared with the others"
            )
        one_set = scenario == "single_training_set"
        checked = math.nan
        if prior is not None or needs_prior:
            checked = check_probability(prior, "prior")
            if one_set:
                exchanged = f"y_true comes first: are it and {name} exchanged?"
                check_possible_prior(checked, *counted(positive, given), hint=exchanged)
        mixture = np.ones_like(positive) if one_set else ~positive
        of_labelled, of_mixture = weights.labelled[present][positive], given[mixture]
        return cls(
            classes,
            positive,
            mixture,
            checked,
            of_labelled,
            of_mixture / of_mixture.max(),
            present,
        )

    @property
    def one_set(self) -> bool:
        """Whether the labelled positives belong to the mixture."""
        return bool(self.mixture.all())

    def mean_of_positives(self, values: np.ndarray) -> float:
        """Return the weighted mean over the labelled positives of values of shape (n,)."""
        return float(np.average(values[self.positive], weights=self.weights))

    def mean_of_mixture(self, values: np.ndarray) -> float:
        """Return the weighted mean over the mixture of values of shape (n,)."""
        if are_equal(self.mixture_weights):
            return float(np.mean(values[self.mixture]))
        return float(np.average(values[self.mixture], weights=self.mixture_weights))

    def standard_error(self, at_positives: np.ndarray, at_mixture: np.ndarray) -> float:
        """Return the standard error of an estimate by the delta method, NaN for one example.

        The arguments, of shape (n,), are the derivatives of the estimate with respect to the
        weight of each example among the positives and in the mixture; constants do not matter.

        In the case-control scenario the two samples are independent and their variances add up.
        In the other they overlap: with l the share of labelled examples, every example contributes
        ``at_mixture``, and a labelled one ``at_positives / l`` in addition, since the labelled are
        a random part of the one sample. Weights are taken as known and scale the contribution of
        an example, relative to their mean.
        """
        n_labelled, n = np.sum(self.positive), len(self.positive)
        if n_labelled < 2 or np.sum(self.mixture) < 2:
            return math.nan
        centred = at_positives[self.positive] - self.mean_of_positives(at_positives)
        of_positives = centred * self.weights / np.mean(self.weights)
        of_mixture = at_mixture[self.mixture].astype(float)
        if not are_equal(self.mixture_weights):
            of_mixture -= self.mean_of_mixture(at_mixture)
            of_mixture *= self.mixture_weights / np.mean(self.mixture_weights)
        if not self.one_set:
            variance = np.sum(of_positives**2) / (n_labelled - 1) / n_labelled
            return float(np.sqrt(variance + np.var(of_mixture, ddof=1) / len(of_mixture)))
        response = of_mixture
        response[self.positive] += of_positives * n / n_labelled
        return float(np.std(response, ddof=1) / np.sqrt(n))
