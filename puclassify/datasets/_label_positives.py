"""Simulated labels on some positive examples, by a stated mechanism."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from puclassify._labels import check_pu_labels
from puclassify.datasets._label_mechanisms import (
    check_mechanism,
    draw_labelled,
    local_density,
    mechanism_propensities,
)
from puclassify.datasets._seeds import Seed, seed_sequence

__all__ = ["label_positives"]


def label_positives(
    y: ArrayLike,
    n_labels: int,
    *,
    mechanism: str = "uniform",
    easiness: ArrayLike | None = None,
    X: ArrayLike | None = None,
    strength: float = 0.5,
    n_neighbors: int = 5,
    return_propensities: bool = False,
    random_state: Seed = None,
) -> Any:
    r"""Label some positives, chosen at random or with a stated bias, and hide all other classes.

    Parameters
    ----------
    y : array-like of shape (n,)
        True classes: 1 for positives and 0 for negatives, or as `PUImageClassifier` reads labels.
    n_labels : int
        Number of positives to label.
    mechanism : {"uniform", "easiest_first", "densest_first"}, default="uniform"
        How positives are selected: completely at random, or more likely the higher their
        ``easiness``, or the nearer their neighbours among the positives.
    easiness : array-like of shape (n,) or None, default=None
        For "easiest_first", a number for each example, such as the score of a classifier trained
        on all classes; only the order counts, and the numbers of negatives are not used.
    X : array-like of shape (n, ...) or None, default=None
        For "densest_first", the features that distances between examples are measured on.
    strength : float, default=0.5
        How much the mechanism matters, from 0 (the same as "uniform") to 1 (labels in strict
        order).
    n_neighbors : int, default=5
        For "densest_first": density is measured by the distance to this nearest neighbour (1 is
        the closest).
    return_propensities : bool, default=False
        Whether to return the probabilities of a label too.
    random_state : int, RandomState instance, Generator or None, default=None
        Pass an integer to get the same labels in every call.

    Returns
    -------
    labels : ndarray of int of shape (n,)
        1 for labelled positives, 0 for all others.
    propensities : ndarray of shape (n,)
        The probability with which each example was labelled, 0 for negatives; only with
        ``return_propensities``. Pass it as ``propensities`` to the metrics and to the prior
        estimators with ``scenario="single_training_set"``.

    Raises
    ------
    ValueError
        If an argument is invalid, or there are fewer positives than labels.

    See Also
    --------
    label_particles : The same for the particles of micrographs; has the formulas.

    Notes
    -----
    The propensities are those of `label_particles`, with positives instead of particles. The
    labels are those of a single training set. For case-control data draw the positives separately,
    label some of them, and drop the others.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify.datasets import label_positives
    >>> y = np.array([1, 1, 1, 1, 0, 0])
    >>> easiness = [3, 1, 2, 0, 9, 9]
    >>> label_positives(y, 2, mechanism="easiest_first", easiness=easiness, strength=1.0).tolist()
    [1, 0, 1, 0, 0, 0]
    >>> labels, propensities = label_positives(
    ...     y, 2, mechanism="easiest_first", easiness=easiness, return_propensities=True
    ... )
    >>> int(labels.sum()), propensities.round(2).tolist()
    (2, [0.76, 0.42, 0.58, 0.24, 0.0, 0.0])
    """
    check_mechanism(mechanism, strength, easiness)
    n = len(y) if isinstance(y, Sized) else 0
    _, positive = check_pu_labels(y, n, None, name="y")
    if mechanism == "easiest_first":
        order = _as_numbers(easiness, n, "easiness", positive)
        if order.ndim != 1:
            raise ValueError(f"easiness must have shape ({n},), got {order.shape}")
    elif mechanism == "densest_first":
        if X is None:
            raise ValueError(
                "mechanism='densest_first' needs X, the features to measure distances on"
            )
        points = _as_numbers(X, n, "X", positive)
        order = local_density(points.reshape(len(points), -1), n_neighbors)
    else:
        order = np.zeros(np.sum(positive))
    of_positives = mechanism_propensities(order, n_labels, strength)
    rng = np.random.default_rng(seed_sequence(random_state))
    labels, propensities = np.zeros(n, dtype=int), np.zeros(n)
    labels[positive] = draw_labelled(of_positives, n_labels, rng)
    propensities[positive] = of_positives
    return (labels, propensities) if return_propensities else labels


def _as_numbers(values, n: int, name: str, positive: np.ndarray) -> np.ndarray:
    """Return the rows of the positives as float64."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be numbers for each example: {error}") from error
    if array.ndim == 0 or len(array) != n:
        raise ValueError(f"{name} must have {n} rows, one for each of y, got shape {array.shape}")
    return array[positive]
