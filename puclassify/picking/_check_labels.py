"""What labels have to be once their micrographs are read."""

from __future__ import annotations

import warnings

import numpy as np

from puclassify.grid import GridImage
from puclassify.regions import labels_inside

__all__ = ["check_labels"]


def check_labels(labels, images, micrographs) -> list[np.ndarray]:
    """Drop stray labels with a warning; refuse many of them, or none at all.

    Parameters
    ----------
    labels : list of n ndarray of shape (k_i, 2)
        Labelled centres in stored pixels.
    images : list of n GridImage
        The preprocessed micrographs.
    micrographs : list of n path, 2-D array or GridImage
        What the caller gave, whose steps the advice on a binning mistake starts from.

    Returns
    -------
    list of n ndarray of shape (k_i, 2)
        The labels inside.

    Raises
    ------
    ValueError
        If more than a few lie outside, or there is none.

    Warns
    -----
    UserWarning
        If some were dropped, to the caller of the ``fit`` that calls this.
    """
    steps = [item.step_xy if isinstance(item, GridImage) else (1, 1) for item in micrographs]
    labels, n_outside = labels_inside(images, labels, steps=steps)
    if n_outside:
        warnings.warn(
            f"{n_outside} labels in y lie outside their micrograph and were left out",
            UserWarning,
            stacklevel=4,
        )
    if not any(map(len, labels)):
        raise ValueError("y holds no labelled particle at all; at least one is needed")
    return labels
