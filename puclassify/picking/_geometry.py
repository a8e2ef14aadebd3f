"""Lengths of a picking problem, from the particle's diameter and the pixel size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from puclassify._parameters import is_number
from puclassify._pixel_size import stored_pixel_size
from puclassify.grid import GridImage

__all__ = ["HalfDiameter", "PickingGeometry", "areas", "areas_in_medians", "size_xy"]

_DENSEST_PACKING = np.pi / np.sqrt(12)  # share of a plane that equal discs can cover
PACKING_GUESS = 0.2  # share of a micrograph covered by particle discs, where nothing is known
_LARGEST_PRIOR = 0.5  # with more positives than that among the positions, the radii are wrong


@dataclass(frozen=True)
class PickingGeometry:
    """Particle diameter and label radius in stored pixels, and the class priors that follow."""

    diameter: float
    label_radius: float | None = None

    @classmethod
    def common_to(
        cls,
        images: Sequence[GridImage],
        particle_diameter: float,
        pixel_size: float | str,
        label_radius: float | None,
    ) -> PickingGeometry:
        """Return the geometry of micrographs whose pixel sizes differ by at most one per cent.

        The diameter is in ångström, the pixel size in ångström per stored pixel or "header", the
        label radius in stored pixels.
        """
        sizes = [stored_pixel_size(pixel_size, image) for image in images]
        if max(sizes) > 1.01 * min(sizes):
            raise ValueError(
                f"the headers give pixel sizes from {min(sizes):g} to {max(sizes):g} Å; train on "
                "micrographs of one pixel size, or pass them as GridImages of one grid"
            )
        return cls(particle_diameter / sizes[0], label_radius)

    def label_radius_on(self, image: GridImage) -> float:
        """Return the label radius in stored pixels: an eighth diameter, at least one grid step."""
        if self.label_radius is not None:
            return float(self.label_radius)
        return max(float(np.mean(image.step_xy)), self.diameter / 8)

    def label_radii_on(self, images: Sequence[GridImage]) -> list[float]:
        """Return the label radius on each image, in stored pixels."""
        return [self.label_radius_on(image) for image in images]

    def prior(
        self, images: Sequence[GridImage], stride: int, expected_particles: float | None
    ) -> float:
        """Return the fraction of map positions that lie within the label radius of a particle.

        ``expected_particles`` is the number in a micrograph of median area, others in proportion;
        None guesses that particle discs cover a fifth of every micrograph. ``stride`` is in pixels
        of the images. More than half of the positions are refused.
        """
        if expected_particles is None:
            n_particles = self.guessed_particles(images)
        else:
            n_particles = expected_particles * areas_in_medians(images).sum()
        fraction = self._fraction(images, stride, n_particles)
        if fraction > _LARGEST_PRIOR:
            particles = "particles that cover a fifth of every micrograph"
            if expected_particles is not None:
                particles = f"expected_particles={expected_particles:g}"
            raise ValueError(
                f"{particles} cannot fit: their label discs would cover "
                f"{fraction:.2f} of a micrograph of {np.median(areas(images)):.0f} square pixels; "
                "expected_particles is the number in one micrograph, and the particle's diameter "
                f"was taken as {self.diameter:.1f} stored pixels with a label radius of "
                f"{max(self.label_radii_on(images)):.1f}"
            )
        return fraction

    def estimated_prior(
        self, images: Sequence[GridImage], stride: int, n_particles: float
    ) -> float:
        """Return the same for an estimated number in all micrographs, at most one half."""
        return min(self._fraction(images, stride, n_particles), _LARGEST_PRIOR)

    def guessed_particles(self, images: Sequence[GridImage]) -> float:
        """Return the number of particles in all micrographs if their discs cover a fifth."""
        return PACKING_GUESS * float(areas(images).sum()) / (np.pi * (self.diameter / 2) ** 2)

    def most_particles(self, images: Sequence[GridImage]) -> float:
        """Return the number in all micrographs beyond which particles would overlap."""
        return self.guessed_particles(images) * _DENSEST_PACKING / PACKING_GUESS

    def _fraction(self, images, stride, n_particles) -> float:
        covered = areas(images)
        density = n_particles / float(covered.sum())
        # A label owns at least its nearest position, however small its disc.
        smallest = np.prod([image.step_xy for image in images], axis=1) * stride**2
        discs = [np.pi * radius**2 for radius in self.label_radii_on(images)]
        return density * float(np.average(np.maximum(discs, smallest), weights=covered))


class HalfDiameter(float):
    """A suppression radius that was never set: half the particle's diameter, in stored pixels.

    The number serves a suppression on its own. A picker computes it again for each micrograph, so
    that it follows a later diameter and the pixel sizes of headers; being a type of its own, it
    survives ``clone`` and pickling. It is NaN where only headers give the pixel size.
    """

    @classmethod
    def of(cls, particle_diameter: float, pixel_size: float | str) -> HalfDiameter:
        """Return it for a diameter in ångström and the ångström per stored pixel."""
        lengths = (particle_diameter, pixel_size)
        if not all(is_number(length) and float(length) > 0 for length in lengths):
            return cls(np.nan)
        return cls(particle_diameter / float(pixel_size) / 2)

    def __repr__(self) -> str:
        return "<half the diameter>" if np.isnan(self) else super().__repr__()


def areas_in_medians(images: Sequence[GridImage]) -> np.ndarray:
    """Return the areas of micrographs in units of the median micrograph's."""
    each = areas(images)
    return each / np.median(each)


def size_xy(image: GridImage) -> np.ndarray:
    """Return width and height in stored pixels."""
    return image.step_xy * image.shape[::-1]


def areas(images: Sequence[GridImage]) -> np.ndarray:
    """Return the areas of micrographs in square stored pixels."""
    return np.array([np.prod(image.step_xy) * np.prod(image.shape) for image in images])
