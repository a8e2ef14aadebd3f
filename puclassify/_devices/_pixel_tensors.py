"""Stored pixels as tensors: one implementation serves arrays and tensors on any device."""

from __future__ import annotations

import math

import numpy as np
import torch

__all__ = ["all_finite", "as_tensor", "at_once", "centred", "empty_image", "like", "pivot_of"]

_EXACT_IN_FLOAT32 = {
    torch.bool,
    torch.uint8,
    torch.int8,
    torch.int16,
    torch.uint16,
    torch.float16,
    torch.bfloat16,
    torch.float32,
}
_SAMPLES_ALONG_AN_AXIS = 256
_PIXELS_IN_A_CACHE = 1 << 19
_PIXELS_FOR_A_GPU = 1 << 24


def as_tensor(values) -> torch.Tensor:
    """Return an image as a tensor of the type it is stored in.

    Parameters
    ----------
    values : ndarray or Tensor of shape (height, width)
        The pixels, of any real number type.

    Returns
    -------
    Tensor
        A tensor itself. An array's pixels without a copy, if they are of a type that torch has and
        in the byte order of this machine; they may be read-only and must not be written to.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify._devices._pixel_tensors import as_tensor
    >>> as_tensor(np.array([[1, 2]], ">i2"))
    tensor([[1, 2]], dtype=torch.int16)
    """
    if isinstance(values, torch.Tensor):
        return values
    values = np.asarray(values)
    if values.dtype.itemsize > 8:
        values = values.astype(np.float64)  # torch has nothing longer
    values = np.asarray(values, values.dtype.newbyteorder("="))
    if min(values.strides) < 0:
        values = values.copy()
    return torch.from_numpy(values if values.flags.writeable else np.asarray(_Writeable(values)))


class _Writeable:
    """A read-only array, such as a memory-mapped micrograph, that says it can be written to.

    torch has no read-only tensors and warns of arrays that are. Nothing here writes to pixels of
    the caller, and a copy of every micrograph would cost more than the warning is worth.
    """

    def __init__(self, array: np.ndarray):
        address, _ = array.__array_interface__["data"]
        self.__array_interface__ = array.__array_interface__ | {"data": (address, False)}
        self._owner = array


def like(values, pixels: torch.Tensor):
    """Return computed pixels as what the image was given as.

    Parameters
    ----------
    values : ndarray or Tensor
        What the image was given as.
    pixels : Tensor
        The result.

    Returns
    -------
    ndarray or Tensor
        A tensor for a tensor, an array for an array.
    """
    return pixels if isinstance(values, torch.Tensor) else pixels.numpy()


def at_once(pixels: torch.Tensor, length: int) -> int:
    """Return how many rows to take at once through several steps of a computation.

    Parameters
    ----------
    pixels : Tensor
        Tells the device.
    length : int
        Number of pixels in a row.

    Returns
    -------
    int
        As many as stay in the cache of a core, or as keep a GPU busy without filling its memory.
    """
    on_cpu = pixels.device.type == "cpu"
    return max(1, (_PIXELS_IN_A_CACHE if on_cpu else _PIXELS_FOR_A_GPU) // length)


def empty_image(shape, device: torch.device, dtype=torch.float32) -> torch.Tensor:
    """Allocate a large tensor.

    Parameters
    ----------
    shape : (int, int)
        Height and width.
    device : torch.device
        Where.
    dtype : {torch.float32, torch.complex64}, default=torch.float32
        Type of the elements.

    Returns
    -------
    Tensor
        Its elements are not set.
    """
    if device.type != "cpu":
        return torch.empty(shape, device=device, dtype=dtype)
    # NumPy asks the system for huge pages. Filling small ones for the first time takes four times
    # as long as the arithmetic.
    return torch.from_numpy(
        np.empty(shape, np.float32 if dtype.is_floating_point else np.complex64)
    )


def pivot_of(pixels: torch.Tensor) -> torch.Tensor:
    """Return a value in the middle of the pixels of an image.

    Taking it out keeps float32 exact enough for counts of thousands with a spread of tens.

    Parameters
    ----------
    pixels : Tensor of shape (height, width)
        The image; pixels that are not finite do not count.

    Returns
    -------
    Tensor of shape (), float64
        The median of some of the pixels, on their device; 0 if none of them is finite.
    """
    stride = max(1, max(pixels.shape) // _SAMPLES_ALONG_AN_AXIS)
    some = pixels[::stride, ::stride].double()
    some = torch.where(some.isfinite(), some, math.nan)
    return some.nanmedian().nan_to_num()


def centred(pixels: torch.Tensor, pivot: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    """Write the differences of pixels to a pivot into a float32 tensor.

    Parameters
    ----------
    pixels : Tensor
        The pixels, of any real number type.
    pivot : Tensor of shape (), float64
        What is subtracted, before anything is rounded.
    out : Tensor of the shape of ``pixels``, float32
        Where to.

    Returns
    -------
    Tensor
        The same as ``out``.
    """
    if pixels.dtype in _EXACT_IN_FLOAT32:
        return out.copy_(pixels).sub_(pivot.float())
    return out.copy_(pixels.double() - pivot)


def all_finite(pixels: torch.Tensor) -> bool:
    """Tell whether all pixels are finite; the answer comes to the host.

    Parameters
    ----------
    pixels : Tensor
        The pixels, of a floating-point type.

    Returns
    -------
    bool
        True if none is NaN or infinite.
    """
    # The extremes of anything with a NaN are NaN; this reads every pixel once and stores nothing.
    return bool(torch.stack(pixels.aminmax()).isfinite().all())
