"""One micrograph's truth: drawn on the CPU in NumPy, whatever device shows it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from puclassify.datasets._log_uniform import log_uniform
from puclassify.datasets._placement import carbon_hole
from puclassify.datasets._simulator._clutter import CLUTTER, Clutter
from puclassify.datasets._simulator._optics import Optics
from puclassify.datasets._simulator._placing import place, uniform_points
from puclassify.datasets._simulator._ranges import SceneRanges
from puclassify.datasets._simulator._sprites import Sprites
from puclassify.datasets._simulator._views import MoleculeViews

__all__ = ["Carbon", "VariedScene", "draw_optics", "draw_scene", "is_hidden"]

_THINNEST = 0.6  # diameters
_RIM = 0.6  # diameters outside the frame in which particles are placed, too
_CLUSTERED = 0.25  # of the micrographs
_NONE_AT_ALL = 0.4  # of the sparse ones
_FEW = 6
_OVERLAPPING = 0.12  # of the micrographs: thick ice
_CLEAR = 0.45  # clutter keeps this many sums of diameters from particles
_MOVES = 6  # before what finds no clear place is left out
_HIDDEN = 0.95  # of its radius, within which clutter hides a particle
_STRENGTH_SPREAD = 0.1  # of particles in ice of uneven depth
_SIGNAL_CONTRAST = 0.04  # of a particle, relative to the mean brightness
_CURVATURES = 5


@dataclass(frozen=True)
class Carbon:
    """Carbon film around a hole."""

    hole: tuple[float, float, float]  # x, y and radius in pixels of the frame
    grain: float  # standard deviation after the CTF, relative to the noise
    step: float  # its mean potential, in particles
    depth: float  # its optical depth


@dataclass(frozen=True, eq=False)
class VariedScene:
    """All that is known of one micrograph; lengths are in pixels of the frame unless noted."""

    shape: tuple[int, int]
    diameter: float
    pixel_size: float  # ångström
    optics: Optics
    snr: float
    noise_before_ctf: float
    noise_cutoff: float  # cycles per pixel
    brightness: float  # mean, in standard deviations of the noise
    gradient: np.ndarray  # of the ice, coefficients of a surface of second order
    particles: Sprites
    ignored: np.ndarray  # (k,): under ice, carbon, gold or a filament
    clutter: list[Clutter]
    carbon: Carbon | None
    steps: dict[str, float]  # of processing, with their strengths
    noise_seed: int


def draw_optics(rng: np.random.Generator, ranges: SceneRanges) -> Optics:
    """Draw the microscope's settings."""
    phase_plate = rng.random() < ranges.phase_plate
    shift = rng.uniform(0.25, 0.75) * np.pi
    return Optics(
        defocus=rng.uniform(*ranges.defocus),
        voltage=float(rng.choice(ranges.voltage)),
        phase_shift=float(shift) if phase_plate else 0.0,
        b_factor=rng.uniform(*ranges.b_factor),
        amplitude_contrast=rng.uniform(0.07, 0.14),
    )


def draw_scene(
    rngs: dict[str, np.random.Generator],
    ranges: SceneRanges,
    diameter: float,
    pixel_size: float,
    views: MoleculeViews,
) -> VariedScene:
    """Draw everything but the molecule; ``rngs`` has one stream for each aspect."""
    particles = _draw_particles(rngs["particles"], ranges, diameter, views)
    carbon = _draw_carbon(rngs["carbon"], ranges)
    clutter = []
    for (kind, draw), rng in zip(CLUTTER.items(), rngs["clutter"].spawn(len(CLUTTER)), strict=True):
        if rng.random() < ranges.negatives[kind]:
            found = draw(rng, ranges.shape, diameter)
            if found.beside_particles:
                found = _move_beside(rng, found, particles, ranges.shape)
            clutter.append(found)
    image = rngs["image"]
    snr = log_uniform(image, *ranges.snr)
    contrast = _SIGNAL_CONTRAST * np.exp(image.normal(0, 0.4))
    return VariedScene(
        shape=ranges.shape,
        diameter=diameter,
        pixel_size=pixel_size,
        optics=draw_optics(image, ranges),
        snr=snr,
        noise_before_ctf=image.uniform(*ranges.noise_before_ctf),
        noise_cutoff=log_uniform(image, *ranges.noise_cutoff),
        brightness=float(np.sqrt(snr) / contrast),
        gradient=image.uniform(*ranges.ice_gradient) * image.normal(0, 1, _CURVATURES),
        particles=particles,
        ignored=is_hidden(particles, clutter, carbon),
        clutter=clutter,
        carbon=carbon,
        steps=_draw_steps(rngs["processing"], ranges),
        noise_seed=int(rngs["noise"].integers(2**62)),
    )


