"""Normalisation by the background around particles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["RingNormalization", "ring_of"]

_FLAT = 1e-9  # of the largest absolute value: what rounding leaves of a constant background


def ring_of(box_size: int, radius: float) -> np.ndarray:
    """Return which pixels of a box lie further than a radius from its centre, box_size // 2."""
    steps = np.arange(box_size) - box_size // 2
    return np.add.outer(steps**2, steps**2) > radius**2


@dataclass(frozen=True)
class RingNormalization:
    """Gives the pixels outside a radius mean 0 and standard deviation 1, as RELION does.

    With ``ramp`` the plane that fits them best is subtracted, otherwise their mean.
    """

    box_size: int
    radius: float
    ramp: bool

    def __call__(self, boxes: np.ndarray) -> np.ndarray:
        """Normalise boxes (k, box_size, box_size) of float64; NaN where the background is flat."""
        ring = ring_of(self.box_size, self.radius)
        design = self._design()
        of_ring = design[ring.ravel()]
        background = boxes[:, ring]
        coefficients = background @ np.linalg.pinv(of_ring).T
        level = (coefficients @ design.T).reshape(boxes.shape)
        deviation = (background - coefficients @ of_ring.T).std(axis=1)
        flat = deviation <= _FLAT * np.abs(boxes).max(axis=(1, 2))
        deviation[flat] = np.nan
        return (boxes - level) / deviation[:, None, None]

    def _design(self) -> np.ndarray:
        """Return the functions of a plane, or of a constant, at all pixels."""
        y, x = np.indices((self.box_size, self.box_size)).reshape(2, -1) / self.box_size - 0.5
        return np.stack([np.ones_like(x), x, y] if self.ramp else [np.ones_like(x)], axis=1)
