"""Which positives get a label: propensities of a stated form, and draws with exactly these."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.spatial import cKDTree
from scipy.special import expit, logit, ndtri
from scipy.stats import rankdata

from puclassify._parameters import check_number, check_option, check_whole_number

__all__ = [
    "MECHANISMS",
    "check_mechanism",
    "draw_labelled",
    "local_density",
    "mechanism_propensities",
]

MECHANISMS = ("uniform", "easiest_first", "densest_first")


def check_mechanism(mechanism, strength, easiness) -> None:
    """Refuse what is no mechanism, an impossible strength, and easiness that is missing or idle.

    Parameters
    ----------
    mechanism : {"uniform", "easiest_first", "densest_first"}
        As the caller gave it.
    strength : float
        From 0 to 1.
    easiness : object
        None where none is needed.

    Raises
    ------
    ValueError
        If one of them cannot be used.
    """
    check_option(mechanism, "mechanism", MECHANISMS)
    check_number(strength, "strength", "a number from 0 to 1", at_least=0, at_most=1)
    if mechanism == "easiest_first" and easiness is None:
        raise ValueError(
            "mechanism='easiest_first' needs easiness, a number for each positive, the higher the "
            "sooner it is labelled; for particles, local_contrast(micrographs, coordinates, "
            "radius) measures one"
        )
    if mechanism != "easiest_first" and easiness is not None:
        raise ValueError(
            f"easiness is not used by mechanism={mechanism!r}: leave it out, or take "
            "mechanism='easiest_first'"
        )


def mechanism_propensities(order, n_labels, strength) -> np.ndarray:
    r"""Return the probability of a label for each positive.

    Parameters
    ----------
    order : ndarray of shape (n,)
        The higher, the sooner a positive is labelled; only ranks count.
    n_labels : int
        Number of labels, which the probabilities add up to.
    strength : float
        0 makes all equal; 1 gives labels in strict order.

    Returns
    -------
    ndarray of shape (n,)
        From 0 to 1.

    Raises
    ------
    ValueError
        If there are fewer positives than labels, or one of ``order`` is NaN.

    Notes
    -----
    :math:`\sigma(a + \frac{s}{1 - s} z_i)` with the normal quantile :math:`z_i` of the rank.
    """
    n = len(order)
    check_whole_number(n_labels, "n_labels", at_least=1)
    if n_labels > n:
        raise ValueError(f"n_labels={n_labels} is more than the {n} positives there are to label")
    if n_labels == n:
        return np.ones(n)
    missing = np.flatnonzero(np.isnan(order))
    if len(missing):
        raise ValueError(
            f"easiness must be numbers, but {len(missing)} of {n} positives have NaN, the first "
            f"is number {missing[0]} of them"
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
    """Return 1 for the first, 0 for the last; those that tie for the last labels share them."""
    cut = np.sort(ranks)[-n_labels]
    above, tied = ranks > cut, ranks == cut
    return above + tied * (n_labels - np.sum(above)) / np.sum(tied)


def draw_labelled(propensities, n_labels, rng) -> np.ndarray:
    """Draw positives so that each is in the draw with exactly its own probability.

    Parameters
    ----------
    propensities : ndarray of shape (n,)
        They add up to ``n_labels``.
    n_labels : int
        Size of the draw.
    rng : numpy.random.Generator
        Where the randomness comes from.

    Returns
    -------
    ndarray of bool of shape (n,)
        Who is labelled.

    Notes
    -----
    Systematic sampling (W. G. Madow, Ann. Math. Statist. 20, 1949) in random order: laid end to
    end, the probabilities make a line of length ``n_labels``; points at distance 1 from each
    other, the first at random, hit the labelled ones. Equal probabilities give a simple random
    sample.
    """
    order = rng.permutation(len(propensities))
    ends = np.cumsum(propensities[order])
    ends *= n_labels / ends[-1]
    hit = np.searchsorted(ends, rng.random() + np.arange(n_labels), side="right")
    labelled = np.zeros(len(propensities), dtype=bool)
    labelled[order[hit]] = True
    return labelled


def local_density(points, n_neighbors) -> np.ndarray:
    """Return a number that is higher, the closer the nearest neighbours are.

    Parameters
    ----------
    points : ndarray of shape (n, d)
        Positions.
    n_neighbors : int
        Which neighbour's distance is taken.

    Returns
    -------
    ndarray of shape (n,)
        The negated distance to the ``n_neighbors``-th other point; minus infinity where there are
        fewer.

    Raises
    ------
    ValueError
        If the number of neighbours is none.
    """
    n_neighbors = check_whole_number(n_neighbors, "n_neighbors", at_least=1)
    if len(points) == 0:
        return np.empty(0)
    distances, _ = cKDTree(points).query(points, k=[n_neighbors + 1])
    return -distances[:, 0]
