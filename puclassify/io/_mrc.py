"""Micrographs in the MRC format."""

from __future__ import annotations

import bz2
import gzip
import io
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np
from mrcfile.dtypes import HEADER_DTYPE

from puclassify._warnings import warn
from puclassify.io._mrc_bytes import bytes_type
from puclassify.io._pixel_memory import MOST_PIXELS, empty_pixels, fill, unchanged

__all__ = ["mrc_shape", "read_mrc"]

_COMPRESSED: dict[str, Callable] = {".gz": gzip.open, ".bz2": bz2.open}
_IMAGE_MODES = {0: "int8", 1: "int16", 2: "float32", 6: "uint16", 12: "float16"}
_OTHER_MODES = {3: "complex int16", 4: "complex float32", 16: "colour", 101: "4-bit"}
_HEADER_SIZE = HEADER_DTYPE.itemsize
_STAMPS = {b"\x44\x44": "<", b"\x44\x41": "<", b"\x11\x11": ">"}
_ORDERS = {"<": "little-endian", ">": "big-endian"}
# What is left behind the pixels of an archive is counted up to here.
_MOST_LEFT = 1 << 20


def read_mrc(path: str) -> tuple[np.ndarray, float | None]:
    """Return pixels, of shape (height, width), and pixel size of an MRC file of one section.

    The pixel size is in Ångström along x, None if the header has none. The mode is 0, 1, 2, 6 or
    12. All pixels are read into memory: if another program shortened a mapped file, this process
    would be killed.
    """
    with open(path, "rb") as file, unchanged(file, path) as status:
        opener = next((_COMPRESSED[end] for end in _COMPRESSED if path.lower().endswith(end)), None)
        if opener is None:
            header = _header(file.read(_HEADER_SIZE), status.st_size, path)
            return _plain(file, header, status.st_size, path), _pixel_size(header, path)
        try:
            with opener(file) as archive:
                header = _header(archive.read(_HEADER_SIZE), None, path)
                return _unpacked(archive, header, path), _pixel_size(header, path)
        except (EOFError, OSError, zlib.error) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise _invalid(path, error) from error


def mrc_shape(path: str) -> tuple[int, int]:
    """Return height and width of a file that is not compressed, from its header alone."""
    with open(path, "rb") as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        return _image_shape(_header(file.read(_HEADER_SIZE), size, path), path)


def _header(content: bytes, size: int | None, path: str) -> Any:
    """Return the header in the byte order in which its sizes fit the file (None: an archive)."""
    if len(content) < _HEADER_SIZE:
        raise _invalid(path, f"it has {len(content)} bytes, its header alone takes {_HEADER_SIZE}")
    headers = {
        order: np.frombuffer(content, HEADER_DTYPE.newbyteorder(order)).view(np.recarray)[0]
        for order in _ORDERS
    }
    # In the wrong byte order sizes are large.
    fitting = [order for order in _ORDERS if _fits(headers[order], size)]
    fitting.sort(key=lambda order: abs(int(headers[order].nx)))
    stamped = _STAMPS.get(content[212:214])
    has_magic = content[208:212] == b"MAP "
    if stamped and (stamped in fitting or (has_magic and not fitting)):
        order = stamped  # what is wrong with it otherwise is said later
    elif fitting:
        order = fitting[0]
    else:
        hint = "; it is a gzip archive, rename it to .mrc.gz" if content[:2] == b"\x1f\x8b" else ""
        raise _invalid(
            path,
            f"'MAP ' or the machine stamp is missing in its header (it has "
            f"{content[208:216]!r} there), and its sizes fit the file in no byte order{hint}",
        )
    if order != stamped or not has_magic:
        warn(
            f"{path}: 'MAP ' and a machine stamp are expected in its header, "
            f"{content[208:216]!r} is there; it is read as {_ORDERS[order]}, in which its sizes "
            "fit the file. If the image looks right, rewrite it, mrcfile.write(new_path, pixels)"
        )
    return headers[order]


def _fits(header: Any, size: int | None) -> bool:
    """Return whether a header describes an image that the file can hold."""
    nx, ny, nz, start = (int(header[key]) for key in ("nx", "ny", "nz", "nsymbt"))
    mode = int(header.mode)
    if mode not in (*_IMAGE_MODES, *_OTHER_MODES) or min(nx, ny, nz) < 1 or start < 0:
        return False
    if size is None:
        return nx * ny <= MOST_PIXELS
    bits = 8 * np.dtype(_IMAGE_MODES[mode]).itemsize if mode in _IMAGE_MODES else 4
    return 8 * (_HEADER_SIZE + start) + nx * ny * nz * bits <= 8 * size


def _plain(file: BinaryIO, header: Any, size: int, path: str) -> np.ndarray:
    """Read the pixels of a file whose size is known."""
    height, width = _image_shape(header, path)
    dtype, start = _stored_type(header), _HEADER_SIZE + int(header.nsymbt)
    expected = start + height * width * dtype.itemsize
    if size < expected:
        raise _truncated(path, (height, width), dtype, expected, size)
    if size > expected:
        _warn_of_rest(path, f"{size - expected}", (height, width), dtype)
    file.seek(start)
    values = empty_pixels((height, width), dtype.newbyteorder("="))
    missing = fill(values, file)
    if missing:
        raise OSError(
            f"{path} has become shorter while it was being read: {missing} of {expected} bytes are "
            "missing; read it again once the program that writes it is done"
        )
    return _native(values, header, path)


