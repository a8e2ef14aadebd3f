"""Known true classes, to draw beside estimates from PU labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from puclassify.metrics import PUSample

__all__ = ["check_true_classes"]


def check_true_classes(true_classes: ArrayLike, sample: PUSample) -> np.ndarray:
    """Return which examples of the mixture are positive, given the classes of all, 0 or 1."""
    classes = np.asarray(true_classes)
    if classes.shape != sample.positive.shape:
        raise ValueError(
            f"true_classes must have one value for each of the {len(sample.positive)} examples, "
            f"labelled ones included; got shape {classes.shape}"
        )
    values = np.unique(classes)
    if not np.isin(values, (0, 1)).all():
        raise ValueError(
            f"true_classes must be 1 for positives and 0 for negatives, got {values[:5].tolist()}"
        )
    is_positive = classes.astype(bool)
    if not is_positive[sample.positive].all():
        raise ValueError(
            f"true_classes must be 1 for all labelled positives, but is 0 for "
            f"{np.sum(~is_positive & sample.positive)} of them; is it in the order of y?"
        )
    return is_positive[sample.mixture]
