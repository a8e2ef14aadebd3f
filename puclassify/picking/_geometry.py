"""Lengths of a picking problem, from the particle's diameter and the pixel size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from puclassify.grid import GridImage

__all__ = ["PickingGeometry"]

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
        steps = np.prod([image.step_xy for image in images], axis=1)
        areas = steps * [np.prod(image.shape) for image in images]
        if expected_particles is None:
            density = PACKING_GUESS / (np.pi * (self.diameter / 2) ** 2)
        else:
            density = expected_particles / float(np.median(areas))
        # A label owns at least its nearest position, however small its disc.
        discs = [np.pi * self.label_radius_on(image) ** 2 for image in images]
        fraction = density * float(np.average(np.maximum(discs, steps * stride**2), weights=areas))
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
