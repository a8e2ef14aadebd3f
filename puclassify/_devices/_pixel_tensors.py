"""Stored pixels as tensors, so that one implementation serves arrays and every device."""

from __future__ import annotations

import math

import numpy as np
import torch

__all__ = [
    "all_finite",
    "as_tensor",
    "centred",
    "empty_image",
    "like",
    "on_host",
    "pivot_of",
    "put_rows",
    "rows_at_once",
    "some_of",
    "take_rows",
]

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
_SIGNED = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}
_SAMPLES_ALONG_AN_AXIS = 256
_PIXELS_IN_A_CACHE = 1 << 18
_PIXELS_FOR_A_GPU = 1 << 24


def as_tensor(values) -> torch.Tensor:
    """Return pixels as a tensor of the type they are stored in, without a copy where possible.

    The tensor may be read-only memory and must not be written to.
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
    """A read-only array, such as a memory-mapped micrograph, that claims to be writeable.

    torch has no read-only tensors and warns of such arrays. Nothing here writes to the caller's
    pixels, and a copy of every micrograph would cost more than the warning is worth.
    """

    def __init__(self, array: np.ndarray):
        address, _ = array.__array_interface__["data"]
        self.__array_interface__ = array.__array_interface__ | {"data": (address, False)}
        self._owner = array


def like(values: np.ndarray | torch.Tensor, pixels: torch.Tensor) -> np.ndarray | torch.Tensor:
    """Return computed pixels as a tensor if ``values`` is one, else as an array."""
    return pixels if isinstance(values, torch.Tensor) else pixels.numpy()


def rows_at_once(pixels: torch.Tensor, length: int) -> int:
    """Return how many rows of ``length`` pixels to process together.

    So many stay in the cache of a core, or keep a GPU busy without filling its memory.
    """
    on_cpu = pixels.device.type == "cpu"
    return max(1, (_PIXELS_IN_A_CACHE if on_cpu else _PIXELS_FOR_A_GPU) // length)


def empty_image(shape, device: torch.device, dtype=torch.float32) -> torch.Tensor:
    """Allocate a large tensor of float32 or complex64, whose elements are not set."""
    if device.type != "cpu":
        return torch.empty(shape, device=device, dtype=dtype)
    # NumPy asks the system for huge pages. Filling small ones for the first time takes four times
    # as long as the arithmetic.
    return torch.from_numpy(
        np.empty(shape, np.float32 if dtype.is_floating_point else np.complex64)
    )


def pivot_of(some: torch.Tensor) -> torch.Tensor:
    """Return the median of some pixels (`some_of`), as a float64 scalar on their device.

    Subtracting it keeps float32 exact enough for counts of thousands with a spread of tens. It is 0
    if no pixel is finite.
    """
    return some.nanmedian().nan_to_num()


def some_of(pixels: torch.Tensor) -> torch.Tensor:
    """Return some pixels of all parts as float64, with NaN for those that are not finite."""
    stride = max(1, max(pixels.shape) // _SAMPLES_ALONG_AN_AXIS)
    some = pixels[::stride, ::stride].double()
    return torch.where(some.isfinite(), some, math.nan)


def centred(
    pixels: torch.Tensor, pivot: torch.Tensor, out: torch.Tensor, unit: float = 1.0
) -> torch.Tensor:
    """Write pixels minus a float64 pivot, subtracted before rounding, into a float32 tensor.

    They are divided by ``unit``, a power of two, before rounding.
    """
    if unit != 1:
        return out.copy_((pixels.double() - pivot) / unit)
    if pixels.dtype == torch.float32:
        return torch.sub(pixels, pivot.float(), out=out)
    if pixels.dtype in _EXACT_IN_FLOAT32:
        return out.copy_(pixels).sub_(pivot.float())
    return out.copy_(pixels.double() - pivot)


def take_rows(pixels: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """Return a copy of some rows, also of types that torch cannot index."""
    return _signed(pixels)[index].view(pixels.dtype)


def put_rows(
    pixels: torch.Tensor, index: torch.Tensor, rows: torch.Tensor, where: torch.Tensor
) -> None:
    """Replace pixels of some rows where a mask says so, also of types that torch cannot index."""
    pixels = _signed(pixels)
    pixels[index] = torch.where(where, _signed(rows), pixels[index])


def _signed(pixels: torch.Tensor) -> torch.Tensor:
    """Return unsigned integers as signed ones with the same bits."""
    return pixels.view(_SIGNED.get(pixels.dtype, pixels.dtype))


def on_host(pixels: torch.Tensor | np.ndarray) -> np.ndarray:
    """Return pixels as an array in main memory; those that are one already as they are."""
    return pixels.cpu().numpy() if isinstance(pixels, torch.Tensor) else np.asarray(pixels)


def all_finite(pixels: torch.Tensor) -> bool:
    """Return whether no pixel is NaN or infinite (on a GPU this waits for the answer)."""
    # The extremes of values with a NaN are NaN: every pixel is read once and nothing stored.
    return bool(torch.stack(pixels.aminmax()).isfinite().all())
