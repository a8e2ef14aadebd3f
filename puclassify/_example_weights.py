"""Weights of examples: those given, and for labelled positives also those from propensities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from puclassify._parameters import check_number_of_each
from puclassify._propensities import weights_of_labelled

__all__ = ["ExampleWeights", "are_equal", "counted", "systematic_sample"]


@dataclass(frozen=True)
class ExampleWeights:
    """How much each of n examples counts, relative to others in the same mean.

    ``given`` are the sample weights, in means over the unlabelled sample; ``inverse`` are the
    inverse propensities of labelled positives, and 0 for other examples; ``labelled`` are the
    products of the two, in means over the labelled positives. The largest of each is 1, so that
    equal ones of any scale are exactly 1.
    """

    given: np.ndarray
    inverse: np.ndarray
    labelled: np.ndarray

    @classmethod
    def check(
        cls,
        sample_weight: ArrayLike | None,
        propensities: ArrayLike | None,
        positive: np.ndarray,
    ) -> Self:
        """Check both arguments of a fit or a metric; ``positive`` says who is labelled."""
        given = _checked(sample_weight, positive)
        inverse = np.zeros(len(positive))
        inverse[positive] = weights_of_labelled(propensities, positive)
        labelled = given * inverse
        return cls(given, inverse, labelled / labelled.max())

    @property
    def present(self) -> np.ndarray:
        """Which examples count at all."""
        return self.given > 0

    @property
    def matter(self) -> bool:
        """Whether they make a difference to some mean."""
        of_labelled = self.labelled[self.labelled > 0]
        return not (are_equal(self.given[self.present]) and are_equal(of_labelled))

    def of_both(self, labelled: np.ndarray, unlabelled: np.ndarray) -> np.ndarray:
        """Return the weights of labelled positives and, behind them, of an unlabelled sample."""
        return np.concatenate([self.labelled[labelled], self.given[unlabelled]])

    def relative_propensities(self, rows: np.ndarray) -> np.ndarray | None:
        """Return propensities up to a factor, 1 for the unlabelled; None where they are equal."""
        inverse = self.inverse[rows]
        of_labelled = inverse[inverse > 0]
        if are_equal(of_labelled):
            return None
        return np.divide(of_labelled.min(), inverse, out=np.ones(len(rows)), where=inverse > 0)


def are_equal(weights: np.ndarray) -> bool:
    """Return whether weights make no difference."""
    return bool((weights == weights[:1]).all())


def counted(positive: np.ndarray, weights: np.ndarray | None) -> tuple[float, float]:
    """Return how many examples are labelled and how many there are, or rather their weights.

    Only the quotient of the two matters; equal weights give the numbers themselves.
    """
    if weights is None or are_equal(weights):
        return int(np.sum(positive)), len(positive)
    scale = len(positive) / float(np.sum(weights))
    return float(np.sum(weights[positive])) * scale, len(positive)


def systematic_sample(shares: np.ndarray, n_drawn: int, rng: np.random.Generator) -> np.ndarray:
    """Draw indices; each comes ``n_drawn`` times its share of the sum, rounded down or up.

    Systematic sampling (W. G. Madow, Ann. Math. Statist. 20, 1949) in random order: laid end to
    end, the shares make a line; equidistant points, the first at random, hit what is drawn.
    """
    order = rng.permutation(len(shares))
    ends = np.cumsum(shares[order])
    ends *= n_drawn / ends[-1]
    return order[np.searchsorted(ends, rng.random() + np.arange(n_drawn), side="right")]


def _checked(sample_weight: ArrayLike | None, positive: np.ndarray) -> np.ndarray:
    """Return sample weights of shape (n,), the largest of which is 1."""
    n = len(positive)
    if sample_weight is None:
        return np.ones(n)
    weights = check_number_of_each(sample_weight, "sample_weight", n, kinds="fiubO")
    wrong = np.flatnonzero(~((weights >= 0) & np.isfinite(weights)))
    if len(wrong):
        raise ValueError(
            f"sample_weight must be finite numbers of at least 0, but {len(wrong)} of {n} are "
            f"not: the one at index {wrong[0]} is {weights[wrong[0]]:.6g}; give 0 to leave an "
            "example out"
        )
    for name, members in (("labelled positives", positive), ("unlabelled examples", ~positive)):
        if not weights[members].any():
            raise ValueError(
                f"sample_weight is zero for all {int(np.sum(members))} {name}, one class of y; "
                "give at least one of them a weight above 0"
            )
    return weights / weights.max()
