"""The formats in which micrographs are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from puclassify.io._images import read_pillow
from puclassify.io._mrc import read_mrc
from puclassify.io._tiff import read_tiff

__all__ = ["MICROGRAPH_FORMATS", "MicrographFormat"]


@dataclass(frozen=True)
class MicrographFormat:
    """How micrographs of one format are read.

    Parameters
    ----------
    extensions : tuple of str
        Endings of the file names, in lower case, with the dot.
    read : callable
        Maps a path to the pixels, an array of shape (height, width), and the pixel size in Ångström
        or None. Raises a ValueError that names the path if the file is not a micrograph.

    See Also
    --------
    puclassify.io.read_micrograph : Reads a micrograph by the ending of its name.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify.io import MICROGRAPH_FORMATS, MicrographFormat, read_micrograph
    >>> MICROGRAPH_FORMATS["npy"] = MicrographFormat((".npy",), lambda path: (np.load(path), None))
    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "mic1.npy")
    ...     np.save(path, np.zeros((3, 4)))
    ...     read_micrograph(path)
    GridImage('mic1.npy', 3 x 4, step=1.0, offset=0.0, pixel_size=None)
    >>> del MICROGRAPH_FORMATS["npy"]
    """

    extensions: tuple[str, ...]
    read: Callable[[str], tuple[np.ndarray, float | None]]


MICROGRAPH_FORMATS: dict[str, MicrographFormat] = {
    "mrc": MicrographFormat(
        (
            *(".mrc", ".mrcs", ".map", ".mrc.gz", ".mrc.bz2"),
            *(".mrcs.gz", ".mrcs.bz2", ".map.gz", ".map.bz2"),
        ),
        read_mrc,
    ),
    "png": MicrographFormat((".png",), read_pillow),
    "jpeg": MicrographFormat((".jpg", ".jpeg"), read_pillow),
    "tiff": MicrographFormat((".tif", ".tiff"), read_tiff),
}
"""Formats of micrographs by name; add an entry to make your own readable."""
