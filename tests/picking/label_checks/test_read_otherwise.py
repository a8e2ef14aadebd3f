"""Particles of a score that fit the candidates better when they are read in another way."""

import re

import numpy as np
import pytest

from puclassify.picking.label_checks._flips import FLIPS
from puclassify.picking.label_checks._read_otherwise import warn_if_read_otherwise

SIZE = np.array([600.0, 400.0])
RADIUS = 10.0


def scene(n_micrographs=5, n_particles=60, found=0.7, seed=0):
    """Particles, and candidates: a share of the particles, and many others of lower scores."""
    rng = np.random.default_rng(seed)
    particles = [rng.uniform(0, SIZE - 1, (n_particles, 2)) for _ in range(n_micrographs)]
    candidates = []
    for xy in particles:
        seen = xy[rng.random(len(xy)) < found] + rng.normal(scale=2, size=2)
        others = rng.uniform(0, SIZE - 1, (200, 2))
        scores = np.append(rng.normal(2, 1, len(seen)), rng.normal(0, 1, 200))
        candidates.append(np.column_stack([np.concatenate([seen, others]), scores]))
    return particles, candidates, [SIZE] * n_micrographs


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("found", [0.0, 0.05, 0.3, 0.9])
def test_no_false_alarm(found, seed):
    warn_if_read_otherwise(*scene(found=found, seed=seed), RADIUS)  # warnings are errors


@pytest.mark.parametrize("flip", FLIPS[1:], ids=lambda flip: flip.name)
def test_flips(flip):
    particles, candidates, sizes = scene()
    wide, high = SIZE if "exchanged" not in flip.name else SIZE[::-1]
    spoilt = [flip.apply(xy, (wide, high)) for xy in particles]
    back = [one for one in FLIPS if np.allclose(one.apply(spoilt[0], tuple(SIZE)), particles[0])]
    with pytest.warns(UserWarning, match=f"seem to be {re.escape(back[0].name)}: .* as given"):
        warn_if_read_otherwise(spoilt, candidates, sizes, RADIUS)


def test_lists_in_another_order():
    particles, candidates, sizes = scene()
    order = [1, 0, 2, 4, 3]
    with pytest.warns(UserWarning, match=r"4 of 5 lists .* y\[0\] on micrograph 1, y\[1\] on micr"):
        warn_if_read_otherwise([particles[i] for i in order], candidates, sizes, RADIUS)


def test_without_particles_or_candidates():
    particles, candidates, sizes = scene(n_micrographs=2)
    warn_if_read_otherwise([particles[0], np.empty((0, 2))], candidates, sizes, RADIUS)
    warn_if_read_otherwise(particles, [np.empty((0, 3))] * 2, sizes, RADIUS)
