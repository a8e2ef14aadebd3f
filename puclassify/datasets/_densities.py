"""3-D densities of Gaussian pseudo-atoms: procedural ones, and those of molecules."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from puclassify._parameters import check_option
from puclassify.datasets._molecules import Molecule, gather_points
from puclassify.datasets._placement import first_apart

__all__ = ["KINDS", "Particle", "PseudoAtoms", "density_of", "make_density"]

KINDS = ("globular", "ring", "elongated", "small")
Particle = str | Molecule  # one of KINDS, or a real molecule

# Of a molecule so many pseudo-atoms are made at most: projecting takes time in proportion.
_MOST_ATOMS = 600


@dataclass(frozen=True, eq=False)
class PseudoAtoms:
    """A 3-D density as a sum of isotropic Gaussians, in units of the particle's radius.

    Its projection in any direction is a sum of 2-D Gaussians, exact at every sub-pixel position,
    without a voxel grid or interpolation.
    """

    centers: np.ndarray  # (m, 3): x, y, z inside the unit ball
    widths: np.ndarray  # (m,): standard deviations
    weights: np.ndarray  # (m,): masses, which add up to 1
    reach: float = 1.1  # nothing of it is farther from the origin


def _points_in_ball(rng, n: int) -> np.ndarray:
    directions = rng.normal(size=(n, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return directions * rng.random((n, 1)) ** (1 / 3)


def _pseudo_atoms(centers, widths, weights) -> PseudoAtoms:
    """Centre the mass at the origin and scale everything into the unit ball."""
    centers = centers - np.average(centers, axis=0, weights=weights)
    extent = (np.linalg.norm(centers, axis=1) + 1.5 * widths).max()
    return PseudoAtoms(centers / extent, widths / extent, weights / weights.sum())


def _nearest_domain(points, domain_centers) -> np.ndarray:
    return np.linalg.norm(points[:, None] - domain_centers[None], axis=2).argmin(axis=1)


def _globular() -> PseudoAtoms:
    """Pack two subunits of several domains each, with a cleft, a channel and a cavity."""
    rng = np.random.default_rng(20180801)
    domain_centers = first_apart(0.62 * _points_in_ball(rng, 400), 0.42)
    domain_radii = rng.uniform(0.26, 0.38, len(domain_centers))
    domain_masses = rng.choice([0.6, 1.0, 1.6], len(domain_centers))
    candidates = _points_in_ball(rng, 9000)
    domain = _nearest_domain(candidates, domain_centers)
    inside = np.linalg.norm(candidates - domain_centers[domain], axis=1) < domain_radii[domain]
    tilted_plane = candidates @ np.array([0.35, 0.1, 0.93]) - 0.12
    inside &= np.abs(tilted_plane) > 0.06
    inside &= np.hypot(candidates[:, 0] - 0.1, candidates[:, 1] + 0.05) > 0.12
    inside &= np.linalg.norm(candidates - [0.3, -0.35, -0.3], axis=1) > 0.22
    centers = first_apart(candidates[inside], 0.12)
    masses = domain_masses[_nearest_domain(centers, domain_centers)]
    weights = masses * rng.lognormal(0.0, 0.25, len(centers))
    return _pseudo_atoms(centers, rng.uniform(0.06, 0.09, len(centers)), weights)


def _rotate_about_z(points, angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return points @ np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])


def _ring() -> PseudoAtoms:
    """Stack two seven-fold rings back to back (symmetry D7) around an open channel."""
    rng = np.random.default_rng(20180802)
    lobes = np.array([[0.66, 0.0, 0.18], [0.74, 0.05, 0.45], [0.55, -0.1, 0.66]])
    candidates = np.concatenate([lobe + 0.2 * _points_in_ball(rng, 60) for lobe in lobes])
    subunit = first_apart(candidates, 0.1)
    ring = np.concatenate([_rotate_about_z(subunit, 2 * np.pi * i / 7) for i in range(7)])
    other_ring = ring * [1.0, -1.0, -1.0]
    centers = np.concatenate([ring, other_ring])
    masses = np.tile(rng.lognormal(0.0, 0.4, len(subunit)), 14)
    return _pseudo_atoms(centers, np.full(len(centers), 0.06), masses)


def _elongated() -> PseudoAtoms:
    """Pack a bent rod of unequal beads, about three times as long as it is thick."""
    rng = np.random.default_rng(20180803)
    along = np.linspace(-0.78, 0.78, 6)
    bend = 0.16 * np.sin(2.4 * along)
    bead_centers = np.stack([bend, 0.1 * np.cos(3.0 * along), along], axis=1)
    bead_radii = np.array([0.36, 0.25, 0.32, 0.22, 0.29, 0.37])
    bead_masses = np.array([1.6, 0.8, 1.2, 0.7, 0.9, 1.8])
    candidates = _points_in_ball(rng, 6000) * [0.6, 0.6, 1.15]
    bead = _nearest_domain(candidates, bead_centers)
    inside = np.linalg.norm(candidates - bead_centers[bead], axis=1) < bead_radii[bead]
    centers = first_apart(candidates[inside], 0.11)
    masses = bead_masses[_nearest_domain(centers, bead_centers)]
    weights = masses * rng.lognormal(0.0, 0.35, len(centers))
    return _pseudo_atoms(centers, np.full(len(centers), 0.06), weights)


def _small() -> PseudoAtoms:
    """Pack two domains joined by a hinge, with a cleft and few details."""
    rng = np.random.default_rng(20180804)
    domain_centers = np.array([[-0.42, 0.0, 0.1], [0.4, 0.12, -0.1], [0.0, -0.38, 0.25]])
    domain_radii = np.array([0.5, 0.42, 0.28])
    candidates = _points_in_ball(rng, 2500)
    domain = _nearest_domain(candidates, domain_centers)
    inside = np.linalg.norm(candidates - domain_centers[domain], axis=1) < domain_radii[domain]
    centers = first_apart(candidates[inside], 0.19)
    weights = rng.lognormal(0.0, 0.4, len(centers))
    return _pseudo_atoms(centers, np.full(len(centers), 0.11), weights)


_BUILDERS = {"globular": _globular, "ring": _ring, "elongated": _elongated, "small": _small}


@lru_cache(maxsize=len(KINDS))
def make_density(kind: str) -> PseudoAtoms:
    """Build the density of one kind, the same molecule in every call.

    Its centre of mass is at the origin, it fills the unit ball, and its mass is 1.
    """
    return _BUILDERS[check_option(kind, "kind", KINDS)]()


def density_of(particle: Particle) -> PseudoAtoms:
    """Return the density of a procedural kind or of a molecule."""
    return make_density(particle) if isinstance(particle, str) else _density_of(particle)


@lru_cache(maxsize=32)
def _density_of(molecule: Molecule) -> PseudoAtoms:
    """Merge a molecule's points to few Gaussians; its unit is half its diameter."""
    spacing = molecule.diameter / 20
    centers, weights, variance = gather_points(molecule.points, molecule.weights, spacing)
    while len(centers) > _MOST_ATOMS:
        spacing *= 1.1
        centers, weights, variance = gather_points(molecule.points, molecule.weights, spacing)
    radius = molecule.diameter / 2
    widths = np.sqrt(variance + molecule.width**2) / radius
    centers = centers.astype(np.float64) / radius
    reach = float((np.linalg.norm(centers, axis=1) + 2 * widths).max())
    return PseudoAtoms(centers, widths, weights / weights.sum(), max(1.1, reach))
