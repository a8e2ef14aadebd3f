"""Devices: choice, seeds, precision, threads, memory, transfers and pixels as tensors."""

from puclassify._devices._device import resolve_device
from puclassify._devices._memory import free_memory
from puclassify._devices._pixel_tensors import (
    all_finite,
    as_tensor,
    at_once,
    centred,
    empty_image,
    like,
    pivot_of,
)
from puclassify._devices._precision import (
    autocast,
    bfloat16_is_too_coarse,
    resolve_precision,
    some_of,
)
from puclassify._devices._seeding import seeded
from puclassify._devices._threads import threads
from puclassify._devices._upload import own_stream, page_locked

__all__ = [
    "all_finite",
    "as_tensor",
    "at_once",
    "autocast",
    "bfloat16_is_too_coarse",
    "centred",
    "empty_image",
    "free_memory",
    "like",
    "own_stream",
    "page_locked",
    "pivot_of",
    "resolve_device",
    "resolve_precision",
    "seeded",
    "some_of",
    "threads",
]
