"""Micrographs in the PNG and JPEG formats, decoded by pillow."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np

from puclassify.io._gray import check_size, errors_naming, gray, missing
from puclassify.io._pixel_memory import unchanged

__all__ = ["read_pillow"]

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"


def read_pillow(path: str) -> tuple[np.ndarray, None]:
    """Read an 8- or 16-bit PNG or JPEG image with one channel or with equal colour channels.

    Returns the pixels, of shape (height, width), in the stored type and without alpha channel, and
    None, since these formats do not store a pixel size.
    """
    try:
        import PIL  # noqa: F401
    except ImportError as error:
        raise missing("pillow", path) from error
    with (
        open(path, "rb") as file,
        unchanged(file, path),
        errors_naming(path),
        _opened(file) as image,
    ):
        check_size(image.size[1], image.size[0])
        frames = getattr(image, "n_frames", 1)
        if frames != 1:
            raise ValueError(f"it has {frames} frames, a micrograph has one")
        return _pixels(image), None


def _opened(file: BinaryIO) -> Any:
    """Open an image by what it begins with, with the one parser that is meant for it.

    ``Image.open`` would try others, of which some start programs, and has a limit of its own that
    is global and below the size of a frame of some detectors.
    """
    start = file.read(26)
    file.seek(0)
    if start.startswith(_PNG):
        from PIL.PngImagePlugin import PngImageFile

        if start[12:16] == b"IHDR" and len(start) == 26:
            width, height = (int.from_bytes(start[at : at + 4], "big") for at in (16, 20))
            check_size(height, width)
            if start[24] == 16 and start[25] != 0:
                raise ValueError(
                    "it has 16 bits in each of several channels, of which pillow keeps 8; convert "
                    "it to 16-bit gray, or pass the pixels as a 2-D array"
                )
        return PngImageFile(file)
    if start.startswith(_JPEG):
        from PIL.JpegImagePlugin import JpegImageFile

        return JpegImageFile(file)
    raise ValueError(f"it is neither PNG nor JPEG, it begins with {start[:8]!r}")


def _pixels(image: Any) -> np.ndarray:
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA")
    elif image.mode == "CMYK":
        image = image.convert("RGB")
    pixels = np.asarray(image)
    if pixels.ndim == 2:
        return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    return gray(pixels[..., :-1] if image.mode in ("LA", "RGBA") else pixels)
