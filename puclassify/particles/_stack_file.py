"""Stacks of particles in MRC files."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from mrcfile.dtypes import HEADER_DTYPE

__all__ = ["MODES", "stack_pieces"]

MODES = {"float32": 2, "float16": 12}
_LITTLE_ENDIAN = (0x44, 0x44, 0, 0)
_VERSION = 20141  # of the format: with mode 12


def stack_pieces(particles: np.ndarray, pixel_size: float) -> Iterator[bytes | memoryview]:
    """Yield the bytes of a stack of particles (k, n, n), the same whenever they are written."""
    stored = np.ascontiguousarray(particles, particles.dtype.newbyteorder("<"))
    yield _header(stored, pixel_size).tobytes()
    yield stored.data.cast("B")


def _header(particles: np.ndarray, pixel_size: float) -> np.ndarray:
    n_particles, height, width = particles.shape
    header = np.zeros((), HEADER_DTYPE).astype(HEADER_DTYPE.newbyteorder("<"))
    header["nx"], header["ny"], header["nz"] = width, height, n_particles
    header["mx"], header["my"], header["mz"] = width, height, 1  # each is an image of its own
    header["mode"] = MODES[particles.dtype.name]
    header["cella"] = (width * pixel_size, height * pixel_size, pixel_size)
    header["cellb"] = (90, 90, 90)
    header["mapc"], header["mapr"], header["maps"] = 1, 2, 3
    header["dmin"], header["dmax"] = particles.min(), particles.max()
    header["dmean"] = particles.mean(dtype=np.float64)
    header["rms"] = particles.std(dtype=np.float64)
    header["ispg"], header["map"], header["machst"] = 0, b"MAP ", _LITTLE_ENDIAN
    header["nversion"] = _VERSION
    header["nlabl"] = 1
    header["label"][0] = b"Particles extracted by puclassify"
    return header
