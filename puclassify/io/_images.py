"""Micrographs in general image formats, decoded by pillow and tifffile."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = ["read_pillow", "read_tiff"]


def read_pillow(path: str) -> tuple[np.ndarray, None]:
    """Read an 8- or 16-bit PNG or JPEG image with one channel or with equal colour channels.

    Returns the pixels, of shape (height, width), in the stored type and without alpha channel, and
    None, since these formats do not store a pixel size.
    """
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise _missing("pillow", path) from error
    try:
        with Image.open(path) as image:
            frames = getattr(image, "n_frames", 1)
            if frames != 1:
                raise ValueError(f"it has {frames} frames, a micrograph has one")
            pixels = np.asarray(image.convert("RGBA") if image.mode == "P" else image)
        return _gray(pixels), None
    except FileNotFoundError:
        raise
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as a gray image: {error}") from error


def read_tiff(path: str) -> tuple[np.ndarray, None]:
    """Read a TIFF image with one channel of any number type or with equal colour channels.

    Returns the pixels, of shape (height, width), in the stored type and without alpha channel, and
    None, since resolution tags of micrographs are not reliable.
    """
    try:
        import tifffile
    except ImportError as error:
        raise _missing("tifffile", path) from error
    try:
        with tifffile.TiffFile(path) as tiff:
            series = tiff.series[0]
            page = series.keyframe
            plane = (page.imagelength, page.imagewidth, page.samplesperpixel)
            frames = max(len(tiff.series), series.size // math.prod(plane))
            if frames != 1:
                raise ValueError(
                    f"it has {frames} frames, a micrograph has one: if it is a movie, align and "
                    "sum its frames first"
                )
            return _gray(_decode(series, path, plane)), None
    except FileNotFoundError:
        raise
    except (OSError, ValueError, IndexError, tifffile.TiffFileError) as error:
        raise ValueError(f"{path} cannot be read as a gray image: {error}") from error


def _decode(series: Any, path: str, plane: tuple[int, int, int]) -> np.ndarray:
    """Return pixels of shape (height, width, channels), by pillow if imagecodecs is missing."""
    height, width, channels = plane
    try:
        # The series may have dropped axes of length 1, so its own shape is not used.
        if series.keyframe.planarconfig == 2:
            return np.moveaxis(series.asarray().reshape(channels, height, width), 0, -1)
        return series.asarray().reshape(plane)
    except (ValueError, ImportError, NotImplementedError) as error:
        if isinstance(error, ValueError) and "imagecodecs" not in str(error):
            raise
        pixels = _decode_with_pillow(path)
        dtype = series.dtype.newbyteorder("=")
        # Pillow has fewer types: integers that it widened can be converted back, floats cannot.
        if pixels is not None and dtype.kind in "iu" and pixels.dtype.kind in "iu":
            pixels = pixels.astype(dtype) if pixels.itemsize >= dtype.itemsize else pixels
        # It also inverts images that store white as 0, which tifffile does not.
        if pixels is None or pixels.dtype != dtype or series.keyframe.photometric == 0:
            raise ValueError(
                f"decoding it needs imagecodecs ({error}), install it with: pip install imagecodecs"
            ) from error
        return pixels.reshape(plane)


def _decode_with_pillow(path: str) -> np.ndarray | None:
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise _missing("pillow", path) from error
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image)
    except UnidentifiedImageError:
        return None
    return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)


def _gray(pixels: np.ndarray) -> np.ndarray:
    """Return the one channel of an image whose colour channels are equal."""
    if pixels.ndim == 2:
        return pixels
    if pixels.shape[-1] == 1:
        return pixels[..., 0]
    colours = pixels[..., :-1] if pixels.shape[-1] in (2, 4) else pixels
    first = colours[..., :1]
    if not np.array_equal(colours, np.broadcast_to(first, colours.shape)):
        raise ValueError("it is in colour (its channels differ); convert it to gray first")
    return np.ascontiguousarray(first[..., 0])


def _missing(package: str, path: str) -> ImportError:
    return ImportError(
        f'reading {path} needs {package}, install it with: pip install "puclassify[images]"'
    )
