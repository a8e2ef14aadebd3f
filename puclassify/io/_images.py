"""Micrographs in general image formats (pillow and tifffile do the decoding)."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["read_pillow", "read_tiff"]


def read_pillow(path: str) -> tuple[np.ndarray, None]:
    """Read a gray PNG or JPEG image.

    Parameters
    ----------
    path : str
        An 8- or 16-bit image with one channel, or with equal colour channels.

    Returns
    -------
    values : ndarray of shape (height, width)
        The pixels in the type they are stored in, without any alpha channel.
    pixel_size : None
        These formats do not say.

    Raises
    ------
    ImportError
        If pillow is not installed.
    ValueError
        If the image is broken, in colour or has several frames.
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
    """Read a gray TIFF image.

    Parameters
    ----------
    path : str
        An image with one channel of any number type, or with equal colour channels.

    Returns
    -------
    values : ndarray of shape (height, width)
        The pixels in the type they are stored in, without any alpha channel.
    pixel_size : None
        Resolution tags of micrographs are not reliable and are ignored.

    Raises
    ------
    ImportError
        If tifffile is not installed.
    ValueError
        If the image is broken, in colour or has several frames.
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


def _decode(series, path: str, plane: tuple[int, int, int]) -> np.ndarray:
    """Return height, width and channels; what tifffile needs imagecodecs for goes to pillow."""
    height, width, channels = plane
    try:
        # The series may have left out axes of length 1, so its own shape says little.
        if series.keyframe.planarconfig == 2:
            return np.moveaxis(series.asarray().reshape(channels, height, width), 0, -1)
        return series.asarray().reshape(plane)
    except (ValueError, ImportError, NotImplementedError) as error:
        if isinstance(error, ValueError) and "imagecodecs" not in str(error):
            raise
        pixels = _decode_with_pillow(path)
        dtype = series.dtype.newbyteorder("=")
        # Pillow has fewer types: integers that it widened fit again, but no float does.
        if pixels is not None and dtype.kind in "iu" and pixels.dtype.kind in "iu":
            pixels = pixels.astype(dtype) if pixels.itemsize >= dtype.itemsize else pixels
        # It also turns images that store white as 0 around, which tifffile does not.
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
