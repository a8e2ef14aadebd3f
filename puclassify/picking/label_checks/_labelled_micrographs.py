"""Micrographs without labels, among which labelled particles were not chosen at random."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import poisson

from puclassify._warnings import warn
from puclassify.grid import GridImage
from puclassify.picking._geometry import areas

__all__ = ["labelled_micrographs"]

_CHANCE = 0.01  # that so many micrographs have no label


def labelled_micrographs(
    images: Sequence[GridImage], labels: Sequence[np.ndarray]
) -> tuple[list[GridImage], list[np.ndarray]]:
    """Leave out micrographs without labels if labels spread at random would lie on them.

    Few labels on many micrographs leave some without any by chance: those stay. Others were not
    looked at, so that a classifier would learn what distinguishes micrographs, and its scores of
    the others would be too low. A warning says how many were left out.
    """
    n_labels = np.array([len(xy) for xy in labels])
    share = areas(images) / areas(images).sum()
    without = n_labels == 0
    expected = float(((1 - share) ** n_labels.sum()).sum())
    if not without.any() or poisson.sf(without.sum() - 1, expected) >= _CHANCE:
        return list(images), list(labels)
    warn(
        f"{without.sum()} of {len(images)} micrographs have no label, though {n_labels.sum()} "
        f"labels at random would leave {expected:.2g} without: they were left out, since the "
        "particles on them had no chance to be labelled; label a few of each micrograph to train "
        "on them"
    )
    kept = np.flatnonzero(~without).tolist()
    return [images[i] for i in kept], [labels[i] for i in kept]
