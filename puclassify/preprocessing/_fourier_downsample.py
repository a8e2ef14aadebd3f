"""Downsampling by cropping the Fourier transform."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from puclassify._devices import as_tensor, empty_image, like, put_rows, rows_at_once
from puclassify._parameters import check_number, check_pair
from puclassify._pixel_size import check_pixel_size, stored_pixel_size
from puclassify.grid import GridImage
from puclassify.preprocessing._damaged_pixels import Damage, DamageScan
from puclassify.preprocessing._gray_scale import GrayScale
from puclassify.preprocessing._micrograph_transformer import MicrographTransformer
from puclassify.preprocessing._transforms import (
    fft_of_columns,
    ifft_of_columns,
    irfft_of_rows,
    rfft_of_rows,
)

__all__ = ["FourierDownsample", "fourier_downsample"]

_NEGLIGIBLE_FACTOR = 1.05
_SMALL_FACTOR = 2 / 3  # below which particles are too small for the stride of a network
_MOST_PIXELS = 8192**2  # of a grid that was made finer
_LEAST_RESOLUTION = 128  # float32 steps in a standard deviation: rounding adds 1/440 of it


class FourierDownsample(MicrographTransformer):
    """Downsample micrographs by cropping their Fourier transform.

    Parameters
    ----------
    factor : float, (float, float) or "auto", default="auto"
        Factor by which the number of pixels along each axis is reduced, relative to the incoming
        grid: at least 1, not necessarily whole; a pair is (x, y). "auto" makes
        ``particle_diameter`` span ``target_diameter`` grid points, taking into account the step
        that an image already has. Images are unchanged if the factor would be between 2/3 and 1.05;
        below that, where particles are small, the grid becomes finer, up to 8192 x 8192 points.
    particle_diameter : float or None, default=None
        Diameter of the particle in ångström; required by "auto".
    pixel_size : float or "header", default=1.0
        Ångström per pixel of the micrographs as stored. With 1.0 ``particle_diameter`` is in stored
        pixels; "header" reads each micrograph's header.
    target_diameter : float, default=30.0
        Diameter of the particle after downsampling, in grid points; used by "auto".
    n_jobs : int or None, default=None
        Number of micrographs processed in parallel (a joblib setting).

    See Also
    --------
    NormalizeMicrograph : Normalises the pixels of micrographs to a common scale.

    Notes
    -----
    See `fourier_downsample` for the computation.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify.preprocessing import FourierDownsample
    >>> micrographs = [np.zeros((512, 480)), np.zeros((300, 400))]
    >>> FourierDownsample(particle_diameter=180.0, pixel_size=1.5).fit_transform(micrographs)
    array([GridImage('micrograph_0000', 128 x 120, step=4.0, offset=0.0, pixel_size=None),
           GridImage('micrograph_0001', 75 x 100, step=4.0, offset=0.0, pixel_size=None)],
          dtype=object)
    """

    def __init__(
        self,
        factor: float | tuple[float, float] | str = "auto",
        *,
        particle_diameter: float | None = None,
        pixel_size: float | str = 1.0,
        target_diameter: float = 30.0,
        n_jobs: int | None = None,
    ):
        self.factor = factor
        self.particle_diameter = particle_diameter
        self.pixel_size = pixel_size
        self.target_diameter = target_diameter
        self.n_jobs = n_jobs

    def image_function(self) -> Callable[[GridImage], GridImage]:
        expected = "a positive number of ångström"
        if self.particle_diameter is not None:
            check_number(self.particle_diameter, "particle_diameter", expected, above=0)
        expected = "a positive number of grid points"
        target = check_number(self.target_diameter, "target_diameter", expected, above=0)
        check_pixel_size(self.pixel_size)
        if not (isinstance(self.factor, str) and self.factor == "auto"):
            return partial(fourier_downsample, factor=_check_factor(self.factor))
        if self.particle_diameter is None:
            raise ValueError(
                'factor="auto" needs particle_diameter, got None; pass particle_diameter in '
                "ångström together with pixel_size, or a number as factor"
            )
        wanted_step = self.particle_diameter / target
        return partial(_downsample_to_step, wanted_step=wanted_step, pixel_size=self.pixel_size)


def fourier_downsample(image: GridImage, factor: ArrayLike) -> GridImage:
    r"""Downsample one image by cropping its Fourier transform.

    Parameters
    ----------
    image : GridImage
        The image, of any real number type. If its values are a tensor, they are processed on the
        tensor's device and the result stays there.
    factor : float or (float, float)
        Factor by which the number of pixels is reduced along both axes or along (x, y), at least 1.

    Returns
    -------
    GridImage
        An image of ``max(1, round(n / factor))`` pixels along an axis of ``n``, with the step
        multiplied by the exact ratio of the two. Its first pixel lies where the first pixel of
        ``image`` does. It is float32, or float64 where float32 could not hold the pixels or resolve
        their spread around the mean. If both sizes stay the same, it is ``image`` itself, or a copy
        of the same type if that has damaged pixels.

    Raises
    ------
    ValueError
        If ``factor`` is not a finite number >= 1 or a pair of them.

    Notes
    -----
    Every frequency above the Nyquist limit of the new grid is removed, and the result is sampled at
    the new grid points; the mean is kept. An image without such frequencies is reproduced exactly
    at these points. The image is treated as periodic. At an even new size m, the frequencies
    :math:`\pm m/2` share a coefficient, their sum.

    Damaged pixels are first filled with the mean of those around them, at every factor, since they
    would ring into the image: pixels that are not finite; rows and columns of one value, also in
    part, and regions of them, such as a frame of zeros, unless the value is common elsewhere;
    pixels more than 20 robust standard deviations from the median that belong to nothing 4 pixels
    thick, which gold, ice and carbon are; and whatever is beyond 50. Grid points with nothing but
    damaged pixels around are set to the median, so that `normalize_micrograph` finds large dead
    regions. Other pixels are not changed. The cost is a one-dimensional
    transform of each row and of each remaining column; sizes with large prime factors take a few
    times longer than round ones.

    Examples
    --------
    A wave that the smaller grid can represent is reproduced at every fourth pixel:

    >>> import numpy as np
    >>> from puclassify.grid import GridImage
    >>> from puclassify.preprocessing import fourier_downsample
    >>> wave = np.cos(2 * np.pi * np.arange(32) / 16) * np.ones((32, 1))
    >>> small = fourier_downsample(GridImage(wave), 4)
    >>> small
    GridImage(8 x 8, step=4.0, offset=0.0, pixel_size=None)
    >>> np.abs(small.values - wave[::4, ::4]).max() < 1e-6
    np.True_
    """
    height, width = image.shape
    factor_x, factor_y = _check_factor(factor)
    new_height, new_width = (
        max(1, round(n / f)) for n, f in zip(image.shape, (factor_y, factor_x))
    )
    if (new_height, new_width) == image.shape:
        return _filled(image)
    pixels = as_tensor(image.values)
    scale = GrayScale.of(pixels)
    spectrum, damage = _row_spectrum(pixels, new_width // 2 + 1, scale)
    spectrum = _crop_columns(spectrum, new_height)
    if new_width % 2 == 0 and new_width < width:
        # Only the real part of this column is used, which is half the sum of the two frequencies.
        spectrum[:, -1] *= 2
    spectrum *= new_height * new_width / (height * width)
    values = irfft_of_rows(spectrum, new_width)
    if damage is not None:
        values.masked_fill_(_inside(damage.damaged, (new_height, new_width)), scale.centre)
    values = _stored(values, scale, wide=_is_wide(pixels.dtype))
    small = image.with_values(
        like(image.values, values), step=(width / new_width, height / new_height)
    )
    return _simplified(small)


def _downsample_to_step(image: GridImage, wanted_step: float, pixel_size: float | str) -> GridImage:
    """Downsample to a step in ångström, taking into account the step that the image has."""
    wanted_step = wanted_step / stored_pixel_size(pixel_size, image)
    factor = wanted_step / image.step_xy
    if (factor < _SMALL_FACTOR).all():
        return _on_finer_grid(image, factor)
    return fourier_downsample(image, np.where(factor < _NEGLIGIBLE_FACTOR, 1.0, factor))


def _on_finer_grid(image: GridImage, factor: np.ndarray) -> GridImage:
    """Interpolate an image on a finer grid, with no frequencies that it does not have.

    ``factor`` are its steps along x and y in units of the present ones, below 1. The first pixel
    stays where it is.
    """
    height, width = image.shape
    least = np.sqrt(height * width / _MOST_PIXELS)
    factor_x, factor_y = np.minimum(np.maximum(factor, least), 1.0)
    new_height, new_width = round(height / factor_y), round(width / factor_x)
    pixels = as_tensor(_filled(image).values)
    scale = GrayScale.of(pixels)
    spectrum = torch.fft.rfft2(scale.deviations(pixels, empty_image(pixels.shape, pixels.device)))
    # At an even size the highest frequency stands for two, of which each gets a half.
    if width % 2 == 0 and new_width > width:
        spectrum[:, -1] /= 2
    if height % 2 == 0 and new_height > height:
        spectrum[height // 2] /= 2
    n_positive = height - height // 2
    finer = spectrum.new_zeros((new_height, new_width // 2 + 1))
    finer[:n_positive, : width // 2 + 1] = spectrum[:n_positive]
    finer[new_height - height // 2 :, : width // 2 + 1] = spectrum[n_positive:]
    if height % 2 == 0 and new_height > height:
        finer[height // 2, : width // 2 + 1] = spectrum[height // 2]
    finer *= new_height * new_width / (height * width)
    values = torch.fft.irfft2(finer, s=(new_height, new_width))
    values = _stored(values, scale, wide=_is_wide(pixels.dtype))
    step = (width / new_width, height / new_height)
    return _simplified(image.with_values(like(image.values, values), step=step))


def _filled(image: GridImage) -> GridImage:
    """Fill damaged pixels; return the image itself if there are none."""
    pixels = as_tensor(image.values)
    if pixels.dtype == torch.bool:
        return image
    scale = GrayScale.of(pixels)
    scan, n_rows = DamageScan(pixels, scale), rows_at_once(pixels, image.shape[1])
    buffer = empty_image((n_rows, image.shape[1]), pixels.device)
    for first, rows in zip(range(0, len(pixels), n_rows), pixels.split(n_rows), strict=True):
        scan.see(first, scale.deviations(rows, buffer[: len(rows)]))
    damage = scan.damage()
    if damage is None:
        return image
    filled = pixels.clone()
    for index, values in damage.repaired_rows(n_rows):
        levels = values.double() * scale.unit + scale.pivot
        if not pixels.dtype.is_floating_point:
            levels = levels.round()
        put_rows(filled, index, levels.to(pixels.dtype), damage.damaged[index])
    return replace(image, values=like(image.values, filled))


def _is_wide(dtype: torch.dtype) -> bool:
    """Return whether float32 may be too narrow for pixels of this type."""
    return not dtype.is_floating_point or dtype.itemsize > 4


def _stored(values: torch.Tensor, scale: GrayScale, wide: bool) -> torch.Tensor:
    """Return the pixels of deviations: float64 if float32 would lose detail of ``wide`` pixels."""
    if scale.unit != 1:
        return values.double() * scale.unit + scale.pivot
    pivot = scale.pivot
    if wide:
        # Two numbers are copied to the host.
        deviation, size = torch.stack([values.std(correction=0).double(), pivot.abs()]).tolist()
        rounding, noise = (size * np.finfo(t).eps for t in (np.float32, np.float64))
        if 100 * noise < deviation < _LEAST_RESOLUTION * rounding:
            return values + pivot.expand(1)
    return values.add_(pivot.float())


def _inside(damaged: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
    """Return the points of a smaller grid with only damaged pixels as far as the next ones."""
    for axis, n_points in enumerate(shape):
        n = damaged.shape[axis]
        if n_points == n:
            continue
        step = n / n_points
        centres = torch.arange(n_points, device=damaged.device) * step
        around = [
            (centres + d * step).round().long().clamp(0, n - 1) for d in (-1, -0.5, 0, 0.5, 1)
        ]
        damaged = torch.stack([damaged.index_select(axis, index) for index in around]).all(dim=0)
    return damaged


def _row_spectrum(
    pixels: torch.Tensor, n_kept: int, scale: GrayScale
) -> tuple[torch.Tensor, Damage | None]:
    """Transform the deviations of every row, and keep the lowest ``n_kept`` frequencies.

    Rows are processed in chunks, so that the whole spectrum is never stored. Rows with damage are
    repaired and transformed again; it is returned, too, None if there is none.
    """
    height, width = pixels.shape
    n_rows = rows_at_once(pixels, width)
    rows = empty_image((n_rows, width), pixels.device)
    spectra = empty_image((n_rows, width // 2 + 1), pixels.device, torch.complex64)
    kept = empty_image((height, n_kept), pixels.device, torch.complex64)
    scan = DamageScan(pixels, scale)
    for index, chunk in enumerate(pixels.split(n_rows)):
        first, n = index * n_rows, len(chunk)
        scan.see(first, scale.deviations(chunk, rows[:n]))
        kept[first : first + n] = rfft_of_rows(rows[:n], spectra[:n])[:, :n_kept]
    damage = scan.damage()
    if damage is not None:
        for indices, repaired in damage.repaired_rows(n_rows):
            kept[indices] = rfft_of_rows(repaired, spectra[: len(indices)])[:, :n_kept]
    return kept, damage


def _crop_columns(spectrum: torch.Tensor, new_height: int) -> torch.Tensor:
    """Downsample every column of row spectra."""
    height, width = spectrum.shape
    if new_height == height:
        return spectrum
    cropped = empty_image((new_height, width), spectrum.device, torch.complex64)
    n_columns = rows_at_once(spectrum, 2 * height)
    for columns, out in zip(spectrum.split(n_columns, 1), cropped.split(n_columns, 1), strict=True):
        out.copy_(ifft_of_columns(_crop_rows(fft_of_columns(columns), new_height)))
    return cropped


def _crop_rows(spectrum: torch.Tensor, new_height: int) -> torch.Tensor:
    """Keep the row frequencies that ``new_height`` rows can represent."""
    height = len(spectrum)
    n_negative = new_height // 2
    n_positive = new_height - n_negative
    cropped = torch.cat([spectrum[:n_positive], spectrum[height - n_negative :]])
    if new_height % 2 == 0:
        cropped[n_positive] += spectrum[n_positive]
    return cropped


def _simplified(image: GridImage) -> GridImage:
    """Write equal steps and offsets along both axes as one number."""

    def collapse(pair: np.ndarray) -> float | tuple[float, float]:
        return float(pair[0]) if pair[0] == pair[1] else (float(pair[0]), float(pair[1]))

    return replace(image, step=collapse(image.step_xy), offset=collapse(image.offset_xy))


def _check_factor(factor: Any) -> tuple[float, float]:
    expected = (
        "a number of at least 1 (images are never upsampled), an (x, y) pair of them, or "
        '"auto" in FourierDownsample'
    )
    return check_pair(factor, "factor", expected, at_least=1)
