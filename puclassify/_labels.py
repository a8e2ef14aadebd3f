"""Check of labels of positive and unlabelled examples."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_y

__all__ = ["check_pu_labels"]

_HOW = "mark labelled positives with 1 and all unlabelled examples with 0"
_SHOWN = 5  # labels that a message lists


def check_pu_labels(
    y: Any, n_samples: int, estimator: Any, name: str = "X"
) -> tuple[np.ndarray, np.ndarray]:
    """Check two-class labels, the larger meaning "labelled positive"; the smaller, "unlabelled".

    Returns the two sorted labels and which of the ``n_samples`` samples, called ``name`` in
    messages, are labelled positive. Raises a ValueError that explains how to mark unlabelled
    examples if there are not exactly two labels, they are -1 and 0, one is missing (None, NaN,
    masked), or the length is different.
    """
    if y is None:
        raise ValueError(f"requires y to be passed, but the target y is None: {_HOW}")
    _refuse_holes(y)
    try:
        y = _check_y(y, estimator=estimator)
        check_classification_targets(y)
    except ValueError as error:
        raise ValueError(f"y cannot be used: {error}; {_HOW}") from error
    if len(y) != n_samples:
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: "
            f"{name} has {n_samples}, y has {len(y)}"
        )
    classes, counts = np.unique(y, return_counts=True)
    if len(classes) > 2:
        raise ValueError(
            "Only binary classification is supported. The type of the target is "
            f"{type_of_target(y)}: y holds {len(classes)} different labels, "
            f"{_listed(classes, counts)}; {_HOW}. The objectives do not use known negatives: "
            "mark them as unlabelled, too"
        )
    if len(classes) == 0:
        raise ValueError(f"y is empty: {_HOW}")
    if len(classes) < 2:
        raise ValueError(
            f"y holds one class only, {classes.tolist()[0]!r}, but PU learning needs labelled "
            f"positives and unlabelled examples: {_HOW}"
        )
    if y.dtype.kind in "if" and classes.tolist() == [-1, 0]:
        raise ValueError(
            f"y holds the labels {_listed(classes, counts)}, but not 1, which would mean labelled "
            f"positive: {_HOW}"
        )
    return classes, y == classes[1]


def _refuse_holes(y) -> None:
    """Refuse None and masked entries, which scikit-learn accepts or reports as another error."""
    if isinstance(y, np.ma.MaskedArray) and np.ma.is_masked(y):
        first = int(np.flatnonzero(np.ma.getmaskarray(y))[0])
        raise ValueError(f"y cannot be used: it is masked at index {first}; {_HOW}")
    if isinstance(y, (list, tuple)) or getattr(y, "dtype", "") == "object":
        holes = [index for index, label in enumerate(y) if label is None]
        if holes:
            raise ValueError(f"y cannot be used: it is None at index {holes[0]}; {_HOW}")


def _listed(classes, counts) -> str:
    """List labels with their counts."""
    parts = [
        f"{label!r} ({count} times)"
        for label, count in zip(classes[:_SHOWN].tolist(), counts[:_SHOWN].tolist())
    ]
    return ", ".join(parts) + (", ..." if len(classes) > _SHOWN else "")
