"""Reading micrographs, and taking them in whatever form a caller has them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from puclassify.grid import GridImage
from puclassify.io._images import read_pillow, read_tiff
from puclassify.io._mrc import read_mrc
from puclassify.io._names import path_text

__all__ = [
    "as_grid_image",
    "check_micrographs",
    "iter_micrographs",
    "micrograph_name",
    "read_micrograph",
    "refuse_single_micrograph",
]

_READERS = {
    ".mrc": read_mrc,
    ".mrcs": read_mrc,
    ".map": read_mrc,
    ".mrc.gz": read_mrc,
    ".mrc.bz2": read_mrc,
    ".mrcs.gz": read_mrc,
    ".mrcs.bz2": read_mrc,
    ".map.gz": read_mrc,
    ".map.bz2": read_mrc,
    ".png": read_pillow,
    ".jpg": read_pillow,
    ".jpeg": read_pillow,
    ".tif": read_tiff,
    ".tiff": read_tiff,
}
_ACCEPTED = "a path, a 2-D array of numbers or a GridImage"


def read_micrograph(path) -> GridImage:
    """Read one micrograph from a file.

    Parameters
    ----------
    path : str or path-like
        An MRC file (``.mrc``, ``.mrcs``, ``.map``; modes 0, 1, 2, 6 and 12, also ``.gz`` and
        ``.bz2``), or a gray ``.png``, ``.jpg``, ``.tif`` image (these need
        ``pip install "puclassify[images]"``).

    Returns
    -------
    GridImage
        The pixels in the type they are stored in, ``step=1``, ``offset=0``; ``name`` is the file
        name without its folder, ``pixel_size`` is what an MRC header says (a header of 0 gives
        None; a header of 1.0 is given as it is, although many programs write 1.0 when they do not
        know). Uncompressed MRC files are memory-mapped and read-only.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TypeError
        If ``path`` is not a path.
    ValueError
        If the extension is unknown, or the file is broken, truncated, in colour, complex-valued,
        transposed (as the header of an MRC file says) or holds several images.
    ImportError
        If the package that reads this format is not installed.

    Notes
    -----
    Rows are kept in the order in which the file stores them: y counts from the first stored row,
    as in RELION. Some viewers draw the first row of an MRC file at the bottom, and PNG or TIFF
    images exported from those are upside down with respect to the coordinates.

    Examples
    --------
    >>> import tempfile, os
    >>> import mrcfile, numpy as np
    >>> from puclassify.io import read_micrograph
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "mic1.mrc")
    ...     mrcfile.write(path, np.zeros((3, 4), np.float32), voxel_size=1.5)
    ...     read_micrograph(path)
    GridImage('mic1.mrc', 3 x 4, step=1.0, offset=0.0, pixel_size=1.5)
    """
    path = path_text(path)
    name = os.path.basename(path)
    extension = next(
        (end for end in sorted(_READERS, key=len, reverse=True) if name.lower().endswith(end)), None
    )
    if extension is None:
        raise ValueError(
            f"{path} is not of a known image format; micrographs are read from files ending in "
            f"{', '.join(_READERS)}. Read others yourself and pass the 2-D array"
        )
    if not os.path.isfile(path):
        raise FileNotFoundError(f"there is no micrograph file {path}")
    values, pixel_size = _READERS[extension](path)
    return GridImage(values, pixel_size=pixel_size, name=name)


def as_grid_image(micrograph, name: str | None = None) -> GridImage:
    """Turn a path, a 2-D array or a GridImage into a GridImage.

    Parameters
    ----------
    micrograph : str, path-like, ndarray of shape (height, width) or GridImage
        A path is read with `read_micrograph`; an array is taken as a micrograph as stored.
    name : str or None, default=None
        What to call it if it has no name of its own.

    Returns
    -------
    GridImage
        The image; its pixels are neither copied nor converted.

    Raises
    ------
    TypeError
        If ``micrograph`` is none of these.
    ValueError
        If an array is not two-dimensional, is empty, or does not hold real numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify.io import as_grid_image
    >>> as_grid_image(np.zeros((3, 4)), name="mic1")
    GridImage('mic1', 3 x 4, step=1.0, offset=0.0, pixel_size=None)
    """
    _check_item(micrograph, "micrograph")
    if isinstance(micrograph, (str, os.PathLike)):
        return _check_pixels(read_micrograph(micrograph))
    if isinstance(micrograph, GridImage):
        image = micrograph
        if image.name is None and name is not None:
            image = replace(image, name=name)
        return _check_pixels(image)
    if micrograph.ndim != 2:
        raise ValueError(
            f"a micrograph given as an array must be 2-D (height, width), got shape "
            f"{micrograph.shape}; pass several micrographs as a list of 2-D arrays"
        )
    return _check_pixels(GridImage(micrograph, name=name))


def check_micrographs(X) -> list:
    """Check that X is a sequence of micrographs, without reading any.

    Parameters
    ----------
    X : sequence of str, path-like, ndarray of shape (height, width) or GridImage
        The micrographs; a 3-D array is a sequence of 2-D ones.

    Returns
    -------
    list
        The items of ``X``.

    Raises
    ------
    TypeError
        If ``X`` is a single micrograph, has no length, or an item is not a micrograph.
    ValueError
        If ``X`` is empty.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify.io import check_micrographs
    >>> check_micrographs(("mic1.mrc", "mic2.mrc"))
    ['mic1.mrc', 'mic2.mrc']
    >>> check_micrographs("mic1.mrc")
    Traceback (most recent call last):
        ...
    TypeError: X must be a sequence of micrographs, got a single str 'mic1.mrc'; ...
    """
    refuse_single_micrograph(X)
    if isinstance(X, (Mapping, bytes)) or not (hasattr(X, "__len__") and hasattr(X, "__iter__")):
        raise TypeError(
            f"X must be a sequence of micrographs (each {_ACCEPTED}), got {_describe(X)}; "
            "if it yields micrographs one by one, pass list(X)"
        )
    if getattr(X, "ndim", 1) not in (1, 3):
        raise TypeError(
            f"X must be a sequence of micrographs, got {_describe(X)}; pass a list of 2-D arrays "
            "or one array of shape (n, height, width)"
        )
    items = list(X)
    if not items:
        raise ValueError(
            "X holds no micrographs, at least 1 is required; did a file pattern match nothing?"
        )
    for index, item in enumerate(items):
        _check_item(item, f"X[{index}]")
    return items


def iter_micrographs(X):
    """Go through micrographs, which a generator may give one by one, without reading any.

    Parameters
    ----------
    X : iterable of str, path-like, ndarray of shape (height, width) or GridImage
        The micrographs.

    Returns
    -------
    iterable
        The items. A sequence has been checked as by `check_micrographs`; those of a generator are
        checked as they come.
    """
    refuse_single_micrograph(X)
    if hasattr(X, "__len__") or not hasattr(X, "__iter__"):
        return check_micrographs(X)
    return (_checked(item, f"X[{index}]") for index, item in enumerate(X))


def _checked(item, name):
    _check_item(item, name)
    return item


def refuse_single_micrograph(X) -> None:
    """Raise a TypeError if X is one micrograph where a sequence, or a stream, of them belongs.

    Parameters
    ----------
    X : object
        What the caller passed.
    """
    if isinstance(X, (str, os.PathLike, GridImage)) or getattr(X, "ndim", None) == 2:
        raise TypeError(
            f"X must be a sequence of micrographs, got a single {_describe(X)}; "
            "put it in a list: [micrograph]"
        )


def micrograph_name(micrograph, index: int) -> str:
    """Name a micrograph without reading it.

    Parameters
    ----------
    micrograph : str, path-like, ndarray of shape (height, width) or GridImage
        The micrograph.
    index : int
        Its place in the sequence, for those that have no name.

    Returns
    -------
    str
        The file name of a path, the name of a GridImage, else ``micrograph_0007`` for index 7.

    Examples
    --------
    >>> from puclassify.io import micrograph_name
    >>> micrograph_name("session/mic1.mrc", 7)
    'mic1.mrc'
    """
    if isinstance(micrograph, (str, os.PathLike)):
        return os.path.basename(os.fspath(micrograph))
    return getattr(micrograph, "name", None) or f"micrograph_{index:04d}"


def _check_item(item, name: str) -> None:
    if isinstance(item, (str, os.PathLike, np.ndarray, GridImage)):
        return
    raise TypeError(
        f"{name} must be {_ACCEPTED}, got {_describe(item)}; "
        "convert other array types with np.asarray"
    )


def _check_pixels(image: GridImage) -> GridImage:
    dtype, label = image.values.dtype, f"micrograph {image.name!r}" if image.name else "micrograph"
    if 0 in image.shape:
        raise ValueError(f"{label} is empty: its shape is {image.shape}")
    kind = getattr(dtype, "kind", None)
    if kind == "c":
        raise ValueError(f"{label} is complex ({dtype}), pixels must be real; take np.abs of it")
    if kind is None or kind not in "biuf":
        raise ValueError(f"{label} has pixels of type {dtype}, expected a NumPy array of numbers")
    return image


def _describe(value) -> str:
    shape = getattr(value, "shape", None)
    if shape is not None:
        return f"{type(value).__name__} of shape {tuple(shape)}"
    return (
        f"{type(value).__name__} {value!r:.80}" if isinstance(value, str) else type(value).__name__
    )
