"""The scale of the values that a network was trained on, and of those that it is given later."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from puclassify._warnings import warn
from puclassify.classifier._samples import PixelSource

__all__ = ["PixelScale", "warn_if_rescaled"]

_MOST_SAMPLES = 1000  # of a fit, evenly spaced
_MOST_SAMPLES_LATER = 64  # of a prediction
_FEWEST_SAMPLES = 10  # below which a prediction is not compared
_MOST_PIXELS = 4_000_000  # read for it, unless the fewest samples have more
_AT_ONCE = 16  # samples in memory
_PIXELS_OF_EACH = 500
_FAR = 10.0  # ratio of standard deviations, and a shift of the mean in standard deviations
_MOST_OF_THE_VALUES = 5.0  # the same for quartiles, which a few outliers do not move


class PixelScale(NamedTuple):
    """Moments of values, and measures of them that outliers leave alone."""

    mean: float
    std: float
    median: float
    between_quartiles: float

    @classmethod
    def of(
        cls, source: PixelSource, rows: np.ndarray | None = None, most: int = _MOST_SAMPLES
    ) -> Self:
        """Measure some values of a few samples, evenly spaced among all or among ``rows``."""
        rows = np.arange(len(source)) if rows is None else rows
        n_pixels = int(np.prod(source.sample_shape))
        most = min(most, max(_FEWEST_SAMPLES, _MOST_PIXELS // n_pixels))
        rows = rows[np.unique(np.linspace(0, len(rows) - 1, most).astype(int))]
        places: np.ndarray | slice = slice(None)
        if n_pixels > _PIXELS_OF_EACH:
            places = np.random.default_rng(0).integers(n_pixels, size=_PIXELS_OF_EACH)
        at_once = max(1, min(_AT_ONCE, _MOST_PIXELS // n_pixels))
        values = np.concatenate(
            [
                source.take(rows[start : start + at_once]).flatten(1).numpy()[:, places].ravel()
                for start in range(0, len(rows), at_once)
            ]
        ).astype(np.float64)
        low, median, high = np.quantile(values, [0.25, 0.5, 0.75]).tolist()
        return cls(float(np.mean(values)), float(np.std(values)), median, high - low)

    def is_far_from(self, other: PixelScale) -> bool:
        """Return whether values are of another scale or lie elsewhere, whatever a few of them do.

        Values that are all the same have no scale, and can only lie elsewhere.
        """
        spread = max(self.std, other.std)
        moved = abs(self.mean - other.mean) > _FAR * spread
        if moved and abs(self.median - other.median) > _MOST_OF_THE_VALUES * spread:
            return True
        if min(self.std, other.std) == 0:
            return False
        small, large = sorted([self, other], key=lambda scale: scale.std)
        if large.std <= _FAR * small.std:
            return False
        quartiles = small.between_quartiles, large.between_quartiles
        return min(quartiles) == 0 or quartiles[1] > _MOST_OF_THE_VALUES * quartiles[0]


def warn_if_rescaled(source: PixelSource, fitted: PixelScale | None) -> None:
    """Warn of samples whose values are far from those of the fit, if the scale of that is known."""
    if fitted is None or len(source) < _FEWEST_SAMPLES:
        return
    given = PixelScale.of(source, most=_MOST_SAMPLES_LATER)
    if given.is_far_from(fitted):
        warn(
            f"the values of X have a mean of {given.mean:.4g} and a standard deviation of "
            f"{given.std:.4g}, but those in fit had {fitted.mean:.4g} and {fitted.std:.4g}, so "
            "that scores mean little; was only one of the two divided by 255, or standardised? "
            "Scale both alike"
        )