def _unpacked(archive: Any, header: Any, path: str) -> np.ndarray:
    """Read the pixels of an archive, and no more of it than tells whether it ends there."""
    height, width = _image_shape(header, path)
    dtype, start = _stored_type(header), int(header.nsymbt)
    if height * width > MOST_PIXELS or start > MOST_PIXELS:
        raise ValueError(
            f"{path} says that it holds {height} x {width} pixels behind {start} bytes, of "
            f"archives at most {MOST_PIXELS} pixels are unpacked; unpack it first if that is right"
        )
    archive.seek(_HEADER_SIZE + start)
    values = empty_pixels((height, width), dtype.newbyteorder("="))
    missing = fill(values, archive)
    if missing:
        expected = _HEADER_SIZE + start + values.nbytes
        error = _truncated(path, (height, width), dtype, expected, expected - missing)
        raise _invalid(path, error) from error
    n_left = len(archive.read(_MOST_LEFT))  # at the end of an archive is its checksum
    if n_left:
        more = f"{n_left}" if n_left < _MOST_LEFT else f"at least {n_left}"
        _warn_of_rest(path, more, (height, width), dtype)
    return _native(values, header, path)


def _stored_type(header: Any) -> np.dtype:
    """Return the type of the pixels in the file, bytes as unsigned ones."""
    mode = int(header.mode)
    name = _IMAGE_MODES[mode] if mode else "uint8"
    return np.dtype(name).newbyteorder(header.dtype["mode"].byteorder)


def _native(values: np.ndarray, header: Any, path: str) -> np.ndarray:
    """Bring pixels into the byte order of this machine; tell bytes with a sign from those without.

    ``values`` is of this machine's type, but its bytes are those of the file.
    """
    if int(header.mode) == 0:
        return values.view(bytes_type(values, header, path))
    return values if _stored_type(header).isnative else values.byteswap(inplace=True)


def _image_shape(header: Any, path: str) -> tuple[int, int]:
    mode, sections = int(header.mode), int(header.nz)
    width, height = int(header.nx), int(header.ny)
    if mode not in _IMAGE_MODES:
        known = ", ".join(f"{mode} ({name})" for mode, name in _IMAGE_MODES.items())
        other = f" ({_OTHER_MODES[mode]})" if mode in _OTHER_MODES else ""
        raise ValueError(
            f"{path} is of MRC mode {mode}{other}, a micrograph must have one of the modes "
            f"{known}; convert it to mode 2"
        )
    if min(width, height, sections) < 1 or int(header.nsymbt) < 0:
        raise ValueError(
            f"{path} is empty or its header is broken: NX, NY, NZ = {width}, {height}, {sections} "
            f"and NSYMBT = {int(header.nsymbt)}; copy it again or repair its header"
        )
    if sections != 1:
        what = "is a volume, and" if int(header.ispg) == 1 and int(header.mz) == sections else ""
        raise ValueError(
            f"{path} {what}{' ' if what else ''}has {sections} sections, a micrograph has one: if "
            "it is a movie, align and sum its frames first; to use one section of a stack, pass "
            "that section as an array, mrcfile.read(path)[i]"
        )
    # Programs differ in whether they respect these fields, so only the user knows the frame of the
    # coordinates. Values other than 1, 2 and 3 are not axes and are ignored.
    axes = (int(header.mapc), int(header.mapr), int(header.maps))
    if sorted(axes) == [1, 2, 3] and axes[:2] != (1, 2):
        raise ValueError(
            f"{path} is stored with axes other than x along rows and y along columns (MAPC, MAPR, "
            f"MAPS = {axes}, expected (1, 2, 3)); rewrite it, or pass the pixels as an array: "
            "mrcfile.read(path) if the coordinates count pixels as stored, else its transpose .T"
        )
    return height, width


def _pixel_size(header: Any, path: str) -> float | None:
    along_x = _spacing(header.cella["x"], header.mx)
    along_y = _spacing(header.cella["y"], header.my)
    if along_x and along_y and abs(along_y / along_x - 1) > 0.01:
        warn(
            f"{path}: by its header pixels measure {along_x:.4g} Å along x and {along_y:.4g} Å "
            "along y; that along x is used. If it is not square pixels that are wrong but the "
            "header, pass pixel_size"
        )
    return along_x


def _spacing(length: Any, samples: Any) -> float | None:
    if not (np.isfinite(length) and length > 0 and samples > 0):
        return None
    spacing = float(length) / int(samples)
    return float(np.float32(spacing)) if 1e-3 < spacing < 1e6 else None  # or it is no size


def _warn_of_rest(path: str, n_bytes: str, shape: tuple[int, int], dtype: np.dtype) -> None:
    warn(
        f"{path} has {n_bytes} bytes more than its header describes, a {shape[0]} x {shape[1]} "
        f"image of {dtype.name}. What the header describes is read: if the image looks sheared, "
        "cut off or shifted, the header is wrong (width, mode or NSYMBT, the size of its extension)"
    )


def _truncated(
    path: str, shape: tuple[int, int], dtype: np.dtype, expected: int, size: int
) -> ValueError:
    return ValueError(
        f"{path} is truncated: by its header it holds a {shape[0]} x {shape[1]} image of "
        f"{dtype.name} ({expected} bytes), but it has {size} bytes; copy or download it again"
    )


def _invalid(path: str, error: Exception | str) -> ValueError:
    return ValueError(
        f"{path} is not a valid, complete MRC file: {error}; copy it again, or, if another program "
        "reads it, pass its pixels as a 2-D array"
    )
