"""Scores of examples by classifiers that have not seen them."""

from __future__ import annotations

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from puclassify._parameters import check_whole_number
from puclassify.model_selection import PUStratifiedKFold

__all__ = ["boosted_trees", "out_of_fold_scores", "trees_and_logits"]


def out_of_fold_scores(estimator, X, positive, *, default, cv, groups, n_jobs, rng) -> np.ndarray:
    """Train a classifier of labelled against unlabelled on all folds but one, and score that.

    Parameters
    ----------
    estimator : classifier or None
        Cloned for every fold; None takes the default.
    X : array-like of n examples
        Whatever the classifier takes.
    positive : ndarray of bool of shape (n,)
        Which examples are labelled positive.
    default : callable
        Returns the default classifier for a seed.
    cv : int, splitter or iterable
        The folds.
    groups : array-like of shape (n,) or None
        What a splitter keeps together.
    n_jobs : int or None
        Folds trained at once.
    rng : RandomState
        Draws the folds, and the seed of the default classifier.

    Returns
    -------
    ndarray of shape (n,)
        Probabilities of "labelled positive", or the decision function where there are none.

    Raises
    ------
    ValueError
        If the folds cannot be made, or the classifier gives neither.
    """
    if estimator is None and hasattr(X, "pixels"):
        raise ValueError(
            "the default classifier takes pixels, X is a RegionTable that only says where they "
            "are: pass estimator=PUImageClassifier(criterion='pn', prior=share, "
            "positive_fraction=share, max_epochs=3) with the labelled share, "
            f"{positive.mean():.4g}"
        )
    if isinstance(cv, str) or not (hasattr(cv, "split") or np.iterable(cv)):
        expected = "a number of folds, at least 2, or a splitter"
        n_folds = check_whole_number(cv, "cv", at_least=2, expected=expected)
        cv = PUStratifiedKFold(n_folds, random_state=rng.randint(2**31 - 1))
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
    scores = cross_val_predict(classifier, X, y, groups=groups, cv=cv, n_jobs=n_jobs, method=method)
    return scores[:, 1] if scores.ndim == 2 else scores


def boosted_trees(seed: int):
    """Return gradient-boosted trees; images become rows of pixels.

    Parameters
    ----------
    seed : int
        Of the trees.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Not fitted.
    """
    return make_pipeline(FunctionTransformer(_as_rows), _trees(seed))


def trees_and_logits(seed: int):
    """Return the mean of gradient-boosted trees and logistic regression.

    Parameters
    ----------
    seed : int
        Of the trees.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Not fitted.

    Notes
    -----
    It ranks better than either where one of them does well. Its probabilities are not calibrated.
    """
    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    both = VotingClassifier([("trees", _trees(seed)), ("linear", linear)], voting="soft")
    return make_pipeline(FunctionTransformer(_as_rows), both)


def _trees(seed):
    return HistGradientBoostingClassifier(
        learning_rate=0.05, max_leaf_nodes=8, early_stopping=False, random_state=seed
    )


def _as_rows(X):
    """Flatten images; leave what has two axes, data frames included, alone."""
    X = X if hasattr(X, "shape") else np.asarray(X)
    return X.reshape(len(X), -1) if len(X.shape) > 2 else X
