"""Transfer of stored pixels to a GPU."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from puclassify._devices._pixel_tensors import as_tensor

__all__ = ["own_stream", "page_locked", "page_locked_empty"]

_of_thread = threading.local()


def page_locked(values: np.ndarray | torch.Tensor, *, just_read: bool = False) -> torch.Tensor:
    """Copy pixels, in the type they are stored in, to memory that a GPU can read by itself.

    A tensor is returned as it is. ``just_read`` promises that nobody else has the array: it is not
    copied if it is in such memory already, from `page_locked_empty`.
    """
    if isinstance(values, torch.Tensor):
        return values
    pixels = as_tensor(values)
    if just_read and pixels.is_contiguous() and pixels.is_pinned():
        return pixels
    return pixels.contiguous().pin_memory()  # of repeated pixels, all


def page_locked_empty(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Allocate an array, of one of torch's types, in memory that a GPU can read by itself."""
    torch_type = torch.from_numpy(np.empty(0, dtype)).dtype
    return torch.empty(shape, dtype=torch_type, pin_memory=True).numpy()


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
