"""Labels of some positive examples, by a stated mechanism."""

from __future__ import annotations

import numpy as np

from puclassify._labels import check_pu_labels
from puclassify.datasets._label_mechanisms import (
    check_mechanism,
    draw_labelled,
    local_density,
    mechanism_propensities,
)
from puclassify.datasets._seeds import seed_sequence

__all__ = ["label_positives"]


def label_positives(
    y,
    n_labels,
    *,
    mechanism="uniform",
    easiness=None,
    X=None,
    strength=0.5,
    n_neighbors=5,
    return_propensities=False,
    random_state=None,
):
    r"""Hide the classes of all examples but some positives, chosen at random or with a bias.

    Parameters
    ----------
    y : array-like of shape (n,)
        True classes, of which the larger is the positive one.
    n_labels : int
        How many positives to label.
    mechanism : {"uniform", "easiest_first", "densest_first"}, default="uniform"
        What makes a label likely: nothing ("selected completely at random"), a high ``easiness``,
        or near neighbours among the positives.
    easiness : array-like of shape (n,) or None, default=None
        For "easiest_first", a number for each example, such as the score of a classifier trained
        on all classes; that of negatives is not used, and only the order counts.
    X : array-like of shape (n, ...) or None, default=None
        For "densest_first", numbers by which the distance of two examples is measured.
    strength : float, default=0.5
        How much the mechanism matters: from 0, which is "uniform", to 1, labels in strict order.
    n_neighbors : int, default=5
        For "densest_first": the nearer the neighbour of this number, the denser.
    return_propensities : bool, default=False
        Whether to return the probability of a label too.
    random_state : int, RandomState instance, Generator or None, default=None
        Pass an integer for the same labels in every call.

    Returns
    -------
    labels : ndarray of int of shape (n,)
        1 for labelled positives, 0 for all others.
    propensities : ndarray of shape (n,)
        With which probability each example was labelled, 0 for negatives; only with
        ``return_propensities``. As it is, what ``propensities`` of the metrics and of the
        estimators of the prior takes, for ``scenario="single_training_set"``.

    Raises
    ------
    ValueError
        If an argument cannot be used, or there are fewer positives than labels.

    See Also
    --------
    label_particles : The same for the particles of micrographs, with the formulas.

    Notes
    -----
    The propensities are those of `label_particles`, with the positives in the place of the
    particles. The labels are those of a single training set. For case-control data draw positives
    apart, label some of them, and drop the others.

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
    n = len(y) if hasattr(y, "__len__") else 0
    _, positive = check_pu_labels(y, n, None, name="y")
    if mechanism == "easiest_first":
        order = _as_numbers(easiness, n, "easiness", positive)
        if order.ndim != 1:
            raise ValueError(f"easiness must have shape ({n},), got {order.shape}")
    elif mechanism == "densest_first":
        if X is None:
            raise ValueError("mechanism='densest_first' needs X, by which distances are measured")
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


def _as_numbers(values, n, name, positive) -> np.ndarray:
    """Return the rows of the positives as float64."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be numbers for each example: {error}") from error
    if array.ndim == 0 or len(array) != n:
        raise ValueError(f"{name} must have {n} rows, one for each of y, got shape {array.shape}")
    return array[positive]
