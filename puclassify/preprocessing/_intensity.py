"""Mean and spread of the dominant part of an image, fitted to its pixel histogram."""

from __future__ import annotations

import numpy as np

__all__ = ["dominant_intensity"]

_N_BINS = 1024
_N_PIXELS = 1 << 20  # the fit does not get better from more
_MAX_ITERATIONS = 300
_TOLERANCE = 1e-6  # of the overall spread
_SEPARATION = 3.2  # a straight ramp, the extreme of an ice gradient, is fitted with at most 3.05
_CLIPPING = 4.0


def dominant_intensity(values: np.ndarray) -> tuple[float, float]:
    r"""Fit mean and standard deviation of the dominant intensity component of an image.

    Parameters
    ----------
    values : ndarray of shape (height, width)
        An image; pixels that are not finite are left out.

    Returns
    -------
    mean : float
        Mean of the heavier of two Gaussian components where the two are separated, else of all
        pixels without outliers.
    standard_deviation : float
        The standard deviation of the same; 0 for a constant image.

    Notes
    -----
    The two-component mixture is fitted by expectation-maximisation on the histogram of up to about
    a million pixels, started from the split that leaves the least variance within its two parts
    (Otsu 1979, IEEE Trans. Syst. Man Cybern. 9, 62, eq. 14). The components count as separated if

    .. math:: D = |\mu_1 - \mu_2| / \sqrt{(\sigma_1^2 + \sigma_2^2)/2} > 3.2

    (Ashman, Bird & Zepf 1994, Astron. J. 108, 2348). The bound lies just above what a straight ramp
    gives, so that a gradient of the ice is never taken for two materials. If they are not
    separated, pixels are clipped at four standard deviations until the clipped set no longer
    changes.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify.preprocessing._intensity import dominant_intensity
    >>> image = np.random.default_rng(0).normal(5.0, 2.0, (200, 200))
    >>> image[:, 150:] += 20.0
    >>> mean, standard_deviation = dominant_intensity(image)
    >>> round(mean, 1), round(standard_deviation, 1)
    (5.0, 2.0)
    """
    levels, counts = _histogram(_sample(values))
    if len(levels) < 2:
        return (float(levels[0]) if len(levels) else 0.0), 0.0
    # Working on standardised levels makes the fit blind to the units of the image.
    centre, scale = _moments(levels, counts)
    weights, means, deviations = _fit_mixture((levels - centre) / scale, counts)
    if _are_separated(means, deviations):
        dominant = int(np.argmax(weights))
        return float(centre + scale * means[dominant]), float(scale * deviations[dominant])
    return _clipped_moments(levels, counts)


def _sample(values: np.ndarray) -> np.ndarray:
    stride = max(1, int(np.ceil(np.sqrt(values.size / _N_PIXELS))))
    pixels = np.asarray(values[::stride, ::stride], dtype=np.float64).ravel()
    finite = np.isfinite(pixels)
    return pixels if finite.all() else pixels[finite]


def _histogram(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean intensity and the number of pixels of every bin that has any."""
    if pixels.size == 0:
        return np.empty(0), np.empty(0)
    low, high = np.partition(pixels, [pixels.size // 100, pixels.size - 1 - pixels.size // 100])[
        [pixels.size // 100, pixels.size - 1 - pixels.size // 100]
    ]
    # Three times the middle 98 %: seven standard deviations of a Gaussian, without hot pixels.
    low, high = low - (high - low), high + (high - low)
    if not low < high:
        low, high = pixels.min(), pixels.max()
    inside = pixels[(pixels >= low) & (pixels <= high)]
    bins = ((inside - low) * (_N_BINS / (high - low) if high > low else 0.0)).astype(np.intp)
    np.minimum(bins, _N_BINS - 1, out=bins)
    counts = np.bincount(bins, minlength=_N_BINS).astype(np.float64)
    # Sums of differences to `low` stay accurate for intensities far from zero.
    sums = np.bincount(bins, weights=inside - low, minlength=_N_BINS)
    occupied = counts > 0
    return low + sums[occupied] / counts[occupied], counts[occupied]


def _moments(levels: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    mean = np.average(levels, weights=counts)
    return float(mean), float(np.sqrt(np.average((levels - mean) ** 2, weights=counts)))


def _fit_mixture(levels: np.ndarray, counts: np.ndarray):
    """Fit two Gaussians to a histogram; return their weights, means and standard deviations."""
    upper = levels > _otsu_threshold(levels, counts)
    responsibilities = np.stack([~upper, upper]).astype(np.float64)
    smallest_deviation = max(np.diff(levels).min(), 1e-6)
    previous = np.full(2, np.inf)
    for _ in range(_MAX_ITERATIONS):
        shares = responsibilities * counts
        totals = shares.sum(axis=1).clip(min=1e-12)
        means = shares @ levels / totals
        variances = (shares * (levels - means[:, None]) ** 2).sum(axis=1) / totals
        deviations = np.sqrt(variances).clip(min=smallest_deviation)
        weights = totals / totals.sum()
        if np.abs(means - previous).max() < _TOLERANCE:
            break
        previous = means
        log_density = -0.5 * ((levels - means[:, None]) / deviations[:, None]) ** 2
        log_density += np.log(weights / deviations)[:, None]
        responsibilities = np.exp(log_density - log_density.max(axis=0))
        responsibilities /= responsibilities.sum(axis=0)
    return weights, means, deviations


def _otsu_threshold(levels: np.ndarray, counts: np.ndarray) -> float:
    below, total = np.cumsum(counts), counts.sum()
    sums = np.cumsum(counts * levels)
    below, sums_below = below[:-1], sums[:-1]
    between = (total * sums_below - below * sums[-1]) ** 2 / (below * (total - below))
    return float(levels[int(np.argmax(between))])


def _are_separated(means, deviations) -> bool:
    return abs(means[1] - means[0]) > _SEPARATION * np.sqrt(np.mean(deviations**2))


def _clipped_moments(levels: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    kept = np.ones(len(levels), dtype=bool)
    while True:
        mean, deviation = _moments(levels[kept], counts[kept])
        now = kept & (np.abs(levels - mean) <= _CLIPPING * deviation)
        if deviation == 0 or np.array_equal(now, kept):
            return mean, deviation
        kept = now
