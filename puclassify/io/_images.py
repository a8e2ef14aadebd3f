"""Micrographs in general image formats (pillow and tifffile do the decoding)."""

from __future__ import annotations

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
            frames = len(tiff.series) if series.ndim == 2 else series.size // _plane_size(series)
            if frames != 1:
                raise ValueError(
                    f"it has {frames} frames, a micrograph has one: if it is a movie, align and "
                    "sum its frames first"
                )
            pixels = series.asarray().squeeze()
        return _gray(pixels), None
    except FileNotFoundError:
        raise
    except (OSError, ValueError, IndexError, tifffile.TiffFileError) as error:
        raise ValueError(f"{path} cannot be read as a gray image: {error}") from error


def _plane_size(series) -> int:
    """Count the numbers in one frame: height, width and channels."""
    sizes = dict(zip(series.axes, series.shape))
    return sizes["Y"] * sizes["X"] * sizes.get("S", 1)


def _gray(pixels: np.ndarray) -> np.ndarray:
    """Return the one channel of an image whose colour channels are equal."""
    if pixels.ndim == 2:
        return pixels
    colours = pixels[..., :-1] if pixels.shape[-1] in (2, 4) else pixels
    first = colours[..., :1]
    if not np.array_equal(colours, np.broadcast_to(first, colours.shape)):
        raise ValueError("it is in colour (its channels differ); convert it to gray first")
    return np.ascontiguousarray(first[..., 0])


def _missing(package: str, path: str) -> ImportError:
    return ImportError(
        f'reading {path} needs {package}, install it with: pip install "puclassify[images]"'
    )
