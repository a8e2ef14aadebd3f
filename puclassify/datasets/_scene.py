"""What lies in the ice of a micrograph, and how it is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from puclassify.datasets._contamination import Contaminant, draw_contaminants, draw_frost
from puclassify.datasets._placement import carbon_hole, place_particles
from puclassify.datasets._projection import random_quaternions

__all__ = ["Scene", "SceneRecipe"]

_LARGEST_ASTIGMATISM = 0.03  # of the defocus


@dataclass(frozen=True)
class Scene:
    """Everything that is true of one micrograph before noise.

    Parameters
    ----------
    kind : str
        Kind of the particles.
    shape : (int, int)
        Height and width of the frame in pixels.
    diameter : float
        Of the particles, in pixels.
    pixel_size : float
        Ångström per pixel.
    defocus : (float, float, float)
        Underfocus along the two principal axes in ångström, and the angle of the first in radians.
    centers : ndarray of shape (k, 2)
        x, y of the particles in pixels.
    quaternions : ndarray of shape (k, 4)
        Their orientations.
    contaminants : list of Contaminant
        What else lies there.
    hole : (float, float, float) or None
        x, y and radius of the hole in the carbon film, in pixels; None without carbon.
    """

    kind: str
    shape: tuple[int, int]
    diameter: float
    pixel_size: float
    defocus: tuple[float, float, float]
    centers: np.ndarray
    quaternions: np.ndarray
    contaminants: list[Contaminant]
    hole: tuple[float, float, float] | None


@dataclass(frozen=True)
class SceneRecipe:
    """What scenes are drawn from.

    Parameters
    ----------
    kind : str
        Kind of the particles.
    shape : (int, int)
        Height and width of the frame in pixels.
    n_particles : int
        How many in each scene.
    diameter : float
        Of the particles, in pixels.
    pixel_size : float
        Ångström per pixel.
    defocus_range : (float, float)
        Lowest and highest mean underfocus in ångström.
    contamination : float
        Contaminants per particle.
    carbon_edge : float
        Fraction of the frame that is carbon film.
    crowding : float
        Probability that a particle is put next to another.
    """

    kind: str
    shape: tuple[int, int]
    n_particles: int
    diameter: float
    pixel_size: float
    defocus_range: tuple[float, float]
    contamination: float
    carbon_edge: float
    crowding: float

    def draw(self, rngs) -> Scene:
        """Draw one scene.

        Parameters
        ----------
        rngs : dict of str to numpy.random.Generator
            Independent streams for "optics", "placement", "orientation" and "contaminants".

        Returns
        -------
        Scene
            Frost and carbon first, then the particles beside them, then what lies between.
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
