"""Mean and spread of the pixels of an image's dominant material."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage

from puclassify._devices import all_finite
from puclassify.preprocessing._block_grid import BlockGrid, BlockStatistics, thinned
from puclassify.preprocessing._materials import dominant_material

__all__ = ["dominant_intensity"]

_N_BINS = 1 << 10
_BITS_BELOW_A_BIN = 14
_AT_ONCE_ON_A_CPU = 1 << 16  # pixels; what is computed of them stays in the cache
_CLIPPING = 4.0
_FEW_LEVELS = 16
_FLATNESS = 0.1


def dominant_intensity(values: torch.Tensor) -> tuple[float, float]:
    """Compute mean and standard deviation of the dominant material of an image.

    Parameters
    ----------
    values : Tensor of shape (height, width), float32
        An image around 0; pixels that are not finite are left out.

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

    What comes to the host are tables of some 1000 blocks or bins and a few single numbers.

    Examples
    --------
    >>> import torch
    >>> from puclassify.preprocessing._intensity import dominant_intensity
    >>> image = 5 + 2 * torch.randn(200, 200, generator=torch.Generator().manual_seed(0))
    >>> image[:, 150:] += 3.0
    >>> mean, standard_deviation = dominant_intensity(image)
    >>> round(mean, 1), round(standard_deviation, 1)
    (5.0, 2.0)
    """
    pixels = thinned(values).contiguous()
    if not all_finite(pixels):
        pixels = torch.where(pixels.isfinite(), pixels, np.nan)
    limits = _plausible_range(pixels)
    if limits[0] == limits[1]:
        return limits[0], 0.0
    grid = BlockGrid(pixels.shape)
    dominant = _dominant_blocks(grid.describe(pixels, *limits), *limits)
    if not dominant.all():
        inside = torch.where(grid.to_pixels(dominant, pixels.device), pixels, np.nan)
        mean, deviation = _clipped_moments(inside, *_plausible_range(inside))
        if deviation > 0:
            return mean, deviation
    return _clipped_moments(pixels, *limits)


def _plausible_range(pixels: torch.Tensor) -> tuple[float, float]:
    """Return limits that only outliers are beyond, the extremes where there is nothing better.

    Both are 0 if all pixels are missing.
    """
    some = pixels.view(-1)[:: max(1, pixels.numel() >> 16)]
    some = some[~some.isnan()]
    if len(some):
        n_beyond = len(some) // 100 + 1
        below = some.topk(n_beyond, largest=False, sorted=False).values
        above = some.topk(n_beyond, sorted=False).values
        low, high = torch.stack([below.amax(), above.amin()]).tolist()
        # Three times the middle 98 %: seven standard deviations of a Gaussian, without hot pixels.
        low, high = low - (high - low), high + (high - low)
        if low < high:
            return low, high
    present = pixels[~pixels.isnan()]
    if not len(present):
        return 0.0, 0.0
    low, high = torch.stack(present.aminmax()).tolist()
    return low, high


def _dominant_blocks(blocks: BlockStatistics, low: float, high: float) -> np.ndarray:
    """Return the blocks without those that are flat, of another material or touch such a block."""
    span = np.clip(blocks.highest, low, high) - np.clip(blocks.lowest, low, high)
    usable = 2 * blocks.n_pixels >= blocks.n_pixels.max()
    # A span of exactly 0 is not one: sparse counts have it where there happens to be none.
    flat = (span > 0) & (span < _FLATNESS * np.quantile(span[usable], 0.75))
    usable &= ~flat
    foreign = flat | (usable & ~dominant_material(blocks.mean.astype(np.float64), usable))
    inner = ~ndimage.binary_dilation(foreign, np.ones((3, 3)))
    return inner if 2 * np.count_nonzero(inner) > np.count_nonzero(~foreign) else ~foreign


def _clipped_moments(pixels: torch.Tensor, low: float, high: float) -> tuple[float, float]:
    """Return mean and standard deviation without outliers."""
    levels, counts = _histogram(pixels, low, high)
    # Median and median deviation are blind to opaque patches on a tenth of the image, which would
    # widen limits that were made from moments until they lie within.
    centre = _weighted_median(levels, counts)
    scale = 1.4826 * _weighted_median(np.abs(levels - centre), counts)
    inside = np.abs(levels - centre) <= _CLIPPING * scale
    if np.count_nonzero(inside) <= _FEW_LEVELS:
        inside[:] = True  # the rare 1 among the 0 of sparse counts is no outlier
    return _moments(levels[inside], counts[inside])


def _histogram(pixels: torch.Tensor, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean intensity and the number of pixels of every bin that has any."""
    if low == high:
        return np.array([low]), np.ones(1)
    # Whole units of a fine scale: sums of integers are the same in whatever order a GPU adds.
    # A little less than all fit between the limits, so that rounding leaves `high` within.
    n_units = _N_BINS << _BITS_BELOW_A_BIN
    scale = (n_units - 4) / (high - low)
    pixels = pixels.view(-1)
    table = pixels.new_zeros(2, _N_BINS + 2, dtype=torch.int64)
    for some in pixels.split(_AT_ONCE_ON_A_CPU if pixels.device.type == "cpu" else len(pixels)):
        # Missing pixels and those beyond the limits go to the first and the last bin.
        units = (some - low).mul_(scale).nan_to_num_(-1).clamp_(-1, n_units).long()
        bins = (units >> _BITS_BELOW_A_BIN).add_(1)
        table[0].scatter_add_(0, bins, torch.ones_like(bins))
        table[1].scatter_add_(0, bins, units)
    counts, sums = table[:, 1:-1].cpu().numpy().astype(np.float64)
    occupied = counts > 0
    return low + sums[occupied] / counts[occupied] / scale, counts[occupied]


def _moments(levels: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    mean = np.average(levels, weights=counts)
    return float(mean), float(np.sqrt(np.average((levels - mean) ** 2, weights=counts)))


def _weighted_median(levels: np.ndarray, counts: np.ndarray) -> float:
    """Return the median, between two gray levels if there are few."""
    order = np.argsort(levels)
    counts = counts[order]
    return float(np.interp(counts.sum() / 2, np.cumsum(counts) - counts / 2, levels[order]))
