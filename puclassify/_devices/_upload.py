"""Transfer of stored pixels to a GPU."""

from __future__ import annotations

import io
import mmap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeGuard

import numpy as np
import torch

from puclassify._devices._pixel_tensors import as_tensor

__all__ = ["own_stream", "page_locked", "read_into"]

_of_thread = threading.local()


def page_locked(values: np.ndarray | torch.Tensor, *, just_opened: bool = False) -> torch.Tensor:
    """Copy pixels, in the type they are stored in, to memory that a GPU can read by itself.

    A tensor is returned as it is. ``just_opened`` promises that no other file can have replaced the
    one that ``values`` maps: then the file is read directly, without the page faults of the map.
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
    """Read the file behind a memory map into a contiguous array of its shape and type."""
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


def _is_whole_map(values: np.ndarray) -> TypeGuard[np.memmap]:
    """Return whether pixels are one contiguous piece of a file, in this machine's byte order."""
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
def own_stream(device: torch.device | None) -> Iterator[None]:
    """Run work on a GPU in a stream of this thread's own; it is finished at the end.

    The results are for the stream that was current before. Other devices are left alone.
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
