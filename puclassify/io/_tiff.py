"""Micrographs in the TIFF format, decoded by tifffile, or by pillow where that cannot."""

from __future__ import annotations

import json
import lzma
import math
import re
import zlib
from typing import Any, BinaryIO

import numpy as np

from puclassify._warnings import warn
from puclassify.io._gray import check_size, errors_naming, gray, missing, rgb_of_cmyk
from puclassify.io._pixel_memory import unchanged

__all__ = ["read_tiff"]

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _INKS, _YCBCR = 0, 1, 2, 3, 5, 6
_OTHER = {4: "a mask", 8: "CIE L*a*b*", 9: "ICC L*a*b*", 10: "ITU L*a*b*", 32803: "a colour filter"}
_COLOURS = {_RGB: 3, _YCBCR: 3, _INKS: 4}
_ALPHA = (1, 2)  # of ExtraSamples
_DEFLATE, _LZMA = (8, 32946), (34925,)
_COMPLEX = (5, 6)  # of SampleFormat
_STK_PLANES = 33629
# A piece that is compressed to less cannot be large: deflate shrinks to 1/1032 at most.
_SMALL_PIECE = 1 << 18
_WHAT_TO_DO = {
    "T": "if it is a movie, align and sum its frames first",
    "Z": "pass one section, or a projection of them, as a 2-D array: tifffile.imread(path)[i]",
    "C": "pass the channel that shows the particles as a 2-D array: tifffile.imread(path)[i]",
}
_KINDS = {"T": "frames", "Z": "z-sections", "C": "channels"}


def read_tiff(path: str) -> tuple[np.ndarray, None]:
    """Read a TIFF image with one channel of any real number type or with equal colour channels.

    Returns the pixels, of shape (height, width), in the stored type and without alpha channel, and
    None, since resolution tags of micrographs are not reliable. Palettes are resolved, images that
    store white as 0 are inverted. Other files that the metadata name are not opened.
    """
    try:
        import tifffile
    except ImportError as error:
        raise missing("tifffile", path) from error
    with (
        open(path, "rb") as file,
        unchanged(file, path) as status,
        errors_naming(path),
        tifffile.TiffFile(file) as tiff,
    ):
        if not len(tiff.pages):
            raise ValueError("it has no image")
        page = tiff.pages.first
        check_size(page.imagelength, page.imagewidth, page.samplesperpixel)
        _check_kind(page)
        _check_one_image(tiff, page, path)
        _check_pieces(page, file, status.st_size)
        return _one_channel(_decoded(page, file, path), page), None


def _check_kind(page: Any) -> None:
    """Raise a ValueError for pixels that are no brightness."""
    if page.sampleformat in _COMPLEX or getattr(page.dtype, "kind", None) == "c":
        raise ValueError("it is complex, pixels must be real; pass np.abs of it as an array")
    if page.dtype is None:
        raise ValueError(f"it has samples of {page.bitspersample} bits, which are not read")
    kind = page.photometric
    if kind not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _INKS, _YCBCR):
        what = _OTHER.get(int(kind), f"photometric interpretation {int(kind)}")
        raise ValueError(f"it is {what}, not gray; convert it to gray first")
    if kind == _INKS and (page.samplesperpixel < 4 or page.dtype.kind != "u"):
        raise ValueError("its inks are not cyan, magenta, yellow and black; convert it to gray")


def _check_one_image(tiff: Any, page: Any, path: str) -> None:
    """Raise a ValueError that says what the file holds if that is more than one image."""
    counts = _counts(tiff, page)
    n_images = math.prod(counts.values())
    if n_images != 1:
        listed = " of ".join(f"{n} {_KINDS[axis]}" for axis, n in counts.items() if n != 1)
        steps = [_WHAT_TO_DO[axis] for axis, n in counts.items() if n != 1]
        raise ValueError(f"it has {listed}, a micrograph is one image: {'; '.join(steps)}")
    n_pages = _n_images(tiff)
    if n_pages != 1:
        raise ValueError(
            f"it has {n_pages} frames, a micrograph has one: {_WHAT_TO_DO['T']}; of sections or "
            "channels pass one as a 2-D array, tifffile.imread(path)[i]"
        )
    n_named = math.prod(_ome_counts(page).values())
    if n_named > 1:
        warn(
            f"{path} is one of {n_named} planes by its OME metadata, which may name other files; "
            "only the image in it is read"
        )


