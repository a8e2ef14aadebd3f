"""Lengths of a picking problem, from the particle's diameter and the pixel size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from puclassify.grid import GridImage

__all__ = ["PickingGeometry", "labels_inside"]

PACKING_GUESS = 0.2  # share of a micrograph covered by particle discs when nobody says
_FEW_OUTSIDE = 0.03


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
        return float(np.clip(np.mean(fractions), 1e-4, 0.5))


def labels_inside(images, labels) -> tuple[list[np.ndarray], int]:
    """Drop the labels that lie outside their micrograph; refuse more than a few.

    Parameters
    ----------
    images : list of GridImage
        The micrographs.
    labels : list of ndarray of shape (k_i, 2)
        Labelled centres as x, y in stored pixels.

    Returns
    -------
    labels : list of ndarray
        The labels inside.
    n_outside : int
        How many were dropped.

    Raises
    ------
    ValueError
        If more than 3 per cent lie outside, with a guess at the binning mistake.
    """
    kept, outside = [], 0
    worst, reach = None, 1.0
    for image, xy in zip(images, labels, strict=True):
        left, right, bottom, top = image.extent
        inside = (xy[:, 0] >= left) & (xy[:, 0] <= right) & (xy[:, 1] >= top) & (xy[:, 1] <= bottom)
        kept.append(xy[inside])
        outside += int(np.sum(~inside))
        if len(xy):
            ratio = float(max(xy[:, 0].max() / (right - left), xy[:, 1].max() / (bottom - top)))
            if ratio > reach:
                worst, reach = (image, xy), ratio
    total = sum(len(xy) for xy in labels)
    if outside <= _FEW_OUTSIDE * total:
        return kept, outside
    message = f"{outside} of {total} labels in y lie outside their micrograph"
    if worst is not None:
        image, xy = worst
        left, right, bottom, top = image.extent
        guess = int(2 ** np.ceil(np.log2(reach) - 0.05))
        message += (
            f": the coordinates of {image.name!r} reach x = {xy[:, 0].max():.0f}, "
            f"y = {xy[:, 1].max():.0f} but it is {right - left:.0f} wide and {bottom - top:.0f} "
            f"high; were they taken on images binned {guess} times less? Then divide them by "
            f"{guess}, or pass the images with that step: GridImage(values, step=1 / {guess})"
        )
    else:
        message += "; coordinates are x to the right, y down, from the centre of the first pixel"
    raise ValueError(message)
