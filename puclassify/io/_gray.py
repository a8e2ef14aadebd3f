"""What the readers of general image formats share: one gray channel, limits, and errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from puclassify.io._pixel_memory import MOST_PIXELS

__all__ = ["check_size", "errors_naming", "gray", "missing", "rgb_of_cmyk"]


@contextmanager
def errors_naming(path: str) -> Iterator[None]:
    """Turn what a parser raises on a broken file, which can be anything, into a ValueError."""
    try:
        yield
    except ImportError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:  # of the system
            raise type(error)(error.errno, error.strerror, path) from error
        is_plain = isinstance(error, (ValueError, OSError)) and str(error)
        what = str(error) if is_plain else f"{type(error).__name__}: {error}"
        raise ValueError(f"{path} cannot be read as a gray image: {what}") from error


def check_size(height: int, width: int, channels: int = 1) -> None:
    """Raise a ValueError for sizes below 1, and for more pixels than are decompressed."""
    if min(height, width, channels) < 1:
        raise ValueError(
            f"it is empty, or its header broken: {height} x {width} pixels of {channels} channels"
        )
    if height * width > MOST_PIXELS or channels * height * width > 4 * MOST_PIXELS:
        raise ValueError(
            f"by its header it has {height} x {width} pixels of {channels} channels, more than the "
            f"limit of {MOST_PIXELS} pixels; if that is right, read it yourself and pass the array"
        )


def gray(pixels: np.ndarray, colours: str = "its channels") -> np.ndarray:
    """Return the one channel of an image, (height, width, channels), whose channels are equal."""
    first = pixels[..., :1]
    if pixels.shape[-1] > 1 and not np.array_equal(pixels, np.broadcast_to(first, pixels.shape)):
        if colours != "its channels":
            raise ValueError(colours)
        raise ValueError("it is in colour (its channels differ); convert it to gray first")
    return np.ascontiguousarray(first[..., 0])


def rgb_of_cmyk(inks: np.ndarray) -> np.ndarray:
    """Return red, green and blue of cyan, magenta, yellow and black, unsigned integers."""
    most = np.iinfo(inks.dtype).max
    paper = (most - inks).astype(np.float64)
    return (paper[..., :3] * paper[..., 3:] / most).round().astype(inks.dtype)


def missing(package: str, path: str) -> ImportError:
    """Return the error for a package of the extra "images" that is not installed."""
    return ImportError(
        f'reading {path} needs {package}, install it with: pip install "puclassify[images]"'
    )
