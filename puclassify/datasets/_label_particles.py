"""Simulated labels on some particles of micrographs, by a stated mechanism."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from puclassify.datasets._label_mechanisms import (
    check_mechanism,
    draw_labelled,
    local_density,
    mechanism_propensities,
)
from puclassify.datasets._seeds import Seed, seed_sequence
from puclassify.io import check_coordinates

__all__ = ["label_particles"]


def label_particles(
    coordinates: Sequence[ArrayLike],
    n_labels: int,
    *,
    mechanism: str = "uniform",
    easiness: Sequence[ArrayLike] | None = None,
    strength: float = 0.5,
    n_neighbors: int = 5,
    return_propensities: bool = False,
    random_state: Seed = None,
) -> Any:
    r"""Choose which particles are labelled, at random or with a stated bias.

    Parameters
    ----------
    coordinates : sequence of n arrays of shape (k_i, 2)
        x, y of all particles of every micrograph, in pixels of the micrograph as stored.
    n_labels : int
        Number of labels over all micrographs.
    mechanism : {"uniform", "easiest_first", "densest_first"}, default="uniform"
        How particles are selected: completely at random, or more likely the higher their
        ``easiness``, or the nearer their neighbours.
    easiness : sequence of n arrays of shape (k_i,) or None, default=None
        For "easiest_first", a number for each particle, such as `local_contrast`; only the order
        of the numbers over all micrographs counts.
    strength : float, default=0.5
        How much the mechanism matters, from 0 (the same as "uniform") to 1 (labels in strict
        order). At 0.5 the odds of a label grow by a factor of e with every standard deviation of
        the order, at 0.75 by e cubed. Ignored by "uniform".
    n_neighbors : int, default=5
        For "densest_first": density is measured by the distance to this nearest neighbour (1 is
        the closest) on the same micrograph.
    return_propensities : bool, default=False
        Whether to return the probabilities of a label too.
    random_state : int, RandomState instance, Generator or None, default=None
        Pass an integer to get the same labels in every call.

    Returns
    -------
    labels : ndarray of shape (n,) of ndarray of shape (l_i, 2)
        x, y of the labelled particles of every micrograph, in the order given; an object array.
    propensities : ndarray of shape (n,) of ndarray of shape (l_i,)
        The probability with which each of them was labelled; only with ``return_propensities``.

    Raises
    ------
    ValueError
        If an argument is invalid, or there are fewer particles than labels.

    See Also
    --------
    label_positives : The same for examples with one label each.
    local_contrast : Measures how clearly each particle stands out.

    Notes
    -----
    With :math:`N` particles, :math:`r_i` the rank of a particle in ascending order (ties share
    their mean rank) and :math:`\Phi^{-1}` the quantile function of the normal distribution, the
    propensity is

    .. math::
       e_i = \frac{1}{1 + \exp(-a - \frac{s}{1 - s} z_i)}, \qquad
       z_i = \Phi^{-1}\!\left( \frac{r_i - 1/2}{N} \right), \qquad
       \sum_i e_i = n_\mathrm{labels},

    where :math:`s` is the ``strength`` and the last equation determines :math:`a`. For "uniform"
    and for :math:`s = 0` this is :math:`n_\mathrm{labels} / N`. For :math:`s = 1` exactly the
    first :math:`n_\mathrm{labels}` are labelled; no weights can make up for particles that are
    never labelled. A logistic propensity is the usual model of selection "at random" given the
    features [1]_.

    There are always exactly ``n_labels`` labels, and each particle has exactly its own
    probability of being among them (systematic sampling in random order). "densest_first" ranks
    by the negated distance to the neighbour; particles with fewer neighbours come last.

    References
    ----------
    .. [1] J. Bekker, P. Robberechts and J. Davis, "Beyond the Selected Completely at Random
       Assumption for Learning from Positive and Unlabeled Data", ECML PKDD 2019;
       arXiv:1809.03207.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify.datasets import label_particles
    >>> coordinates = [np.array([[10, 10], [90, 20]]), np.array([[30, 40], [50, 60], [70, 10]])]
    >>> contrast = [[0.9, 0.1], [0.8, 0.5, 0.2]]
    >>> label_particles(
    ...     coordinates, 2, mechanism="easiest_first", easiness=contrast, strength=1.0
    ... ).tolist()
    [array([[10., 10.]]), array([[30., 40.]])]
    >>> labels, propensities = label_particles(
    ...     coordinates, 2, mechanism="easiest_first", easiness=contrast,
    ...     return_propensities=True, random_state=0,
    ... )
    >>> [len(xy) for xy in labels], [e.round(2).tolist() for e in propensities]
    ([0, 2], [[], [0.51, 0.38]])
    """
    check_mechanism(mechanism, strength, easiness)
    n = len(coordinates) if isinstance(coordinates, Sized) else 0
    checked = check_coordinates(coordinates, n)
    lengths = [len(xy) for xy in checked]
    if mechanism == "easiest_first":
        order = _checked_easiness(easiness, lengths)
    elif mechanism == "densest_first":
        order = np.concatenate([np.empty(0), *(local_density(xy, n_neighbors) for xy in checked)])
    else:
        order = np.zeros(sum(lengths))
    propensities = mechanism_propensities(order, n_labels, strength)
    rng = np.random.default_rng(seed_sequence(random_state))
    labelled = draw_labelled(propensities, n_labels, rng)
    ends = np.cumsum(lengths)[:-1]
    rows = np.split(labelled, ends)
    labels = _objects([xy[row] for xy, row in zip(checked, rows)])
    if not return_propensities:
        return labels
    return labels, _objects([e[row] for e, row in zip(np.split(propensities, ends), rows)])


def _checked_easiness(easiness, lengths: list[int]) -> np.ndarray:
    """Return the easiness of all particles in one array."""
    if not hasattr(easiness, "__len__") or len(easiness) != len(lengths):
        given = len(easiness) if hasattr(easiness, "__len__") else repr(easiness)
        raise ValueError(
            f"easiness must hold an array for each of the {len(lengths)} micrographs, got {given}"
        )
    arrays = []
    for i, (values, length) in enumerate(zip(easiness, lengths)):
        try:
            array = np.asarray(values, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"easiness[{i}] must be an array of numbers: {error}") from error
        if array.shape != (length,):
            raise ValueError(
                f"easiness[{i}] must have shape ({length},), a number for each particle of "
                f"coordinates[{i}], got {array.shape}"
            )
        arrays.append(array)
    return np.concatenate(arrays)


def _objects(arrays) -> np.ndarray:
    """Put arrays of any length into an object array."""
    objects = np.empty(len(arrays), dtype=object)
    objects[:] = arrays
    return objects
