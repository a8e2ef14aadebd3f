"""Checks of labels against the micrographs they lie on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from puclassify._warnings import warn
from puclassify.grid import GridImage
from puclassify.regions import labels_inside

__all__ = ["check_labels", "check_particles_of_score"]

_FEW_OF_EXPECTED = 0.5  # of the lower end of the interval
_TOLERATED = 0.1  # of the width and height of a micrograph, by which particles lie outside
_MANY_OUTSIDE = 0.03  # of the particles


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


def check_particles_of_score(
    particles: Sequence[np.ndarray], sizes: Sequence[np.ndarray], report: dict | None
) -> None:
    """Check that known particles, (k_i, 2), can be all of those in micrographs of given sizes.

    The sizes are widths and heights in stored pixels. The ``report`` of a fit says how many
    particles to expect.
    """
    n_particles = sum(map(len, particles))
    if not n_particles:
        return
    outside = sum(
        int(((xy < -_TOLERATED * size) | (xy > (1 + _TOLERATED) * size)).any(axis=1).sum())
        for xy, size in zip(particles, sizes)
    )
    if outside > _MANY_OUTSIDE * n_particles:
        raise ValueError(
            f"{outside} of {n_particles} particles in y lie outside their micrograph; were they "
            "picked at another binning? x must run to the right and y down, in stored pixels"
        )
    if report is not None:
        expected = report["n_particles_interval"][0] * len(particles)
        if n_particles < _FEW_OF_EXPECTED * expected:
            warn(
                f"y holds {n_particles} particles in {len(particles)} micrographs, where the fit "
                f"expects {expected:.0f} or more. score needs all particles, not labels of some: "
                "picks on particles without a label count as wrong"
            )
