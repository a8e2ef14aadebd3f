"""True classes, where they are known, to draw beside what PU labels say."""

from __future__ import annotations

import numpy as np

__all__ = ["check_true_classes"]


def check_true_classes(true_classes, sample) -> np.ndarray:
    """Return which examples of the mixture are positive.

    Parameters
    ----------
    true_classes : array-like of shape (n,)
        1 or True for positives, 0 or False for negatives.
    sample : PUSample
        The PU labels of the same examples.

    Returns
    -------
    ndarray of bool of shape (n_mixture,)
        The true classes of the unlabelled examples in the case-control scenario, of all in that
        of a single training set.
    """
    classes = np.asarray(true_classes)
    if classes.shape != sample.positive.shape:
        raise ValueError(
            f"true_classes must have one value for each of the {len(sample.positive)} examples, "
            f"labelled ones included; got shape {classes.shape}"
        )
    found = np.unique(classes)
    if not np.isin(found, (0, 1)).all():
        raise ValueError(
            f"true_classes must be 1 for positives and 0 for negatives, got {found[:5].tolist()}"
        )
    is_positive = classes.astype(bool)
    if not is_positive[sample.positive].all():
        raise ValueError(
            f"true_classes must be 1 for all labelled positives, but is 0 for "
            f"{np.sum(~is_positive & sample.positive)} of them; is it in the order of y?"
        )
    return is_positive[sample.mixture]
