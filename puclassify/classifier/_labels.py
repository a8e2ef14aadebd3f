"""Labels of positive and unlabelled examples, as a caller hands them over."""

from __future__ import annotations

import numpy as np
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_y

__all__ = ["check_pu_labels"]

_HOW = "mark labelled positives with 1 and unlabelled examples, whatever they are, with 0"


def check_pu_labels(y, n_samples: int, estimator) -> tuple[np.ndarray, np.ndarray]:
    """Check labels and tell the positive ones.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Two labels; the larger means "labelled positive".
    n_samples : int
        How many samples there are.
    estimator : estimator
        Named in scikit-learn's messages.

    Returns
    -------
    classes : ndarray of shape (2,)
        The two sorted labels.
    positive : ndarray of bool of shape (n_samples,)
        Which samples are labelled positive.

    Raises
    ------
    ValueError
        If there are not exactly two labels, one is missing or NaN, or the length is another one;
        the message says how to mark unlabelled examples.
    """
    if y is None:
        raise ValueError(f"requires y to be passed, but the target y is None: {_HOW}")
    try:
        y = _check_y(y, estimator=estimator)
        check_classification_targets(y)
    except ValueError as error:
        raise ValueError(f"y cannot be used: {error}; {_HOW}") from error
    if len(y) != n_samples:
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: "
            f"X has {n_samples}, y has {len(y)}"
        )
    classes = np.unique(y)
    if len(classes) > 2:
        raise ValueError(
            "Only binary classification is supported. The type of the target is "
            f"{type_of_target(y)}: y holds {len(classes)} different labels, such as "
            f"{classes[:3].tolist()}; {_HOW}"
        )
    if len(classes) < 2:
        raise ValueError(
            f"y holds one class only, {classes.tolist()[0]!r}, but PU learning needs labelled "
            f"positives and unlabelled examples: {_HOW}"
        )
    return classes, y == classes[1]
