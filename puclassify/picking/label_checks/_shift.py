"""Whether all labels lie on one side of what they label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from puclassify.grid import GridImage
from puclassify.picking.label_checks._blob_maps import FEWEST_LABELS, BlobMaps, at_labels, thinned

__all__ = ["shift_of_labels"]

_N_STEPS = 8  # of the shifts tried, along x and y, up to a diameter either way
_SMALLEST = 0.25  # diameters; clicks are not exact
_LEVEL = 5.0  # standard deviations


def shift_of_labels(
    images: Sequence[GridImage],
    labels: Sequence[np.ndarray],
    diameter: float,
    maps: Sequence[BlobMaps] | None = None,
) -> np.ndarray | None:
    """Return the x and y by which all labels have to be moved onto blobs, in stored pixels.

    None if they are where they should be. Labels that lie beside their particles, as corners of
    boxes do, have more of a blob on one side than on the other; those on the middle of a ring, or
    of a long particle, have as much on both.
    """
    maps = [BlobMaps(image, diameter) for image in images] if maps is None else maps
    steps = np.arange(-_N_STEPS, _N_STEPS + 1) / _N_STEPS
    shifts = np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 2)
    shifts = shifts[np.hypot(*shifts.T) <= 1] * diameter
    places = [xy[:, None] + shifts for xy in thinned(labels)]
    ranks = at_labels(maps, places)[0]  # labels, shifts
    ranks = ranks[np.isfinite(ranks).all(axis=1)]
    if len(ranks) < FEWEST_LABELS:
        return None
    middle = len(shifts) // 2
    sign = np.sign(ranks.mean(axis=0)[np.abs(ranks.mean(axis=0)).argmax()])
    ranks = ranks * sign
    best = int(ranks.mean(axis=0).argmax())
    if np.hypot(*shifts[best]) < _SMALLEST * diameter:
        return None
    opposite = len(shifts) - 1 - best
    for other in (opposite, middle):
        difference = ranks[:, best] - ranks[:, other]
        spread = difference.std(ddof=1) / np.sqrt(len(difference))
        if not difference.mean() > _LEVEL * max(spread, 1e-9):
            return None
    return shifts[best]
