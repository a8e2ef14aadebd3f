"""Lengths of a picking problem, from the particle's diameter and the pixel size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from puclassify.grid import GridImage

__all__ = ["PickingGeometry"]

PACKING_GUESS = 0.2  # share of a micrograph covered by particle discs when nobody says


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
            Particles per micrograph; None guesses that their discs cover a fifth of it.

        Returns
        -------
        float
            The prior, between 1e-4 and 0.5.
        """
        fractions = []
        for image in images:
            cell = float(np.prod(image.step_xy)) * stride**2
            positions = max(np.pi * self.label_radius_on(image) ** 2 / cell, 1.0)
            area = float(np.prod(image.step_xy) * np.prod(image.shape))
            count = expected_particles
            if count is None:
                count = PACKING_GUESS * area / (np.pi * (self.diameter / 2) ** 2)
            fractions.append(count * positions * cell / area)
        fraction = float(np.mean(fractions))
        if expected_particles is not None and fraction >= 1:
            raise ValueError(
                f"expected_particles={expected_particles:g} cannot fit: their label discs would "
                f"cover {fraction:.2f} of a micrograph; it is the number in one micrograph, and "
                f"the particle's diameter was taken as {self.diameter:.1f} stored pixels"
            )
        return float(np.clip(fraction, 1e-4, 0.5))
