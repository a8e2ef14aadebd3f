"""Whether a file that another program writes is complete."""

from __future__ import annotations

import os
import struct

from puclassify.io._micrograph import read_micrograph
from puclassify.io._micrograph_formats import MICROGRAPH_FORMATS

__all__ = ["what_is_missing"]

_MRC = (".mrc", ".mrcs", ".map")
_HEADER_BYTES = 1024
_BITS = {0: 8, 1: 16, 2: 32, 3: 32, 4: 64, 6: 16, 12: 16, 101: 4}  # of a pixel, by mode


def what_is_missing(path: str) -> str | None:
    """Return why a file cannot be complete yet, None if nothing speaks against it.

    An MRC file is as long as its header says; files of the other formats can be read, and
    compressed ones unpacked. What has no known ending is not looked into.
    """
    if path.lower().endswith(_MRC):
        return _missing_of_mrc(path)
    if os.path.getsize(path) == 0:
        return "it is empty"
    endings = [end for known in MICROGRAPH_FORMATS.values() for end in known.extensions]
    if not path.lower().endswith(tuple(endings)):
        return None
    try:
        read_micrograph(path)
    except ImportError:
        raise
    except Exception as error:  # of whatever kind, as long as it is being written
        return str(error)
    return None


def _missing_of_mrc(path: str) -> str | None:
    with open(path, "rb") as file:
        header = file.read(_HEADER_BYTES)
    size = os.path.getsize(path)
    if len(header) < _HEADER_BYTES:
        return f"it has {size} bytes, less than a header"
    expected = [n for order in "<>" if (n := _length_by_header(header, order)) is not None]
    if not expected:
        return "its header holds no sizes of an image"
    if size < min(expected):
        return f"it has {size} of {min(expected)} bytes"
    return None


def _length_by_header(header: bytes, order: str) -> int | None:
    """Return the length of a file in bytes, None if a byte order gives no sensible sizes."""
    nx, ny, nz, mode = struct.unpack(f"{order}4i", header[:16])
    (extended,) = struct.unpack(f"{order}i", header[92:96])
    if min(nx, ny, nz) < 1 or max(nx, ny, nz) >= 1 << 20 or mode not in _BITS or extended < 0:
        return None
    return _HEADER_BYTES + extended + -(-nx * _BITS[mode] // 8) * ny * nz
