"""Mean and spread of the pixels of an image's dominant material."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from puclassify.preprocessing._block_grid import BlockGrid, thinned
from puclassify.preprocessing._materials import dominant_material

__all__ = ["dominant_intensity"]

_N_BINS = 1024
_CLIPPING = 4.0
_FEW_LEVELS = 16
_FLATNESS = 0.1


def dominant_intensity(values: np.ndarray) -> tuple[float, float]:
    """Compute mean and standard deviation of the dominant material of an image.

    Parameters
    ----------
    values : ndarray of shape (height, width)
        An image; pixels that are not finite are left out.

    Returns
    -------
    mean : float
        Mean of the pixels of the more extended material where there are two, else of all, without
        outliers.
    standard_deviation : float
        The standard deviation of the same pixels; 0 only for a constant image.

    Notes
    -----
    Carbon a single standard deviation away from the ice widens the pixel histogram but leaves it
    with one maximum; in the means of blocks the noise is gone and the two are far apart. So regions
    are told apart on about 32 x 32 blocks (see `dominant_material`), and the result is that of
    all pixels in blocks of the dominant material that touch no other. Blocks whose pixels span less
    than a tenth of what is usual, such as padding that went through a filter, take no part.

    Of these pixels, those further from their median than four standard deviations, estimated by
    1.4826 median absolute deviations, are outliers, unless there are only a few gray levels. About
    a million pixels are looked at, and moments are taken of their histogram.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify.preprocessing._intensity import dominant_intensity
    >>> image = np.random.default_rng(0).normal(5.0, 2.0, (200, 200))
    >>> image[:, 150:] += 3.0
    >>> mean, standard_deviation = dominant_intensity(image)
    >>> round(mean, 1), round(standard_deviation, 1)
    (5.0, 2.0)
    """
    pixels = np.asarray(thinned(values), dtype=np.float64)
    finite = np.isfinite(pixels)
    everything = pixels[finite]
    if everything.size == 0:
        return 0.0, 0.0
    low, high = _plausible_range(everything)
    if low == high:
        return low, 0.0
    grid = BlockGrid(pixels.shape)
    dominant = _dominant_blocks(np.clip(pixels, low, high), finite, grid)
    if not dominant.all():
        mean, deviation = _clipped_moments(pixels[grid.to_pixels(dominant) & finite])
        if deviation > 0:
            return mean, deviation
    return _clipped_moments(everything)


def _plausible_range(pixels: np.ndarray) -> tuple[float, float]:
    """Return limits that only outliers are beyond, the extremes where there is nothing better."""
    some = pixels[:: max(1, pixels.size >> 16)]
    rank = some.size // 100
    ordered = np.partition(some, [rank, some.size - 1 - rank])
    low, high = ordered[rank], ordered[some.size - 1 - rank]
    # Three times the middle 98 %: seven standard deviations of a Gaussian, without hot pixels.
    low, high = low - (high - low), high + (high - low)
    return (float(low), float(high)) if low < high else (float(pixels.min()), float(pixels.max()))


def _dominant_blocks(pixels: np.ndarray, finite: np.ndarray, grid: BlockGrid) -> np.ndarray:
    """Return the blocks without those that are flat, of another material or touch such a block."""
    n_finite = grid.reduce(np.add, finite.astype(np.float32))
    means = grid.reduce(np.add, np.where(finite, pixels, 0.0)) / np.maximum(n_finite, 1)
    pixels = np.where(finite, pixels, np.nan)
    span = grid.reduce(np.fmax, pixels) - grid.reduce(np.fmin, pixels)
    usable = 2 * n_finite >= n_finite.max()
    # A span of exactly 0 is not one: sparse counts have it where there happens to be none.
    flat = (span > 0) & (span < _FLATNESS * np.quantile(span[usable], 0.75))
    usable &= ~flat
    foreign = flat | (usable & ~dominant_material(means, usable))
    inner = ~ndimage.binary_dilation(foreign, np.ones((3, 3)))
    return inner if 2 * np.count_nonzero(inner) > np.count_nonzero(~foreign) else ~foreign


def _clipped_moments(pixels: np.ndarray) -> tuple[float, float]:
    """Return mean and standard deviation without outliers."""
    levels, counts = _histogram(pixels)
    # Median and median deviation are blind to opaque patches on a tenth of the image, which would
    # widen limits that were made from moments until they lie within.
    centre = _weighted_median(levels, counts)
    scale = 1.4826 * _weighted_median(np.abs(levels - centre), counts)
    inside = np.abs(levels - centre) <= _CLIPPING * scale
    if np.count_nonzero(inside) <= _FEW_LEVELS:
        inside[:] = True  # the rare 1 among the 0 of sparse counts is no outlier
    return _moments(levels[inside], counts[inside])


def _histogram(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean intensity and the number of pixels of every bin that has any."""
    low, high = _plausible_range(pixels)
    inside = pixels[(pixels >= low) & (pixels <= high)] - low
    bins = (inside * (_N_BINS / (high - low) if high > low else 0.0)).astype(np.intp)
    np.minimum(bins, _N_BINS - 1, out=bins)
    counts = np.bincount(bins, minlength=_N_BINS).astype(np.float64)
    # Sums of differences to `low` stay accurate for intensities far from zero.
    sums = np.bincount(bins, weights=inside, minlength=_N_BINS)
    occupied = counts > 0
    return low + sums[occupied] / counts[occupied], counts[occupied]


def _moments(levels: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    mean = np.average(levels, weights=counts)
    return float(mean), float(np.sqrt(np.average((levels - mean) ** 2, weights=counts)))


def _weighted_median(levels: np.ndarray, counts: np.ndarray) -> float:
    """Return the median, between two gray levels if there are few."""
    order = np.argsort(levels)
    counts = counts[order]
    return float(np.interp(counts.sum() / 2, np.cumsum(counts) - counts / 2, levels[order]))
