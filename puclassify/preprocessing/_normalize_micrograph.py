"""Normalising the pixels of micrographs to a common scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from scipy.fft import next_fast_len

from puclassify._devices import all_finite, as_tensor, empty_image, like, rows_at_once
from puclassify._parameters import check_flag, check_number, check_option
from puclassify.grid import GridImage
from puclassify.preprocessing._dead_regions import without_dead_regions
from puclassify.preprocessing._gray_scale import GrayScale
from puclassify.preprocessing._intensity import dominant_intensity
from puclassify.preprocessing._micrograph_transformer import MicrographTransformer

__all__ = ["NormalizeMicrograph", "normalize_micrograph"]

_METHODS = ("mixture", "standard")


class NormalizeMicrograph(MicrographTransformer):
    """Shift and scale the pixels of micrographs, robust to carbon, padding and hot pixels.

    Parameters
    ----------
    method : {"mixture", "standard"}, default="mixture"
        "mixture" models the image as a mixture of materials and uses the mean and standard
        deviation of the dominant one, so that a carbon edge does not shift the ice beside it;
        "standard" uses those of all pixels.
    background_radius : float or None, default=None
        If set, a local background is subtracted first: an average with Gaussian weights of this
        standard deviation, in pixels of the micrograph as stored. Meant for strong gradients of
        the ice; choose several times the particle diameter. Within that distance of the borders a
        gradient is removed only partly.
    clip : float or None, default=10.0
        Normalised pixels beyond this many standard deviations are set to the limit. Noise and
        protein do not reach 10; hot pixels, gold and ice crystals do, and would outweigh everything
        else in a convolution. None turns clipping off.
    invert : bool, default=False
        Whether to negate the normalised pixels, for micrographs in which particles are brighter
        than the ice.
    n_jobs : int or None, default=None
        Number of micrographs processed in parallel (a joblib setting).

    See Also
    --------
    FourierDownsample : Downsamples micrographs; normalising is cheaper afterwards.

    Notes
    -----
    See `normalize_micrograph` for the computation.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify.preprocessing import NormalizeMicrograph
    >>> micrograph = np.random.default_rng(0).normal(7000.0, 50.0, (256, 256))
    >>> micrograph[:, :60] -= 75.0  # carbon
    >>> (image,) = NormalizeMicrograph().fit_transform([micrograph])
    >>> ice = image.values[:, 60:]
    >>> abs(ice.mean()) < 0.01, abs(ice.std() - 1) < 0.01
    (np.True_, np.True_)
    """

    def __init__(
        self,
        method: str = "mixture",
        *,
        background_radius: float | None = None,
        clip: float | None = 10.0,
        invert: bool = False,
        n_jobs: int | None = None,
    ):
        self.method = method
        self.background_radius = background_radius
        self.clip = clip
        self.invert = invert
        self.n_jobs = n_jobs

    def image_function(self) -> Callable[[GridImage], GridImage]:
        _check_parameters(self.method, self.background_radius, self.clip)
        check_flag(self.invert, "invert")
        return partial(
            normalize_micrograph,
            method=self.method,
            background_radius=self.background_radius,
            clip=self.clip,
            invert=self.invert,
        )


def normalize_micrograph(
    image: GridImage,
    method: str = "mixture",
    *,
    background_radius: float | None = None,
    clip: float | None = 10.0,
    invert: bool = False,
) -> GridImage:
    r"""Shift and scale the pixels of one image.

    Parameters
    ----------
    image : GridImage
        The image, of any real number type. If its values are a tensor, they are processed on the
        tensor's device and the result stays there.
    method : {"mixture", "standard"}, default="mixture"
        Whether to use mean and standard deviation of the dominant material or of all pixels.
    background_radius : float or None, default=None
        Standard deviation, in stored pixels, of the Gaussian weights of a local background to
        subtract first.
    clip : float or None, default=10.0
        Limit of the normalised pixels, in standard deviations.
    invert : bool, default=False
        Whether to negate the normalised pixels.

    Returns
    -------
    GridImage
        A float32 image on the same grid. Pixels that are not finite are ignored and become 0, as do
        regions of one constant value, such as padding, with "mixture". A constant image becomes
        all 0.

    Raises
    ------
    ValueError
        If ``method`` is unknown, or ``background_radius`` or ``clip`` is not positive.

    Notes
    -----
    The result is :math:`(x - \mu)/\sigma`. It does not change if a constant is added to the pixels
    or they are multiplied by a positive one.

    With "mixture", large regions with an edge between them, such as ice and carbon film, are
    separated by the means of about 32 x 32 blocks, in which the noise averages out and a step of
    half a standard deviation stands out; a gradient of the ice, particles and small contaminants
    count as one material. :math:`\mu` and :math:`\sigma` are those of the pixels of the larger
    region without outliers. This is the field's two-component mixture (Bepler et al. 2019, Nat.
    Methods 16, 1153) with neighbouring pixels in the same component; in a histogram alone, two
    components less than three standard deviations apart look like one ramp of intensities.

    A region counts as constant if it fills whole blocks with a value that is not an ordinary gray
    level elsewhere, so images with few gray levels and sparse counts are safe. Filtering makes the
    edge of padding ring; `fourier_downsample` fills it first, before other filters set it to NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify.grid import GridImage
    >>> from puclassify.preprocessing import normalize_micrograph
    >>> image = GridImage(np.array([[1.0, 3.0], [1.0, np.nan]]))
    >>> normalize_micrograph(image, method="standard").values.round(3)
    array([[-0.707,  1.414],
           [-0.707,  0.   ]], dtype=float32)
    """
    _check_parameters(method, background_radius, clip)
    pixels = as_tensor(image.values)
    scale, n_rows = GrayScale.of(pixels), rows_at_once(pixels, image.shape[1])
    values = empty_image(image.shape, pixels.device)
    for rows, out in zip(pixels.split(n_rows), values.split(n_rows), strict=True):
        scale.deviations(rows, out)
    if method == "mixture":
        values = without_dead_regions(values)
    if background_radius is not None:
        values -= _background(values, background_radius / image.step_xy[::-1])
    mean, deviation = dominant_intensity(values) if method == "mixture" else _moments(values)
    for rows in values.split(n_rows):
        if deviation == 0:
            rows.zero_()
        else:
            rows.sub_(mean).mul_((-1 if invert else 1) / deviation).nan_to_num_(
                0, posinf=0, neginf=0
            )
            if clip is not None:
                rows.clamp_(-clip, clip)
    return replace(image, values=like(image.values, values))


def _background(values: torch.Tensor, deviations: np.ndarray) -> torch.Tensor:
    """Average the finite pixels around every pixel with Gaussian weights.

    Dividing the blurred pixels by the blurred mask makes the average right at the borders and
    beside pixels that are not finite.
    """
    finite = values.isfinite()
    padded = [
        next_fast_len(n + int(np.ceil(min(4 * deviation, 2 * n))), real=True)
        for n, deviation in zip(values.shape, deviations)
    ]
    frequencies = np.fft.fftfreq(padded[0])[:, None], np.fft.rfftfreq(padded[1])
    # A Gaussian is the product of one along each axis.
    down, across = (
        torch.from_numpy(np.exp(-2 * np.pi**2 * (f * d) ** 2)).float().to(values.device)
        for f, d in zip(frequencies, deviations)
    )

    def blur(image: torch.Tensor) -> torch.Tensor:
        spectrum = torch.fft.rfft2(image, padded).mul_(down).mul_(across)
        return torch.fft.irfft2(spectrum, padded)[: values.shape[0], : values.shape[1]]

    return blur(values.masked_fill(~finite, 0)).div_(blur(finite.float()).clamp_(min=1e-6))


def _moments(values: torch.Tensor) -> tuple[float, float]:
    finite = values if all_finite(values) else values[values.isfinite()]
    if finite.numel() == 0 or finite.amin() == finite.amax():
        return 0.0, 0.0
    deviation, mean = torch.stack(torch.std_mean(finite.double(), correction=0)).tolist()
    return mean, deviation


def _check_parameters(method: Any, background_radius: Any, clip: Any) -> None:
    check_option(method, "method", _METHODS)
    for name, value in (("background_radius", background_radius), ("clip", clip)):
        if value is not None:
            check_number(value, name, "a positive number or None", above=0)
