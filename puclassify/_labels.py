"""Labels of positive and unlabelled examples: which of the two means what, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_y

from puclassify._warnings import warn

__all__ = [
    "check_pu_labels",
    "decoded",
    "is_positive",
    "positive_index",
    "warn_if_exchanged",
    "warn_of_other_order",
]

_HOW = "mark labelled positives with 1 and all unlabelled examples with 0"
_SHOWN = 5  # labels that a message lists

# Words whose role is evident, in any case, with "-" or a space for "_".
_POSITIVE_WORDS = """
    positive positives pos p labelled labeled particle particles true yes 1 +1 1.0
"""
_UNLABELLED_WORDS = """
    unlabelled unlabeled unl u unknown not_labelled not_labeled
    negative negatives neg n non_positive not_positive background bg noise
    no_particle not_particle non_particle nonparticle other others rest false no 0 -1 0.0 -1.0
"""
_POSITIVE, _UNLABELLED = set(_POSITIVE_WORDS.split()), set(_UNLABELLED_WORDS.split())


def check_pu_labels(
    y: Any,
    n_samples: int,
    estimator: Any,
    name: str = "X",
    *,
    pos_label: Any = None,
    y_name: str = "y",
) -> tuple[np.ndarray, np.ndarray]:
    """Check two-class labels and tell which of the two means "labelled positive".

    It is ``pos_label`` or, where that is None, the evident one: 1 beside 0 or -1, True, or one of
    some words. Returns the two labels, that of the unlabelled first, and which of the ``n_samples``
    samples, called ``name`` in messages, are labelled positive; the labels are called ``y_name``.
    Raises a ValueError that explains
    how to mark unlabelled examples if there are not exactly two labels, their roles are not
    evident, one is missing (None, NaN, masked), or the length is different.
    """
    if y is None:
        raise ValueError(f"requires y to be passed, but the target {y_name} is None: {_HOW}")
    _refuse_holes(y, y_name)
    try:
        y = _check_y(decoded(y), estimator=estimator)
        check_classification_targets(y)
    except ValueError as error:
        hint = ""
        if name not in ("X", y_name) and np.ndim(y) == 1 and type_of_target(y) == "continuous":
            hint = f"{y_name} holds continuous numbers; are {y_name} and {name} exchanged? "
        raise ValueError(f"{y_name} cannot be used: {hint}{error}; {_HOW}") from error
    if len(y) != n_samples:
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: "
            f"{name} has {n_samples}, {y_name} has {len(y)}"
        )
    classes, counts = np.unique(y, return_counts=True)
    if len(classes) > 2:
        raise ValueError(
            "Only binary classification is supported. The type of the target is "
            f"{type_of_target(y)}: {y_name} holds {len(classes)} different labels, "
            f"{_listed(classes, counts)}; {_HOW}. The objectives do not use known negatives: "
            "mark them as unlabelled, too"
        )
    if len(classes) == 0:
        raise ValueError(f"{y_name} is empty: {_HOW}")
    if len(classes) < 2:
        raise ValueError(
            f"{y_name} holds one class only, {classes.tolist()[0]!r}, but PU learning needs "
            f"labelled positives and unlabelled examples: {_HOW}"
        )
    index = _index_of_positive(classes.tolist(), pos_label)
    if index is None and pos_label is None:
        first, second = classes.tolist()
        fix = (
            f"pass pos_label={first!r} or pos_label={second!r}"
            if hasattr(estimator, "pos_label")
            else f"pass {y_name} == {first!r} or {y_name} == {second!r}, whichever is the labelled "
            "one"
        )
        raise ValueError(
            f"{y_name} holds the labels {_listed(classes, counts)}, and which of them means "
            f"labelled positive is not evident: {fix}, or {_HOW}"
        )
    if index is None:
        raise ValueError(
            f"pos_label={pos_label!r} is not one of the labels of {y_name}, "
            f"{_listed(classes, counts)}"
        )
    classes = classes if index == 1 else classes[::-1].copy()
    return classes, y == classes[1]


def warn_of_other_order(X: Any, y: Any) -> None:
    """Warn of tables with the same index in different orders, which are paired by position."""
    of_X, of_y = getattr(X, "index", None), getattr(y, "index", None)
    if of_X is None or of_y is None or callable(of_X) or callable(of_y) or len(of_X) != len(of_y):
        return
    if not of_X.equals(of_y) and of_X.is_unique and set(of_X) == set(of_y):
        warn(
            "X and y have the same index in different orders, and were paired by their positions; "
            "if the index names the examples, pass y.loc[X.index]"
        )


def is_positive(label: Any) -> bool | None:
    """Return whether a label evidently means "labelled positive", None if that is not evident."""
    if isinstance(label, str):
        word = label.strip().casefold()
        words = {word, word.replace("-", "_").replace(" ", "_")}
        if words & _POSITIVE:
            return True
        return False if words & _UNLABELLED else None
    if label == 1:
        return True
    return False if label in (0, -1) else None


def positive_index(classes: Any, pos_label: Any = None) -> int:
    """Return which of the two ``classes_`` of a fitted classifier means "labelled positive"."""
    labels = decoded(np.asarray(classes)).tolist()
    index = _index_of_positive(labels, pos_label) if len(labels) == 2 else None
    if index is None:
        raise ValueError(
            f"which of the classes {labels} of the classifier means labelled positive is not "
            "evident; fit it to 1 for labelled positives and 0 for unlabelled examples"
        )
    return index


def decoded(y: Any) -> Any:
    """Return labels with text in place of bytes, which scikit-learn refuses; others as they are."""
    if isinstance(y, bytes):
        return y.decode()
    kind = getattr(getattr(y, "dtype", None), "kind", "")
    if kind == "S":
        return np.char.decode(np.asarray(y))
    if kind == "O" or isinstance(y, (list, tuple)):
        labels = list(y)
        if labels and all(isinstance(label, bytes) for label in labels):
            return np.array([label.decode() for label in labels])
    return y


def warn_if_exchanged(classes: np.ndarray, positive: np.ndarray) -> None:
    """Warn of more labelled than unlabelled examples, given what `check_pu_labels` returned."""
    n_labelled, n_unlabelled = int(np.sum(positive)), int(np.sum(~positive))
    if n_labelled > n_unlabelled:
        unlabelled, labelled = classes.tolist()
        warn(
            f"{labelled!r} was read as labelled positive, and y holds more of these "
            f"({n_labelled}) than unlabelled examples ({unlabelled!r}: {n_unlabelled}); are the "
            f"labels exchanged? Where there is a pos_label, it names the positive one"
        )


def _index_of_positive(labels: list, pos_label: Any) -> int | None:
    """Return which of two labels is the positive one, or None."""
    if pos_label is not None:
        pos_label = decoded(pos_label)
        return labels.index(pos_label) if pos_label in labels else None
    roles = [is_positive(label) for label in labels]
    return roles.index(True) if sorted(map(str, roles)) == ["False", "True"] else None


def _refuse_holes(y: Any, name: str) -> None:
    """Refuse None and masked entries, which scikit-learn accepts or reports as another error."""
    if isinstance(y, np.ma.MaskedArray) and np.ma.is_masked(y):
        first = int(np.flatnonzero(np.ma.getmaskarray(y))[0])
        raise ValueError(f"{name} cannot be used: it is masked at index {first}; {_HOW}")
    if isinstance(y, (list, tuple)) or getattr(y, "dtype", "") == "object":
        holes = [index for index, label in enumerate(y) if label is None]
        if holes:
            raise ValueError(f"{name} cannot be used: it is None at index {holes[0]}; {_HOW}")
    missing = _missing(y)
    if missing.any():
        first = int(np.flatnonzero(missing)[0])
        raise ValueError(
            f"{name} cannot be used: it contains NaN, {missing.sum()} of {len(missing)} labels are "
            f"missing, the first at index {first}; {_HOW}"
        )


def _missing(y: Any) -> np.ndarray:
    """Return which labels are NaN or gaps of a table, (n,)."""
    if callable(getattr(y, "isna", None)):
        return np.asarray(y.isna()).ravel()
    try:
        values = np.asarray(y)
    except (TypeError, ValueError):  # said elsewhere
        return np.zeros(0, dtype=bool)
    return np.isnan(values).ravel() if values.dtype.kind in "fc" else np.zeros(0, dtype=bool)


def _listed(classes, counts) -> str:
    """List labels with their counts."""
    parts = [
        f"{label!r} ({count} times)"
        for label, count in zip(classes[:_SHOWN].tolist(), counts[:_SHOWN].tolist())
    ]
    return ", ".join(parts) + (", ..." if len(classes) > _SHOWN else "")
