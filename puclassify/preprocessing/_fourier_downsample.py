"""Downsampling by cropping the Fourier transform."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
from scipy import fft

from puclassify.grid import GridImage
from puclassify.preprocessing._micrograph_transformer import MicrographTransformer
from puclassify.preprocessing._parameters import check_number
from puclassify.preprocessing._pixel_size import check_pixel_size, stored_pixel_size

__all__ = ["FourierDownsample", "fourier_downsample"]

_ROWS_AT_ONCE = (
    256  # bounds the memory: only the kept columns of the spectrum are ever stored whole
)
_NEGLIGIBLE_FACTOR = 1.05
_LEAST_RESOLUTION = 128  # float32 steps in a standard deviation: rounding adds 1/440 of it


class FourierDownsample(MicrographTransformer):
    """Downsample micrographs by cropping their Fourier transform.

    Parameters
    ----------
    factor : float, (float, float) or "auto", default="auto"
        How many times fewer pixels along each axis, at least 1 and not necessarily whole; a pair is
        taken as (x, y). It is relative to the incoming grid. "auto" makes ``particle_diameter``
        span ``target_diameter`` grid points, counting the step that an image already has; images
        are never upsampled, and a factor below 1.05 leaves them untouched.
    particle_diameter : float or None, default=None
        Diameter of the particle in ångström; needed by "auto".
    pixel_size : float or "header", default=1.0
        Ångström per pixel of the micrographs as stored; 1.0 makes ``particle_diameter`` a number of
        stored pixels, "header" takes what each micrograph's header says.
    target_diameter : float, default=30.0
        Diameter of the particle after downsampling, in grid points; used by "auto".
    n_jobs : int or None, default=None
        How many micrographs are processed at once (a joblib setting).

    See Also
    --------
    NormalizeMicrograph : Brings the pixels of micrographs to a common scale.

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
        factor="auto",
        *,
        particle_diameter=None,
        pixel_size=1.0,
        target_diameter=30.0,
        n_jobs=None,
    ):
        self.factor = factor
        self.particle_diameter = particle_diameter
        self.pixel_size = pixel_size
        self.target_diameter = target_diameter
        self.n_jobs = n_jobs

    def _function(self):
        if not (isinstance(self.factor, str) and self.factor == "auto"):
            return partial(fourier_downsample, factor=_check_factor(self.factor))
        if self.particle_diameter is None:
            raise ValueError(
                'factor="auto" needs particle_diameter, got None; pass particle_diameter in '
                "ångström together with pixel_size, or a number as factor"
            )
        diameter = check_number(self.particle_diameter, "particle_diameter", "a positive number")
        target = check_number(self.target_diameter, "target_diameter", "a positive number")
        check_pixel_size(self.pixel_size)
        return partial(
            _downsample_to_step, wanted_step=diameter / target, pixel_size=self.pixel_size
        )


def fourier_downsample(image: GridImage, factor) -> GridImage:
    r"""Downsample one image by cropping its Fourier transform.

    Parameters
    ----------
    image : GridImage
        The image, of any real number type.
    factor : float or (float, float)
        How many times fewer pixels along both axes or along (x, y), at least 1.

    Returns
    -------
    GridImage
        An image of ``max(1, round(n / factor))`` pixels along an axis of ``n``, its step multiplied
        by the exact ratio of the two. Its first pixel sits where the first pixel of ``image`` does.
        It is float32, or float64 where float32 could not resolve the spread of the pixels beside
        their mean. If both sizes stay what they are, ``image`` itself, or a copy of the same type
        if it has pixels that are not finite.

    Raises
    ------
    ValueError
        If ``factor`` is below 1 or not a finite number or pair of numbers.

    Notes
    -----
    The result is the image with every frequency above the Nyquist limit of the new grid removed,
    sampled at the new grid points; the mean is kept. An image that had no such frequencies is
    reproduced exactly at these points. The image is taken as periodic. At an even new size, the
    frequencies :math:`\pm m/2` share a coefficient, which is then their sum.

    Pixels that are not finite are first replaced by the median of those that are, at every factor;
    setting padding to NaN keeps its edge from ringing into the image. The cost is that
    of a one-dimensional transform of each row, and of each column that is kept; sizes with large
    prime factors take a few times longer than round ones.

    Examples
    --------
    A wave that the smaller grid can hold is found again at every fourth pixel:

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
    pivot, fill = _pivot_and_fill(image.values)
    spectrum = _row_spectrum(image.values, new_width, pivot, fill)
    spectrum = _crop_rows(fft.fft(spectrum, axis=0, overwrite_x=True), new_height)
    if new_width % 2 == 0 and new_width < width:
        # irfft reads only the real part of this column, half of the sum of the two frequencies.
        spectrum[:, -1] *= 2
    spectrum *= np.float32(new_height * new_width / (height * width))
    values = fft.irfft(fft.ifft(spectrum, axis=0, overwrite_x=True), n=new_width, axis=1)
    values = _add_pivot(values, pivot, wide=_is_wide(image.values.dtype))
    small = image.with_values(values, step=(width / new_width, height / new_height))
    return _simplified(small)


def _downsample_to_step(image: GridImage, wanted_step: float, pixel_size) -> GridImage:
    """Downsample by what remains between the step of the image and the wanted one, in ångström."""
    wanted_step = wanted_step / stored_pixel_size(pixel_size, image)
    factor = wanted_step / image.step_xy
    return fourier_downsample(image, np.where(factor < _NEGLIGIBLE_FACTOR, 1.0, factor))


def _pivot_and_fill(values: np.ndarray) -> tuple[float, float]:
    """Return the mean, and what stands in for pixels that are not finite.

    Taking the mean out keeps float32 exact enough for counts of thousands with a spread of tens.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        mean = float(np.mean(values, dtype=np.float64))
    if np.isfinite(mean):
        return mean, mean
    finite = np.asarray(values[np.isfinite(values)], dtype=np.float64)
    if finite.size == 0:
        return 0.0, 0.0
    return float(np.mean(finite)), float(np.median(finite))


