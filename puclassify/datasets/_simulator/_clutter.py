"""What lies between the particles, kind by kind: how many, how large, how strong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from puclassify.datasets._log_uniform import log_uniform
from puclassify.datasets._simulator._clutter_images import CLUTTER_IMAGES
from puclassify.datasets._simulator._placing import uniform_points
from puclassify.datasets._simulator._sprites import Sprites

__all__ = ["CLUTTER", "Clutter"]

_ANY_IMAGE = 1 << 16  # of a bank whose size is not known here; taken modulo its length
_NOMINAL_AREA = 1024**2
_CLUMPED = 0.4  # of the micrographs with ice


@dataclass(frozen=True, eq=False)
class Clutter:
    """Things of one kind in a frame."""

    bank: str  # where their images are: a kind of clutter, "fragment" or "other"
    sprites: Sprites
    depth: float = 0.0  # optical depth of one of strength 1
    hides_particles: bool = False  # those beneath are neither positive nor negative
    beside_particles: bool = False  # rather than on them

    def take(self, which: np.ndarray) -> Clutter:
        """Return some of them."""
        return replace(self, sprites=self.sprites.take(which))


def _scatter(rng, shape, bank: str, diameter: np.ndarray, strength, centers=None) -> Sprites:
    n = len(diameter)
    if centers is None:
        centers = uniform_points(rng, n, shape, 0.3 * float(diameter.max(initial=0)))
    return Sprites(
        image=rng.integers(CLUTTER_IMAGES.get(bank, _ANY_IMAGE), size=n),
        centers=centers,
        angle=rng.uniform(0, 2 * np.pi, n),
        flip=rng.choice([-1, 1], n),
        diameter=np.asarray(diameter, float),
        strength=np.broadcast_to(strength, n).astype(float),
    )


def _number(rng, most: float) -> int:
    """Draw how many there are, from one on, evenly over the orders of magnitude."""
    return int(log_uniform(rng, 1, max(most, 1.0) + 1))


def _places(shape, diameter: float) -> float:
    """Return how many particles would fill the frame."""
    return shape[0] * shape[1] / diameter**2


def _fragments(rng, shape, diameter) -> Clutter:
    n = _number(rng, 0.08 * _places(shape, diameter))
    sprites = _scatter(rng, shape, "fragment", np.full(n, diameter), rng.uniform(0.7, 1.1, n))
    return Clutter("fragment", sprites, beside_particles=True)


def _wrong_scale(rng, shape, diameter) -> Clutter:
    if rng.random() < 0.7:
        n = _number(rng, 0.05 * _places(shape, diameter))
        factor, strength = rng.uniform(0.25, 0.45), rng.uniform(0.4, 1)
    else:
        n = _number(rng, max(1.0, 0.008 * _places(shape, diameter)))
        factor, strength = rng.uniform(2.2, 4), rng.uniform(0.6, 2)
    sprites = _scatter(rng, shape, "other", np.full(n, factor * diameter), strength)
    return Clutter("other", sprites, beside_particles=True)


def _chains(rng, shape, diameter) -> Clutter:
    n = _number(rng, 0.03 * _places(shape, diameter))
    sizes = diameter * rng.uniform(0.6, 1.8, n)
    sprites = _scatter(rng, shape, "chain", sizes, rng.uniform(0.4, 1.6, n))
    return Clutter("chain", sprites, beside_particles=True)


def _specks(rng, shape, diameter) -> Clutter:
    n = _number(rng, 0.06 * _places(shape, diameter))
    sizes = diameter * log_uniform(rng, 0.08, 0.3, n)
    sprites = _scatter(rng, shape, "speck", sizes, rng.uniform(0.8, 4, n))
    return Clutter("speck", sprites, depth=rng.uniform(0, 0.03))


def _ice(rng, shape, diameter) -> Clutter:
    """Sharp-edged ice, from a third of a particle's size to patches that fill a corner."""
    n = _number(rng, 0.02 * _places(shape, diameter))
    sizes = diameter * log_uniform(rng, 0.35, 2.0, n)
    if rng.random() < 0.4:
        large = _number(rng, max(1.0, 3 * shape[0] * shape[1] / _NOMINAL_AREA))
        most = max(3.0, 0.4 * min(shape) / diameter)
        sizes = np.concatenate([sizes, diameter * log_uniform(rng, 2.0, most, large)])
    strength = log_uniform(rng, 0.8, 6, len(sizes))
    sprites = _scatter(rng, shape, "ice", sizes, strength)
    if rng.random() < _CLUMPED:
        sprites = _in_clumps(rng, sprites)
    return Clutter("ice", sprites, depth=log_uniform(rng, 0.005, 0.08), hides_particles=True)


def _in_clumps(rng, sprites: Sprites) -> Sprites:
    """Move every second thing next to the one before, and make them alike."""
    centers, strength = sprites.centers.copy(), sprites.strength.copy()
    for i in range(1, len(sprites), 2):
        apart = rng.uniform(0.25, 0.45) * (sprites.diameter[i] + sprites.diameter[i - 1])
        turn = rng.uniform(0, 2 * np.pi)
        centers[i] = centers[i - 1] + apart * np.array([np.cos(turn), np.sin(turn)])
        strength[i] = strength[i - 1]
    return replace(sprites, centers=centers, strength=strength)


def _filaments(rng, shape, diameter) -> Clutter:
    """Draw rods or bent strands across the frame, each a row of discs."""
    width = diameter * rng.uniform(0.15, 0.8)
    step, bend = width / 4, rng.choice([0.002, 0.02])
    rows = []
    for _ in range(rng.integers(1, 4)):
        n = int(1.6 * max(shape) / step)
        turns = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, bend, n))
        row = np.cumsum(step * np.stack([np.cos(turns), np.sin(turns)], axis=1), axis=0)
        rows.append(row - row[n // 2] + uniform_points(rng, 1, shape, 0))
    centers = np.concatenate(rows)
    inside = ((centers > -width) & (centers < np.array(shape[::-1]) + width)).all(axis=1)
    centers = centers[inside]
    strength = np.full(len(centers), rng.uniform(0.15, 0.5))
    strength *= 1 + rng.uniform(0, 0.4) * np.sin(np.arange(len(centers)) * rng.uniform(0.3, 1.2))
    sizes = np.full(len(centers), width)
    sprites = _scatter(rng, shape, "filament", sizes, strength, centers)
    return Clutter("filament", sprites, hides_particles=True)


def _gold(rng, shape, diameter) -> Clutter:
    """Draw beads of one size, mostly in a clump."""
    n = _number(rng, 15 * max(0.2, shape[0] * shape[1] / _NOMINAL_AREA))
    size = diameter * log_uniform(rng, 0.25, 1.2)
    centers = uniform_points(rng, n, shape, 0)
    if rng.random() < 0.5:
        centers = centers[:1] + rng.normal(0, 2 * size, (n, 2))
    sprites = _scatter(rng, shape, "gold", np.full(n, size), rng.uniform(8, 15), centers)
    return Clutter("gold", sprites, depth=rng.uniform(0.08, 0.25), hides_particles=True)


CLUTTER: dict[str, Callable[..., Clutter]] = {
    "fragments": _fragments,
    "wrong_scale": _wrong_scale,
    "chains": _chains,
    "specks": _specks,
    "ice": _ice,
    "filaments": _filaments,
    "gold": _gold,
}