def _counts(tiff: Any, page: Any) -> dict[str, int]:
    """Return how many frames, sections and channels the metadata say that this file holds."""
    n_pages = len(tiff.pages)
    if page.imagedepth > 1:
        return {"Z": page.imagedepth}
    if page.is_stk and _STK_PLANES in page.tags:
        return {"Z": max(1, page.tags[_STK_PLANES].count)}
    for text in (page.description, page.description1):
        if text.startswith("ImageJ="):
            return _imagej_counts(text)
        if text.startswith('{"shape":'):
            return _shaped_counts(text, page, n_pages)
    ome = _ome_counts(page)
    return ome if n_pages > 1 and math.prod(ome.values()) == n_pages else {}


def _imagej_counts(text: str) -> dict[str, int]:
    """Return what the description that ImageJ writes says; pages after the first have no header."""
    found = {key: int(n) for key, n in re.findall(r"^(\w+)=(\d{1,9})\s*$", text, re.MULTILINE)}
    keys = {"T": "frames", "Z": "slices", "C": "channels"}
    counts = {axis: max(1, found.get(key, 1)) for axis, key in keys.items()}
    n_images = max(1, found.get("images", 1))
    return counts if math.prod(counts.values()) == n_images else {"T": n_images}


def _shaped_counts(text: str, page: Any, n_pages: int) -> dict[str, int]:
    """Return what the description that tifffile writes says; it may stand for several images."""
    found = json.loads(text)
    shape, axes = found["shape"], str(found.get("axes", ""))
    if not all(isinstance(n, int) and n > 0 for n in shape):
        raise ValueError(f"its description gives the shape {shape!r:.80}")
    n_images = math.prod(shape) // math.prod(page.shape)
    counts = {axis: n for axis, n in zip(axes, shape) if axis in _KINDS and n > 1}
    if len(axes) == len(shape) and math.prod(counts.values()) == n_images:
        return counts
    return {"T": n_images} if n_pages == 1 and n_images > 1 else {}


def _ome_counts(page: Any) -> dict[str, int]:
    """Return the sizes in OME metadata, without reading more of them."""
    if not page.description.rstrip().endswith("OME>"):
        return {}
    pixels = re.search(r"<(?:\w+:)?Pixels\b[^>]*>", page.description)
    sizes = re.findall(r"\bSize([TZC])\s*=\s*[\"'](\d{1,9})[\"']", pixels[0]) if pixels else []
    counts = {axis: max(1, int(n)) for axis, n in sizes}
    if page.samplesperpixel > 1 and counts.get("C") == page.samplesperpixel:
        counts["C"] = 1
    return counts


def _n_images(tiff: Any) -> int:
    """Return the number of pages that are neither a smaller copy of another nor its mask."""
    pages = tiff.pages
    if len(pages) == 1:
        return 1
    # Broken files may list the same page without end; more than some are certainly several.
    return sum(
        not (page.is_reduced or page.is_mask)
        for page in (pages.get(i, aspage=True) for i in range(min(len(pages), 1000)))
    )


def _check_pieces(page: Any, file: BinaryIO, file_size: int) -> None:
    """Raise a ValueError if strips or tiles are missing, cut off, or unpack to more than fits."""
    offsets, counts = page.dataoffsets, page.databytecounts
    if page.is_tiled:
        rows, columns = page.tilelength, page.tilewidth
    else:
        rows, columns = page.rowsperstrip, page.imagewidth
    check_size(min(rows, page.imagelength), columns)
    separate, samples = page.samplesperpixel, 1
    if page.planarconfig == 1:
        separate, samples = samples, separate
    down, across = math.ceil(page.imagelength / rows), math.ceil(page.imagewidth / columns)
    n_pieces = down * across * separate
    if len(offsets) < n_pieces or len(counts) < n_pieces:
        raise ValueError(f"it has {min(len(offsets), len(counts))} of {n_pieces} strips or tiles")
    for index in range(n_pieces):
        offset, count = offsets[index], counts[index]
        if offset < 1 or count < 1:
            raise ValueError(f"strip or tile {index} of {n_pieces} is missing")
        if offset + count > file_size:
            raise ValueError(f"it is truncated in strip or tile {index} of {n_pieces}")
        n_rows = rows if page.is_tiled else min(rows, page.imagelength - index % down * rows)
        n_bytes = n_rows * math.ceil(columns * samples * page.bitspersample / 8)
        if page.compression == 1 and count < n_bytes and n_pieces > 1:
            raise ValueError(f"strip or tile {index} of {n_pieces} is too short")
        if page.compression == 1 and n_pieces == 1 and offset + n_bytes > file_size:
            raise ValueError(f"it is truncated: {n_bytes} bytes of pixels are expected")
        if page.compression in _LZMA or (page.compression in _DEFLATE and count > _SMALL_PIECE):
            file.seek(offset)
            _check_unpacked(file.read(count), page.compression, n_bytes)


