"""Checks of labels against the micrographs they lie on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from puclassify._warnings import warn
from puclassify.grid import GridImage
from puclassify.regions import labels_inside

__all__ = ["check_labels"]


def check_labels(
    labels: Sequence[np.ndarray], images: Sequence[GridImage], micrographs: Sequence[Any]
) -> list[np.ndarray]:
    """Return the labels, (k_i, 2) in stored pixels, that lie inside their preprocessed images.

    A few outside are dropped with a warning; many, or no label at all, are refused. The steps of
    the ``micrographs``, as the caller passed them, are where the advice on a binning mistake
    starts from.
    """
    steps = [item.step_xy if isinstance(item, GridImage) else (1, 1) for item in micrographs]
    inside, n_outside = labels_inside(images, labels, steps=steps)
    if n_outside:
        warn(f"{n_outside} labels in y lie outside their micrograph and were left out")
    if not any(map(len, inside)):
        raise ValueError("y holds no labelled particle; at least one is needed")
    return inside
