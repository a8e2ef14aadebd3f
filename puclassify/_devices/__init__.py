"""Devices: choice, seeds, precision, threads, memory, transfers and pixels as tensors."""

from puclassify._devices._device import resolve_device
from puclassify._devices._memory import free_memory, is_out_of_memory, release_memory
from puclassify._devices._pixel_tensors import (
    all_finite,
    as_tensor,
    centred,
    empty_image,
    like,
    on_host,
    pivot_of,
    put_rows,
    rows_at_once,
    some_of,
    take_rows,
)
from puclassify._devices._precision import (
    autocast,
    bfloat16_is_too_coarse,
    evenly_spaced,
    resolve_precision,
)
from puclassify._devices._seeding import OwnGenerators, may_draw
from puclassify._devices._threads import one_thread, side_by_side, threads, threads_worth
from puclassify._devices._upload import own_stream, page_locked, page_locked_empty

__all__ = [
    "OwnGenerators",
    "all_finite",
    "as_tensor",
    "autocast",
    "bfloat16_is_too_coarse",
    "centred",
    "empty_image",
    "evenly_spaced",
    "free_memory",
    "is_out_of_memory",
    "like",
    "may_draw",
    "on_host",
    "one_thread",
    "own_stream",
    "page_locked",
    "page_locked_empty",
    "pivot_of",
    "put_rows",
    "release_memory",
    "resolve_device",
    "resolve_precision",
    "rows_at_once",
    "side_by_side",
    "some_of",
    "take_rows",
    "threads",
    "threads_worth",
]