def _draw_particles(rng, ranges: SceneRanges, diameter: float, views: MoleculeViews) -> Sprites:
    height, width = ranges.shape
    rim = _RIM * diameter
    # Of a disc as large as the mean shadow; thin rods keep a distance that a picker can resolve.
    across = diameter * max(np.sqrt(views.area), _THINNEST)
    coverage = log_uniform(rng, *ranges.coverage)
    spacing = across * rng.uniform(*ranges.spacing)
    if rng.random() < _OVERLAPPING:
        spacing *= rng.uniform(0.5, 0.9)
    clustered = rng.random() < _CLUSTERED
    n = coverage * (height + 2 * rim) * (width + 2 * rim) / (np.pi * across**2 / 4)
    n = int(n) + int(rng.random() < n - int(n))
    few = 0 if rng.random() < _NONE_AT_ALL else int(rng.integers(1, _FEW))
    if rng.random() < ranges.sparse:
        n = min(n, few)
    centers = place(rng, n, ranges.shape, spacing=spacing, rim=rim, clustered=clustered)
    n = len(centers)
    image, flip = _draw_orientations(rng, n, views, rng.random() < ranges.preferred_orientation)
    return Sprites(
        image=image,
        centers=centers,
        angle=rng.uniform(0, 2 * np.pi, n),
        flip=flip,
        diameter=np.full(n, diameter),
        strength=np.exp(rng.normal(0, _STRENGTH_SPREAD, n)),
    )


def _draw_orientations(rng, n: int, views: MoleculeViews, preferred: bool):
    """Choose an image and a side for each particle, evenly or around a few directions."""
    beam = views.rotations[:, 2]
    both = np.concatenate([beam, -beam])
    weights = np.ones(len(both))
    if preferred:
        sides = rng.normal(size=(rng.integers(1, 4), 3))
        sides /= np.linalg.norm(sides, axis=1, keepdims=True)
        tightness = log_uniform(rng, 3, 30)
        weights = np.exp(tightness * (both @ sides.T - 1)).sum(axis=1) + 0.003
    chosen = rng.choice(len(both), n, p=weights / weights.sum())
    return chosen % len(beam), np.where(chosen < len(beam), 1, -1)


def _draw_carbon(rng, ranges: SceneRanges) -> Carbon | None:
    if rng.random() >= ranges.negatives["carbon"]:
        return None
    return Carbon(
        hole=carbon_hole(rng, ranges.shape, rng.uniform(0.08, 0.6)),
        grain=log_uniform(rng, 0.4, 2.5),
        step=log_uniform(rng, 1, 8),
        depth=log_uniform(rng, 0.03, 0.4),
    )


def _move_beside(rng, clutter: Clutter, particles: Sprites, shape) -> Clutter:
    """Move clutter from particles to clear places, and leave out what finds none."""
    for _ in range(_MOVES):
        taken = ~_is_clear(clutter.sprites, particles)
        if not taken.any():
            return clutter
        centers = clutter.sprites.centers.copy()
        centers[taken] = uniform_points(rng, int(taken.sum()), shape, 0)
        clutter = replace(clutter, sprites=replace(clutter.sprites, centers=centers))
    return clutter.take(_is_clear(clutter.sprites, particles))


def _is_clear(sprites: Sprites, particles: Sprites) -> np.ndarray:
    """Return which of some clutter would not be taken for a part of a particle."""
    if not len(particles) or not len(sprites):
        return np.ones(len(sprites), bool)
    gaps = np.hypot(*np.moveaxis(sprites.centers[:, None] - particles.centers, -1, 0)).min(axis=1)
    return gaps >= _CLEAR * (sprites.diameter + particles.diameter[0])


def is_hidden(particles: Sprites, clutter: list[Clutter], carbon: Carbon | None) -> np.ndarray:
    """Return which particles' centres lie under something that hides them."""
    hidden = np.zeros(len(particles), bool)
    for kind in clutter:
        for center, diameter in zip(kind.sprites.centers, kind.sprites.diameter):
            if kind.hides_particles:
                distance = np.hypot(*(particles.centers - center).T)
                hidden |= distance < _HIDDEN * diameter / 2
    if carbon is not None:
        x, y, radius = carbon.hole
        hidden |= np.hypot(*(particles.centers - [x, y]).T) > radius - particles.diameter / 4
    return hidden


def _draw_steps(rng, ranges: SceneRanges) -> dict[str, float]:
    strengths = {
        "low_pass": log_uniform(rng, 0.06, 0.4),  # cut-off in cycles per pixel
        "high_pass": log_uniform(rng, 2, 10),  # wavelength in diameters
        "wiener": 1.0,
        "median": 1.0,
        "local_contrast": rng.uniform(2, 6),  # window in diameters
        "clipped": log_uniform(rng, 1e-3, 3e-2),  # share at either end
        "eight_bit": log_uniform(rng, 1e-5, 5e-3),
    }
    return {
        name: strength
        for name, strength in strengths.items()
        if rng.random() < ranges.processed[name]
    }
