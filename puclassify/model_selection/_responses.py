"""What classifiers predict for examples: labels, scores, logits and probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import logit

from puclassify._labels import positive_index
from puclassify._last_step import own_pos_label

__all__ = ["labels_of", "logits_of", "probabilities_of", "scores_of"]


def labels_of(estimator: Any, X: Any) -> np.ndarray:
    """Return predicted labels."""
    return estimator.predict(X)


def scores_of(estimator: Any, X: Any) -> np.ndarray:
    """Return the decision function or else the probabilities, (n,), of the positive class."""
    if hasattr(estimator, "decision_function"):
        scores = estimator.decision_function(X)
        return scores if _column_of_positive(estimator) == 1 else -scores
    if hasattr(estimator, "predict_proba"):
        return probabilities_of(estimator, X)
    raise ValueError(
        f"{type(estimator).__name__} has neither decision_function nor predict_proba, one of which "
        "is needed to score examples; pass a classifier"
    )


def logits_of(estimator: Any, X: Any) -> np.ndarray:
    """Return the decision function, or else the logits of the probabilities, all finite."""
    scores = np.asarray(scores_of(estimator, X), dtype=np.float64)
    if hasattr(estimator, "decision_function"):
        return scores
    # Forests predict probabilities of 0 and 1, whose logits are infinite.
    epsilon = np.finfo(scores.dtype).eps
    return logit(np.clip(scores, epsilon, 1 - epsilon))


def probabilities_of(estimator: Any, X: Any) -> np.ndarray:
    """Return probabilities of the positive class, of shape (n,)."""
    if not hasattr(estimator, "predict_proba"):
        raise ValueError(
            f"{type(estimator).__name__} has no predict_proba, which is needed for probabilities"
        )
    probabilities = np.asarray(estimator.predict_proba(X))
    if probabilities.ndim != 2 or probabilities.shape[1] != 2:
        raise ValueError(
            f"predict_proba of {type(estimator).__name__} has shape {probabilities.shape}, not "
            "(n, 2): it was not fitted to two labels"
        )
    return probabilities[:, _column_of_positive(estimator)]


def _column_of_positive(estimator: Any) -> int:
    classes = getattr(estimator, "classes_", None)
    return 1 if classes is None else positive_index(classes, own_pos_label(estimator))
