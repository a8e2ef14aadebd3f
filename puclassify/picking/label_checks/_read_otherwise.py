"""Whether known particles fit the candidates of a score better if they are read in another way."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from puclassify._warnings import warn
from puclassify.picking.label_checks._flips import FLIPS

__all__ = ["warn_if_read_otherwise"]

_TIMES = 1.5  # as many particles have to lie on candidates
_DEVIATIONS = 5.0  # by how many standard deviations of a count they have to be more
_MOST = 20  # micrographs whose particles are compared with one another
_NAMED = 3  # micrographs in a message


def warn_if_read_otherwise(
    particles: Sequence[np.ndarray],
    candidates: Sequence[np.ndarray],
    sizes: Sequence[np.ndarray],
    radius: float,
) -> None:
    """Warn of particles that lie on more candidates if flipped, turned or on other micrographs.

    Particles are (k_i, 2), candidates (m_i, 3), sizes (2,) widths and heights. Of each micrograph
    the best candidates count, as many as it has particles.
    """
    ranked = [found[np.argsort(-found[:, 2], kind="stable"), :2] for found in candidates]
    best = [found[: len(xy)] for found, xy in zip(ranked, particles)]
    given = _n_hit(particles, best, radius)
    for flip in FLIPS[1:]:
        flipped = [flip.apply(xy, (width, height)) for xy, (width, height) in zip(particles, sizes)]
        hit = _n_hit(flipped, best, radius)
        if _is_more(sum(hit), sum(given)):
            warn(
                f"the particles in y seem to be {flip.name}: {sum(hit)} of "
                f"{sum(map(len, particles))} lie on candidates when they are read so, {sum(given)} "
                "as given (puclassify.picking.check_orientation says what to write)"
            )
            return
    could_be_more = [_TIMES * n < len(xy) for n, xy in zip(given, particles)]
    if sum(could_be_more) > 1 and len(particles) <= _MOST:
        _warn_if_of_others(particles, ranked, given, radius)


def _warn_if_of_others(particles, ranked, given, radius) -> None:
    """Warn of particles that fit the candidates of other micrographs better, one list each."""
    hits = np.zeros((len(particles), len(ranked)), dtype=int)
    for i, xy in enumerate(particles):
        hits[i] = _n_hit([xy] * len(ranked), [found[: len(xy)] for found in ranked], radius)
    lists, micrographs = linear_sum_assignment(-hits)
    moved = [
        (i, j) for i, j in zip(lists, micrographs) if i != j and _is_more(hits[i, j], given[i])
    ]
    if len(moved) > 1:
        some = ", ".join(f"y[{i}] on micrograph {j}" for i, j in moved[:_NAMED])
        warn(
            f"{len(moved)} of {len(particles)} lists of particles in y seem to belong to other "
            f"micrographs, where more of them lie on candidates: {some}"
            f"{', ...' if len(moved) > _NAMED else ''}. Are they in the order of X? "
            "puclassify.io.match_coordinates orders them by name"
        )


def _n_hit(particles, candidates, radius: float) -> list[int]:
    """Return how many particles of each micrograph have a candidate within the radius."""
    return [
        int(np.isfinite(cKDTree(found).query(xy, distance_upper_bound=radius)[0]).sum())
        if len(found) and len(xy)
        else 0
        for xy, found in zip(particles, candidates)
    ]


def _is_more(n: int, given: int) -> bool:
    return n > max(_TIMES * given, given + _DEVIATIONS * np.sqrt(given + 1))
