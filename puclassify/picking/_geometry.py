"""Lengths of a picking problem, from the particle's diameter and the pixel size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from puclassify._pixel_size import stored_pixel_size
from puclassify.grid import GridImage

__all__ = ["PickingGeometry", "in_all"]

PACKING_GUESS = 0.2  # share of a micrograph covered by particle discs when nobody says
_LARGEST_PRIOR = 0.5  # with more positives than that among the positions, the radii are wrong


@dataclass(frozen=True)
class PickingGeometry:
    """Radii in stored pixels and what follows from them for the class prior.

    Parameters
    ----------
    diameter : float
        Particle diameter in stored pixels.
    label_radius : float or None, default=None
        Override of the label radius, in stored pixels.
    """

    diameter: float
    label_radius: float | None = None

    @classmethod
    def common_to(cls, images, particle_diameter, pixel_size, label_radius) -> PickingGeometry:
        """Return the geometry of several micrographs; refuse a mixture of pixel sizes.

        Parameters
        ----------
        images : list of GridImage
            The preprocessed micrographs.
        particle_diameter : float
            In ångström.
        pixel_size : float or "header"
            Ångström per stored pixel.
        label_radius : float or None
            In stored pixels.

        Returns
        -------
        PickingGeometry
            Of all of them.

        Raises
        ------
        ValueError
            If headers differ by more than one per cent.
        """
        sizes = [stored_pixel_size(pixel_size, image) for image in images]
        if max(sizes) > 1.01 * min(sizes):
            raise ValueError(
                f"the headers give pixel sizes from {min(sizes):g} to {max(sizes):g} Å; train on "
                "micrographs of one pixel size, or pass them as GridImages of one grid"
            )
        return cls(particle_diameter / sizes[0], label_radius)

    def label_radius_on(self, image: GridImage) -> float:
        """Return the label radius in stored pixels: an eighth diameter, at least one grid step.

        Parameters
        ----------
        image : GridImage
            The preprocessed micrograph.

        Returns
        -------
        float
            Positions this close to a particle's centre count as the particle.
        """
        if self.label_radius is not None:
            return float(self.label_radius)
        return max(float(np.mean(image.step_xy)), self.diameter / 8)

    def prior(self, images, stride: int, expected_particles: float | None) -> float:
        """Return the fraction of map positions that lie within the label radius of a particle.

        Parameters
        ----------
        images : list of GridImage
            The preprocessed micrographs.
        stride : int
            Grid pixels between map positions.
        expected_particles : float or None
            Particles in a micrograph of median area, others in proportion; None guesses that
            their discs cover a fifth of it.

        Returns
        -------
        float
            The prior, over the positions of all micrographs together.

        Raises
        ------
        ValueError
            If more than half of the positions would be positive.
        """
        areas = _areas(images)
        if expected_particles is None:
            n_particles = self.guessed_particles(images)
        else:
            n_particles = expected_particles * in_all(images)
        fraction = self._fraction(images, stride, n_particles)
        if fraction > _LARGEST_PRIOR:
            what = "particles that cover a fifth of every micrograph"
            if expected_particles is not None:
                what = f"expected_particles={expected_particles:g}"
            raise ValueError(
                f"{what} cannot fit: their label discs would cover "
                f"{fraction:.2f} of a micrograph of {np.median(areas):.0f} square pixels; "
                "expected_particles is the number in one micrograph, and the particle's diameter "
                f"was taken as {self.diameter:.1f} stored pixels with a label radius of "
                f"{self.label_radius_on(images[0]):.1f}"
            )
        return fraction

    def estimated_prior(self, images, stride: int, n_particles: float) -> float:
        """Return the same fraction for an estimate, which is kept within what is possible.

        Parameters
        ----------
        images : list of GridImage
            The preprocessed micrographs.
        stride : int
            Grid pixels between map positions.
        n_particles : float
            In all of them together.

        Returns
        -------
        float
            The prior.
        """
        return min(self._fraction(images, stride, n_particles), _LARGEST_PRIOR)

    def guessed_particles(self, images) -> float:
        """Return how many particles there are if their discs cover a fifth of all micrographs.

        Parameters
        ----------
        images : list of GridImage
            The preprocessed micrographs.

        Returns
        -------
        float
            Number in all of them together.
        """
        return PACKING_GUESS * float(_areas(images).sum()) / (np.pi * (self.diameter / 2) ** 2)

    def _fraction(self, images, stride, n_particles):
        areas = _areas(images)
        density = n_particles / float(areas.sum())
        # A label owns at least its nearest position, however small its disc.
        smallest = np.prod([image.step_xy for image in images], axis=1) * stride**2
        discs = [np.pi * self.label_radius_on(image) ** 2 for image in images]
        return density * float(np.average(np.maximum(discs, smallest), weights=areas))


def in_all(images) -> float:
    """Return how many micrographs of median area all of them are.

    Parameters
    ----------
    images : list of GridImage
        The preprocessed micrographs.

    Returns
    -------
    float
        Their area, in units of the median.
    """
    areas = _areas(images)
    return float(areas.sum() / np.median(areas))


def _areas(images) -> np.ndarray:
    """Return the areas of micrographs in square stored pixels."""
    return np.array([np.prod(image.step_xy) * np.prod(image.shape) for image in images])
