"""The surrogate that ``criterion="nnpu"`` stands for."""

from __future__ import annotations

from typing import Any

from puclassify.losses import NonNegativePULoss

__all__ = ["as_set_for_images"]

# The bounded loss withstands the labelled images that a network knows by heart. With rarer
# positives its gradients vanish before any are found.
_RARE = 0.25


def as_set_for_images(criterion: Any, prior: float | str, sample_shape: tuple[int, ...]) -> Any:
    """Return "nnpu" with the sigmoid surrogate for images at a given prior of .25 or more.

    Everything else is returned as it is: rows of features, rare positives and estimated priors,
    which may turn out to be small, get on better with the logistic one.
    """
    is_image = len(sample_shape) == 3
    if criterion == "nnpu" and is_image and not isinstance(prior, str) and prior >= _RARE:
        return NonNegativePULoss(surrogate="sigmoid")
    return criterion
