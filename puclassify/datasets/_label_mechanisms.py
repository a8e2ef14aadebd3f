"""Labelling mechanisms: the propensity of each positive, and draws with exactly these."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.spatial import cKDTree
from scipy.special import expit, logit, ndtri
from scipy.stats import rankdata

from puclassify._example_weights import systematic_sample
from puclassify._parameters import check_number, check_option, check_whole_number

__all__ = [
    "MECHANISMS",
    "check_mechanism",
    "draw_labelled",
    "local_density",
    "mechanism_propensities",
]

MECHANISMS = ("uniform", "easiest_first", "densest_first")


def check_mechanism(mechanism: Any, strength: Any, easiness: Any) -> None:
    """Check the mechanism, its strength, and that easiness is given if and only if it is used."""
    check_option(mechanism, "mechanism", MECHANISMS)
    check_number(strength, "strength", "a number from 0 to 1", at_least=0, at_most=1)
    if mechanism == "easiest_first" and easiness is None:
        raise ValueError(
            "mechanism='easiest_first' needs easiness, a number for each positive (higher is "
            "labelled sooner); for particles, use local_contrast(micrographs, coordinates, radius)"
        )
    if mechanism != "easiest_first" and easiness is not None:
        raise ValueError(
            f"easiness is not used by mechanism={mechanism!r}: omit it or pass "
            "mechanism='easiest_first'"
        )


def mechanism_propensities(order: np.ndarray, n_labels: int, strength: float) -> np.ndarray:
    r"""Return the probability of a label for each positive; they add up to ``n_labels``.

    The higher its ``order``, the sooner a positive is labelled; only ranks count. A ``strength``
    of 0 makes all probabilities equal, 1 labels in strict order, and between the two they are
    :math:`\sigma(a + \frac{s}{1 - s} z_i)` with :math:`z_i` the normal quantile of the rank.
    """
    n = len(order)
    check_whole_number(n_labels, "n_labels", at_least=1)
    if n_labels > n:
        raise ValueError(f"n_labels={n_labels} is more than the {n} positives that exist")
    if n_labels == n:
        return np.ones(n)
    missing = np.flatnonzero(np.isnan(order))
    if len(missing):
        raise ValueError(
            f"easiness must be numbers, but that of {len(missing)} of {n} positives is NaN; the "
            f"first is positive number {missing[0]}"
        )
    ranks = rankdata(order)
    if strength == 1:
        return _in_strict_order(ranks, n_labels)
    steepness = float(strength) / (1 - float(strength))
    z = steepness * ndtri((ranks - 0.5) / n)
    plain = float(logit(n_labels / n))
    if z.min() == z.max():
        return np.full(n, n_labels / n)
    offset = brentq(
        lambda a: np.sum(expit(a + z)) - n_labels, plain - z.max() - 1, plain - z.min() + 1
    )
    return expit(offset + z)


def _in_strict_order(ranks, n_labels) -> np.ndarray:
    """Return 1 for the first, 0 for the last; ties for the last labels share them."""
    cut = np.sort(ranks)[-n_labels]
    above, tied = ranks > cut, ranks == cut
    return above + tied * (n_labels - np.sum(above)) / np.sum(tied)


def draw_labelled(propensities: np.ndarray, n_labels: int, rng: np.random.Generator) -> np.ndarray:
    """Draw ``n_labels`` positives, each with exactly its own probability; True is labelled.

    The probabilities add up to ``n_labels``. Equal ones give a simple random sample.
    """
    labelled = np.zeros(len(propensities), dtype=bool)
    labelled[systematic_sample(propensities, n_labels, rng)] = True
    return labelled


def local_density(points: np.ndarray, n_neighbors: int) -> np.ndarray:
    """Return the negated distance of each point to its ``n_neighbors``-th neighbour.

    It is minus infinity where there are fewer neighbours.
    """
    n_neighbors = check_whole_number(n_neighbors, "n_neighbors", at_least=1)
    if len(points) == 0:
        return np.empty(0)
    distances, _ = cKDTree(points).query(points, k=[n_neighbors + 1])
    return -distances[:, 0]