def _filled(image: GridImage) -> GridImage:
    """Replace pixels that are not finite; the image itself if there are none."""
    values = image.values
    if values.dtype.kind != "f":
        return image
    finite = np.isfinite(values)
    if finite.all():
        return image
    _, fill = _pivot_and_fill(values)
    return replace(image, values=np.where(finite, values, values.dtype.type(fill)))


def _is_wide(dtype: np.dtype) -> bool:
    """Tell whether float32 may be too narrow for pixels of this type."""
    return dtype.kind != "f" or dtype.itemsize > 4


def _add_pivot(values: np.ndarray, pivot: float, wide: bool) -> np.ndarray:
    """Put the mean back, in float64 if that is needed and ``wide`` pixels had more to give."""
    deviation = np.std(values)
    rounding, noise = (abs(pivot) * np.finfo(t).eps for t in (np.float32, np.float64))
    if wide and 100 * noise < deviation < _LEAST_RESOLUTION * rounding:
        return values + np.float64(pivot)
    values += np.float32(pivot)
    return values


def _row_spectrum(values: np.ndarray, new_width: int, pivot: float, fill: float) -> np.ndarray:
    """Transform every row and keep the frequencies that ``new_width`` columns can hold."""
    height, n_kept = values.shape[0], new_width // 2 + 1
    spectrum = np.empty((height, n_kept), dtype=np.complex64)
    for start in range(0, height, _ROWS_AT_ONCE):
        # In float64 a large pivot is removed before anything is rounded.
        precision: type[np.floating] = np.float64 if _is_wide(values.dtype) else np.float32
        block = values[start : start + _ROWS_AT_ONCE].astype(precision)
        if values.dtype.kind == "f":
            block[~np.isfinite(block)] = fill
        np.subtract(block, precision(pivot), out=block)
        rows = fft.rfft(block.astype(np.float32, copy=False), axis=1)
        spectrum[start : start + len(rows)] = rows[:, :n_kept]
    return spectrum


def _crop_rows(spectrum: np.ndarray, new_height: int) -> np.ndarray:
    """Keep the row frequencies that ``new_height`` rows can hold."""
    height = len(spectrum)
    if new_height == height:
        return spectrum
    n_negative = new_height // 2
    n_positive = new_height - n_negative
    cropped = np.concatenate([spectrum[:n_positive], spectrum[height - n_negative :]])
    if new_height % 2 == 0:
        cropped[n_positive] += spectrum[n_positive]
    return cropped


def _simplified(image: GridImage) -> GridImage:
    """Write equal steps and offsets along both axes as one number."""

    def collapse(pair):
        return float(pair[0]) if pair[0] == pair[1] else (float(pair[0]), float(pair[1]))

    return replace(image, step=collapse(image.step_xy), offset=collapse(image.offset_xy))


def _check_factor(factor) -> tuple[float, float]:
    expected = (
        "a number of at least 1 (images are never upsampled), an (x, y) pair of them, or "
        '"auto" in FourierDownsample'
    )
    try:
        pair = np.broadcast_to(np.asarray(factor, dtype=object), (2,)).tolist()
    except ValueError:
        raise ValueError(f"factor must be {expected}, got {factor!r}") from None
    x, y = (check_number(number, "factor", expected, least=1.0) for number in pair)
    return x, y
