"""Where the gray levels of an image lie, from some of its pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from puclassify._devices import centred, pivot_of, some_of

__all__ = ["GrayScale"]

_ORDINARY = 2.0**-40, 2.0**40  # spreads of which float32 holds the squares and their sums
_ENOUGH = 1 << 14  # pixels, for the spread
_MAD = 1.4826  # standard deviations in a median absolute deviation


@dataclass(frozen=True)
class GrayScale:
    """The scale in which an image is computed, and robust centre and spread of its pixels.

    Deviations are ``(pixels - pivot) / unit``: the pivot keeps the detail of a small spread on a
    large mean in float32, the unit, a power of two, that of very large and very small spreads. It
    is 1 for ordinary ones. ``centre`` and ``spread`` are those of the deviations.
    """

    pivot: torch.Tensor  # float64, on the pixels' device
    unit: float
    centre: float
    spread: float  # in the sense of a standard deviation; 0 for a constant image

    @classmethod
    def of(cls, pixels: torch.Tensor) -> GrayScale:
        """Measure some of the finite pixels."""
        some = some_of(pixels)
        pivot = pivot_of(some)
        some = (some.flatten()[:: max(1, some.numel() // _ENOUGH)] - pivot).flatten()
        some = some[some.isfinite()]
        centre, spread = _median_and_spread(some)
        if spread == 0:  # of most pixels: padding, or sparse counts
            others = some[some != centre]
            if len(others):
                centre_of_others, spread = _median_and_spread(others)
                if spread > 0:
                    centre = centre_of_others
                else:
                    spread = float((others - centre).abs().mean())
        extent = spread or _largest(pixels, pivot)
        is_ordinary = extent == 0 or _ORDINARY[0] <= extent <= _ORDINARY[1]
        unit = 1.0 if is_ordinary else 2.0 ** math.floor(math.log2(extent))
        return cls(pivot, unit, centre / unit, spread / unit)

    def deviations(self, pixels: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """Write the deviations of pixels into a float32 tensor, a new one by default."""
        out = torch.empty(pixels.shape, device=pixels.device) if out is None else out
        return centred(pixels, self.pivot, out, self.unit)

    def limits(self, n_spreads: float) -> tuple[float, float]:
        """Return the deviations that lie so many spreads from the centre, infinite for none."""
        width = n_spreads * self.spread or math.inf
        return self.centre - width, self.centre + width


def _median_and_spread(values: torch.Tensor) -> tuple[float, float]:
    if not len(values):
        return 0.0, 0.0
    centre = values.median()
    return float(centre), _MAD * float((values - centre).abs().median())


def _largest(pixels: torch.Tensor, pivot: torch.Tensor) -> float:
    """Return the largest finite distance from the pivot."""
    distances = (pixels.double() - pivot).abs()
    distances = distances[distances.isfinite()]
    return float(distances.amax()) if len(distances) else 0.0
