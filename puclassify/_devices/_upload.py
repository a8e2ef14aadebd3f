"""Stored pixels on their way to the device that works on them."""

from __future__ import annotations

import io
import mmap
import threading
from contextlib import contextmanager

import numpy as np
import torch

from puclassify._devices._pixel_tensors import as_tensor

__all__ = ["own_stream", "page_locked", "read_into"]

_of_thread = threading.local()


def page_locked(values, *, just_opened: bool = False) -> torch.Tensor:
    """Read the pixels of a micrograph into memory from which a GPU can fetch them by itself.

    Parameters
    ----------
    values : ndarray or Tensor of shape (height, width)
        The pixels, of any real number type.
    just_opened : bool, default=False
        Whether nobody can have put another file in the place of the one that ``values`` map.

    Returns
    -------
    Tensor
        A copy in the type that they are stored in; a tensor itself.

    Notes
    -----
    A file mapped just now is read without a detour through the map, which costs a fault for every
    few pages. PyTorch keeps memory of this kind and gives it out again.
    """
    if isinstance(values, torch.Tensor):
        return values
    if not (just_opened and _is_whole_map(values)):
        return as_tensor(values).contiguous().pin_memory()  # of repeated pixels, all
    dtype = torch.from_numpy(np.empty(0, values.dtype)).dtype
    pixels = torch.empty(values.shape, dtype=dtype, pin_memory=True)
    read_into(pixels.numpy(), values)
    return pixels


def read_into(pixels: np.ndarray, values: np.memmap) -> None:
    """Read the file behind a memory map.

    Parameters
    ----------
    pixels : ndarray
        Where to, contiguous, of the shape and type of ``values``.
    values : memmap
        As a call of `numpy.memmap` gave it.

    Raises
    ------
    OSError
        If reading fails or the file has become shorter than it was.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from puclassify._devices._upload import read_into
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     np.arange(6.0).tofile(file.name)
    ...     values = np.memmap(file.name, np.float64, "r", offset=16, shape=(2, 2))
    ...     pixels = np.empty((2, 2))
    ...     read_into(pixels, values)
    >>> pixels
    array([[2., 3.],
           [4., 5.]])
    """
    rest = pixels.reshape(-1).view(np.uint8).data
    try:
        file = io.FileIO(str(values.filename))
    except OSError:  # removed, renamed or closed to us: the map still has it
        pixels[...] = values
        return
    with file:
        file.seek(values.offset)
        while len(rest):
            n_read = file.readinto(rest)  # at most 2 GiB at a time
            if not n_read:
                raise OSError(f"{values.filename} has become shorter while it was being read")
            rest = rest[n_read:]


def _is_whole_map(values) -> bool:
    """Tell whether pixels are what a file holds from some place on, as this machine stores them."""
    return (
        isinstance(values, np.memmap)
        and isinstance(values.base, mmap.mmap)  # and not a part of another map
        and values.filename is not None  # as of a temporary file
        and values.mode == "r"
        and values.dtype.isnative
        and values.dtype.itemsize <= 8  # torch has nothing longer
        and values.flags.c_contiguous
    )


@contextmanager
def own_stream(device):
    """Let a GPU work on what this thread asks for beside what others do.

    Parameters
    ----------
    device : torch.device or None
        Where the work is done. Nothing happens unless it is a GPU.

    Yields
    ------
    None
        At the end the work is done. Its results are for the stream that was current before.
    """
    if device is None or device.type != "cuda":
        yield
        return
    streams = vars(_of_thread).setdefault("streams", {})
    if device not in streams:
        streams[device] = torch.cuda.Stream(device)
    with torch.cuda.stream(streams[device]):
        yield
    streams[device].synchronize()
