"""Scenes: the optics, particles and contaminants of a micrograph, and how to draw them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from puclassify.datasets._contamination import Contaminant, draw_contaminants, draw_frost
from puclassify.datasets._densities import Particle
from puclassify.datasets._placement import carbon_hole, place_particles
from puclassify.datasets._projection import random_quaternions

__all__ = ["Scene", "SceneRecipe"]

_LARGEST_ASTIGMATISM = 0.03  # of the defocus


@dataclass(frozen=True)
class Scene:
    """The truth about one micrograph before noise; lengths are in pixels unless noted."""

    kind: Particle
    shape: tuple[int, int]  # of the frame
    diameter: float  # of the particles
    pixel_size: float  # ångström per pixel
    defocus: tuple[float, float, float]  # along both axes in ångström, angle of the first in rad
    centers: np.ndarray  # of the particles: (k, 2), x and y
    quaternions: np.ndarray  # their orientations: (k, 4), x, y, z, w
    contaminants: list[Contaminant]
    hole: tuple[float, float, float] | None  # x, y, radius of the hole; None without carbon


@dataclass(frozen=True)
class SceneRecipe:
    """Parameters of the distribution that scenes are drawn from."""

    kind: Particle
    shape: tuple[int, int]  # of the frame in pixels
    n_particles: int  # in each scene
    diameter: float  # of the particles in pixels
    pixel_size: float  # ångström per pixel
    defocus_range: tuple[float, float]  # lowest and highest mean underfocus in ångström
    contamination: float  # contaminants per particle
    carbon_edge: float  # fraction of the frame that is carbon film
    crowding: float  # probability that a particle is put next to another

    def draw(self, rngs: dict[str, np.random.Generator]) -> Scene:
        """Draw frost and carbon, then particles beside them, then the smaller contaminants.

        ``rngs`` holds independent streams named "optics", "placement", "orientation" and
        "contaminants".
        """
        hole = None
        if self.carbon_edge:
            hole = carbon_hole(rngs["placement"], self.shape, self.carbon_edge)
        n_contaminants = round(self.contamination * self.n_particles)
        frost = draw_frost(rngs["contaminants"], n_contaminants, self.shape, self.diameter)
        frost_discs = np.array([(c.x, c.y, c.radius) for c in frost]).reshape(-1, 3)
        centers = place_particles(
            rngs["placement"],
            self.n_particles,
            self.shape,
            self.diameter,
            crowding=self.crowding,
            hole=hole,
            occupied=frost_discs,
        )
        particle_discs = np.column_stack([centers, np.full(len(centers), self.diameter / 2)])
        between = draw_contaminants(
            rngs["contaminants"],
            n_contaminants - len(frost),
            self.shape,
            self.diameter,
            np.concatenate([frost_discs, particle_discs]),
        )
        return Scene(
            kind=self.kind,
            shape=self.shape,
            diameter=self.diameter,
            pixel_size=self.pixel_size,
            defocus=self._draw_defocus(rngs["optics"]),
            centers=centers,
            quaternions=random_quaternions(rngs["orientation"], self.n_particles),
            contaminants=frost + between,
            hole=hole,
        )

    def _draw_defocus(self, rng) -> tuple[float, float, float]:
        mean = rng.uniform(*self.defocus_range)
        half_difference = rng.uniform(0.0, _LARGEST_ASTIGMATISM) * mean / 2
        return mean + half_difference, mean - half_difference, rng.uniform(0.0, np.pi)
