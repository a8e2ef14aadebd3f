"""Held-out scores of examples by cross-validated classifiers."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from puclassify._copies import numbers_of_equal, warn_of_copies
from puclassify._devices import one_thread
from puclassify._parameters import check_whole_number
from puclassify.model_selection import PUStratifiedKFold

__all__ = ["boosted_trees", "out_of_fold_scores", "trees_and_logits"]

_ENOUGH_ROWS = 100  # that differ: fewer may be all that there are
_ENOUGH_VALUES = 1 << 21  # in X, for more than one thread


def out_of_fold_scores(
    estimator: Any,
    X: Any,
    positive: np.ndarray,
    *,
    default: Callable[[int], Any],
    cv: Any,
    groups: ArrayLike | None,
    one_set: bool,
    n_jobs: int | None,
    rng: np.random.RandomState,
) -> np.ndarray:
    """Score each fold by a clone of a classifier trained on the labels of the others.

    Examples of one group are in one fold, and copies too where there are no groups. ``default``
    makes the classifier from a seed where ``estimator`` is None. The scores, of shape (n,), are
    probabilities of "labelled positive", or the decision function where there are none.
    """
    if estimator is None and hasattr(X, "pixels"):
        raise ValueError(
            "the default classifier needs pixels, but X is a RegionTable, which holds positions: "
            "pass estimator=PUImageClassifier(criterion='pn', prior=share, "
            "positive_fraction=share, max_epochs=3) with the labelled share, "
            f"{positive.mean():.4g}"
        )
    splits = _splitter_or_splits(cv)
    if splits is not None:
        cv = splits
    else:
        expected = "a number of folds, at least 2, a splitter or an iterable of (train, test)"
        n_folds = check_whole_number(cv, "cv", at_least=2, expected=expected)
        cv = PUStratifiedKFold(n_folds, random_state=rng.randint(2**31 - 1))
        if groups is None:
            groups = _copies(X, positive, one_set)
        if groups is not None:
            list(cv.split(X, positive.astype(int)))  # its checks of the labels
            cv = StratifiedGroupKFold(n_folds, shuffle=True, random_state=cv.random_state)
    seed = rng.randint(2**31 - 1)
    classifier = default(seed) if estimator is None else clone(estimator)
    for method in ("predict_proba", "decision_function"):
        if hasattr(classifier, method):
            break
    else:
        raise ValueError(
            f"estimator must have predict_proba or decision_function, got {estimator!r}"
        )
    y = positive.astype(int)
    # A label that the classifier was told to be the positive one is 1 here.
    names = [name for name in classifier.get_params() if name.split("__")[-1] == "pos_label"]
    told = {name: 1 for name in names if classifier.get_params()[name] is not None}
    classifier.set_params(**told)
    # Trees of a few thousand examples are grown in operations too short for a second thread.
    n_values = math.prod(getattr(X, "shape", (len(X),)))
    with one_thread() if n_values < _ENOUGH_VALUES else contextlib.nullcontext():
        scores = cross_val_predict(
            classifier, X, y, groups=groups, cv=cv, n_jobs=n_jobs, method=method
        )
    return scores[:, 1] if scores.ndim == 2 else scores


def _copies(X: Any, positive: np.ndarray, one_set: bool) -> np.ndarray | None:
    """Return a number for each example, equal for copies; None if there are none.

    Rows of whole numbers or of few different values may be equal by chance.
    """
    if not isinstance(X, np.ndarray | list) and not hasattr(X, "to_numpy"):
        return None
    values = np.asarray(X)
    if values.dtype.kind != "f" or values.ndim < 2 or (values == np.rint(values)).all():
        return None
    same = numbers_of_equal(values)
    if same is None or len(np.unique(same)) < _ENOUGH_ROWS:
        return None
    warn_of_copies(same, positive, one_set=one_set, what="examples")
    return same


def boosted_trees(seed: int) -> Pipeline:
    """Return gradient-boosted trees, which see images as rows of pixels."""
    return make_pipeline(FunctionTransformer(_as_rows), _trees(seed))


def trees_and_logits(seed: int) -> Pipeline:
    """Return the average of gradient-boosted trees and logistic regression.

    It ranks better than either where one of them does well. Its probabilities are not calibrated.
    """
    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    both = VotingClassifier([("trees", _trees(seed)), ("linear", linear)], voting="soft")
    return make_pipeline(FunctionTransformer(_as_rows), both)


def _trees(seed: int) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        learning_rate=0.05, max_leaf_nodes=8, early_stopping=False, random_state=seed
    )


def _as_rows(X: Any) -> Any:
    """Flatten images; return data with two axes, data frames included, as they are."""
    X = X if hasattr(X, "shape") else np.asarray(X)
    return X.reshape(len(X), -1) if len(X.shape) > 2 else X


def _splitter_or_splits(cv: Any) -> Any:
    """Return a splitter, or a list of pairs of indices; None for what is neither."""
    if isinstance(cv, (str, bytes)):
        return None
    if hasattr(cv, "split"):
        return cv
    splits = list(cv) if np.iterable(cv) else []
    pairs = all(isinstance(one, (tuple, list)) and len(one) == 2 for one in splits)
    return splits if splits and pairs else None