def _check_unpacked(content: bytes, compression: int, n_bytes: int) -> None:
    """Raise a ValueError if a strip or tile unpacks to much more than its pixels."""
    most = 2 * n_bytes + _SMALL_PIECE
    unpacker: Any = lzma.LZMADecompressor() if compression in _LZMA else zlib.decompressobj()
    if len(unpacker.decompress(content, most)) >= most:
        raise ValueError(f"a strip or tile unpacks to more than {most} bytes, expected {n_bytes}")


def _decoded(page: Any, file: BinaryIO, path: str) -> np.ndarray:
    """Return pixels of shape (height, width, channels), by pillow if imagecodecs is missing."""
    try:
        pixels = page.asarray(maxworkers=1).reshape(page.shaped)
    except (ValueError, ImportError, NotImplementedError) as error:
        if isinstance(error, ValueError) and "imagecodecs" not in str(error):
            raise
        return _decoded_by_pillow(page, file, path, error)
    # Separate channels, depth, height, width, channels side by side.
    return np.moveaxis(pixels[:, 0], 0, -1)[..., 0, :] if page.planarconfig == 2 else pixels[0, 0]


def _decoded_by_pillow(page: Any, file: BinaryIO, path: str, cause: Exception) -> np.ndarray:
    try:
        from PIL.TiffImagePlugin import TiffImageFile
    except ImportError as error:
        raise missing("pillow", path) from error
    file.seek(0)
    pixels: np.ndarray | None = None
    try:
        with TiffImageFile(file) as image:
            pixels = np.asarray(image)
    except SyntaxError:  # it does not know this kind
        pass
    dtype = page.dtype.newbyteorder("=")
    if pixels is not None:
        pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
        # Pillow has fewer types: integers that it widened can be converted back, floats cannot.
        if dtype.kind in "iu" and pixels.dtype.kind in "iu" and pixels.itemsize >= dtype.itemsize:
            pixels = pixels.astype(dtype)
    # It also inverts images that store white as 0, which tifffile does not.
    if pixels is None or pixels.dtype != dtype or page.photometric == _WHITE_IS_ZERO:
        raise ValueError(
            f"decoding it needs imagecodecs ({cause}), install it with: pip install imagecodecs"
        ) from cause
    return pixels.reshape(page.imagelength, page.imagewidth, page.samplesperpixel)


def _one_channel(pixels: np.ndarray, page: Any) -> np.ndarray:
    """Return brightness, of shape (height, width), of pixels (height, width, channels)."""
    n_colours = _COLOURS.get(int(page.photometric), 1)
    extra = page.extrasamples[: pixels.shape[-1] - n_colours]
    if n_colours > 1 or (extra and all(one in _ALPHA for one in extra)):
        pixels = pixels[..., :n_colours]
    if page.photometric == _PALETTE:
        return gray(_resolved(pixels[..., 0], page.colormap))
    if page.photometric == _INKS:
        return gray(rgb_of_cmyk(pixels))
    n_channels = pixels.shape[-1]
    several = f"it has {n_channels} channels, a micrograph has one: {_WHAT_TO_DO['C']}"
    values = gray(pixels) if n_colours > 1 else gray(pixels, several)
    return _inverted(values, page.bitspersample) if page.photometric == _WHITE_IS_ZERO else values


def _resolved(indices: np.ndarray, palette: np.ndarray | None) -> np.ndarray:
    """Return the colours of a palette, which has 16 bits, in 8 bits if that loses nothing."""
    if palette is None or palette.ndim != 2 or int(indices.max()) >= palette.shape[1]:
        raise ValueError("its palette is missing or too short")
    for scale in (257, 256):
        if not (palette % scale).any():
            palette = (palette // scale).astype(np.uint8)
            break
    return np.moveaxis(palette[:, indices], 0, -1)


def _inverted(values: np.ndarray, bits: int) -> np.ndarray:
    """Return pixels of an image in which 0 is white with 0 as black."""
    if values.dtype.kind == "f":
        return -values
    if values.dtype.kind == "u":
        return values.dtype.type(2**bits - 1) - values
    return ~values
