"""Micrographs in the MRC format, with headers parsed by mrcfile."""

from __future__ import annotations

import os
from typing import Any

import mrcfile
import numpy as np

__all__ = ["read_mrc"]

_COMPRESSED = (".gz", ".bz2")
_IMAGE_MODES = {0: "int8", 1: "int16", 2: "float32", 6: "uint16", 12: "float16"}


def read_mrc(path: str) -> tuple[np.ndarray, float | None]:
    """Return pixels, of shape (height, width), and pixel size of an MRC file of one section.

    The pixel size is in Ångström along x, None if the header has none. The mode is 0, 1, 2, 6 or
    12. Files that are not compressed are memory-mapped read-only, so that pixels are read when they
    are used.
    """
    if path.lower().endswith(_COMPRESSED):
        return _read_compressed(path)
    try:
        with mrcfile.open(path, header_only=True) as mrc:
            header = mrc.header.copy()
    except ValueError as error:
        raise _invalid(path, error) from error
    height, width = _image_shape(header, path)
    dtype = np.dtype(_IMAGE_MODES[int(header.mode)]).newbyteorder(header.mode.dtype.byteorder)
    data_start = header.dtype.itemsize + int(header.nsymbt)
    expected = data_start + height * width * dtype.itemsize
    size = os.path.getsize(path)
    if size < expected:
        raise ValueError(
            f"{path} is truncated: by its header it holds a {height} x {width} image of "
            f"{dtype.name} ({expected} bytes), but it has {size} bytes; copy or download it again"
        )
    values = np.memmap(path, dtype=dtype, mode="r", offset=data_start, shape=(height, width))
    return values, _pixel_size(header)


def _read_compressed(path: str) -> tuple[np.ndarray, float | None]:
    try:
        with mrcfile.open(path) as mrc:
            height, width = _image_shape(mrc.header, path)
            return mrc.data.reshape(height, width).copy(), _pixel_size(mrc.header)
    except _NotAnImageError:
        raise
    except (ValueError, EOFError, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise _invalid(path, error) from error


class _NotAnImageError(ValueError):
    """Raised if a valid file does not hold exactly one real-valued image."""


def _image_shape(header: Any, path: str) -> tuple[int, int]:
    mode, sections = int(header.mode), int(header.nz)
    if mode not in _IMAGE_MODES:
        known = ", ".join(f"{mode} ({name})" for mode, name in _IMAGE_MODES.items())
        raise _NotAnImageError(
            f"{path} is of MRC mode {mode}, a micrograph must have one of the modes {known}; "
            "convert it to mode 2"
        )
    if sections != 1:
        raise _NotAnImageError(
            f"{path} has {sections} sections, a micrograph has one: if it is a movie, align and "
            "sum its frames first; to use one section of a stack, pass that section as an array"
        )
    # Programs differ in whether they respect these fields, so only the user knows the frame of the
    # coordinates. Values other than 1, 2 and 3 are not axes and are ignored.
    axes = (int(header.mapc), int(header.mapr), int(header.maps))
    if sorted(axes) == [1, 2, 3] and axes[:2] != (1, 2):
        raise _NotAnImageError(
            f"{path} is stored with axes other than x along rows and y along columns (MAPC, MAPR, "
            f"MAPS = {axes}, expected (1, 2, 3)); rewrite it, or pass the pixels as an array: "
            "mrcfile.read(path) if the coordinates count pixels as stored, else its transpose .T"
        )
    return int(header.ny), int(header.nx)


def _pixel_size(header: Any) -> float | None:
    length, samples = float(header.cella.x), int(header.mx)
    if not (np.isfinite(length) and length > 0 and samples > 0):
        return None
    return float(np.float32(length) / np.float32(samples))


def _invalid(path: str, error: Exception) -> ValueError:
    return ValueError(
        f"{path} is not a valid, complete MRC file: {error}; copy it again, or, if another program "
        "reads it, rewrite its header (mrcfile.open(path, mode='r+', permissive=True) can)"
    )
