"""Predicted labels, for the metrics that count them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import UndefinedMetricWarning

from puclassify._labels import decoded
from puclassify._warnings import warn
from puclassify.metrics._pu_sample import PUSample

__all__ = ["predictions", "rates", "undefined", "with_error"]


def predictions(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    prior: float | None,
    scenario: str,
    propensities: ArrayLike | None,
    sample_weight: ArrayLike | None,
    *,
    needs_prior: bool = True,
) -> tuple[PUSample, np.ndarray]:
    """Return the sample, and 1 where "positive" is predicted and 0 elsewhere."""
    labels = np.asarray(decoded(y_pred))
    if labels.ndim != 1:
        raise ValueError(f"y_pred must have shape (n,), got {labels.shape}")
    sample = PUSample.check(
        y_true,
        len(labels),
        prior=prior,
        scenario=scenario,
        propensities=propensities,
        sample_weight=sample_weight,
        name="y_pred",
        needs_prior=needs_prior,
    )
    known = np.isin(labels, sample.classes)
    if not known.all():
        shown = np.unique(labels[~known])[:5].tolist()
        raise ValueError(
            f"y_pred holds {shown}, but the labels of y_true are {sample.classes.tolist()}; pass "
            "the predicted labels, for instance predict(X) or decision_function(X) > 0"
        )
    return sample, (labels == sample.classes[1])[sample.present].astype(float)


def rates(sample: PUSample, predicted: np.ndarray) -> tuple[float, float, float]:
    """Return the prior, the recall and the share of the mixture that is predicted positive."""
    return sample.prior, sample.mean_of_positives(predicted), sample.mean_of_mixture(predicted)


def with_error(
    score: float,
    sample: PUSample,
    at_positives: np.ndarray,
    at_mixture: np.ndarray,
    return_std: bool,
) -> float | tuple[float, float]:
    """Return the score, with its standard error if that is asked for."""
    if not return_std:
        return float(score)
    return float(score), sample.standard_error(at_positives, at_mixture)


def undefined(metric: str, return_std: bool) -> float | tuple[float, float]:
    warn(
        f"the {metric} is undefined and set to 0: no example is predicted positive, not counting "
        "labelled positives that were drawn separately",
        UndefinedMetricWarning,
    )
    return (0.0, float("nan")) if return_std else 0.0
