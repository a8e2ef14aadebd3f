"""Mean and standard deviation of the pixels of an image's dominant material."""

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
_CHUNK_ON_A_CPU = 1 << 16  # pixels, so that intermediate results stay in the cache
_CLIPPING = 4.0
_FEW_LEVELS = 16
_FLATNESS = 0.1


def dominant_intensity(values: torch.Tensor) -> tuple[float, float]:
    """Return mean and standard deviation of the dominant material of an image around 0.

    Pixels that are not finite are ignored; the standard deviation is 0 only for a constant image.

    Carbon a single standard deviation away from the ice widens the pixel histogram but leaves it
    with one maximum; in the means of blocks the noise is gone and the two are far apart. So regions
    are separated on about 32 x 32 blocks (see `dominant_material`), and the result is that of all
    pixels in blocks of the dominant material that touch no other. Blocks whose pixels span less
    than a tenth of the usual range, such as padding that went through a filter, are left out.

    Pixels further than four standard deviations (1.4826 median absolute deviations) from the
    median are outliers, unless there are only a few gray levels. About a million pixels are used,
    and moments are computed from their histogram. Only tables of some 1000 blocks or bins and a
    few single numbers are copied to the host.
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
    """Return limits that only outliers exceed, else the extremes; (0, 0) if there are no pixels."""
    sample = pixels.view(-1)[:: max(1, pixels.numel() >> 16)]
    sample = sample[~sample.isnan()]
    if len(sample):
        n_beyond = len(sample) // 100 + 1
        below = sample.topk(n_beyond, largest=False, sorted=False).values
        above = sample.topk(n_beyond, sorted=False).values
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
    """Return the blocks of the dominant material that are not flat and touch no other block."""
    span = np.clip(blocks.highest, low, high) - np.clip(blocks.lowest, low, high)
    usable = 2 * blocks.n_pixels >= blocks.n_pixels.max()
    # A span of exactly 0 is not flat: sparse counts have it where no electron was counted.
    flat = (span > 0) & (span < _FLATNESS * np.quantile(span[usable], 0.75))
    usable &= ~flat
    foreign = flat | (usable & ~dominant_material(blocks.mean.astype(np.float64), usable))
    inner = ~ndimage.binary_dilation(foreign, np.ones((3, 3)))
    return inner if 2 * np.count_nonzero(inner) > np.count_nonzero(~foreign) else ~foreign


def _clipped_moments(pixels: torch.Tensor, low: float, high: float) -> tuple[float, float]:
    """Return mean and standard deviation without outliers."""
    levels, counts = _histogram(pixels, low, high)
    # Median and median deviation ignore opaque patches on a tenth of the image, which would widen
    # limits computed from moments until the patches lie within.
    centre = _weighted_median(levels, counts)
    scale = 1.4826 * _weighted_median(np.abs(levels - centre), counts)
    inside = np.abs(levels - centre) <= _CLIPPING * scale
    if np.count_nonzero(inside) <= _FEW_LEVELS:
        inside[:] = True  # the rare 1 among the 0 of sparse counts is not an outlier
    return _moments(levels[inside], counts[inside])


def _histogram(pixels: torch.Tensor, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean intensity and the number of pixels of every bin that is not empty."""
    if low == high:
        return np.array([low]), np.ones(1)
    # Whole units of a fine scale: sums of integers do not depend on the order of a GPU's additions.
    # Slightly fewer units than possible span the limits, so that rounding keeps `high` inside.
    n_units = _N_BINS << _BITS_BELOW_A_BIN
    scale = (n_units - 4) / (high - low)
    pixels = pixels.view(-1)
    table = pixels.new_zeros(2, _N_BINS + 2, dtype=torch.int64)
    for chunk in pixels.split(_CHUNK_ON_A_CPU if pixels.device.type == "cpu" else len(pixels)):
        # Missing pixels and those beyond the limits go to the first and the last bin.
        units = (chunk - low).mul_(scale).nan_to_num_(-1).clamp_(-1, n_units).long()
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
    """Return the median, interpolated between gray levels if there are few."""
    order = np.argsort(levels)
    counts = counts[order]
    return float(np.interp(counts.sum() / 2, np.cumsum(counts) - counts / 2, levels[order]))
