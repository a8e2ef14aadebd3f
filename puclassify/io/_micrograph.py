"""Micrographs from files, arrays and grid images."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from puclassify.grid import GridImage
from puclassify.io._micrograph_formats import MICROGRAPH_FORMATS
from puclassify.io._mrc import mrc_shape
from puclassify.io._names import path_text
from puclassify.io._side_files import refuse_side_files

__all__ = [
    "as_grid_image",
    "check_micrographs",
    "given_name",
    "iter_micrographs",
    "micrograph_name",
    "read_micrograph",
    "without_pixels",
]

_ACCEPTED = "a path, a 2-D array of numbers or a GridImage"


def read_micrograph(path: str | os.PathLike[str]) -> GridImage:
    """Read one micrograph from a file.

    Parameters
    ----------
    path : str or path-like
        An MRC file (``.mrc``, ``.mrcs``, ``.map``; modes 0, 1, 2, 6 and 12, also ``.gz`` and
        ``.bz2``), a gray ``.png``, ``.jpg``, ``.jpeg``, ``.tif`` or ``.tiff`` image (these need
        ``pip install "puclassify[images]"``), or a file in a format that was added to
        `MICROGRAPH_FORMATS`.

    Returns
    -------
    GridImage
        The pixels in the stored type, ``step=1``, ``offset=0``. ``name`` is the file name without
        folder. ``pixel_size`` is the value in an MRC header (None if it is 0; many programs write
        1.0 if they do not know it). All pixels are read into memory.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    TypeError
        If ``path`` is not a path.
    ValueError
        If the extension is unknown, or the file is broken, truncated, in colour, complex-valued,
        transposed according to its MRC header, holds several images or more pixels than are
        decompressed (see Notes).
    OSError
        If the file cannot be read, or changes while it is read.
    ImportError
        If the package that reads this format is not installed.

    Warns
    -----
    UserWarning
        If an MRC header is doubtful: bytes that may or may not have a sign, a missing ``MAP`` or
        machine stamp, more bytes than the header describes, pixels that are not square.

    Notes
    -----
    Rows keep the order of the file: y counts from the first stored row, as in RELION. Some viewers
    draw the first row of an MRC file at the bottom; PNG or TIFF images exported from them are
    upside down relative to the coordinates.

    MRC files of mode 0 have a sign if IMOD's stamp, or else the minimum and maximum in the header,
    say so; without them the reading in which neighbouring pixels differ less is taken, with a
    warning.

    PNG, JPEG, TIFF and compressed MRC images may have up to 2**28 pixels (16384 x 16384), and are
    decompressed no further than their headers say.

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
    readers = {end: known.read for known in MICROGRAPH_FORMATS.values() for end in known.extensions}
    endings = [end for end in readers if name.lower().endswith(end)]
    if not endings:
        raise ValueError(
            f"{path} is not of a known image format; micrographs are read from files ending in "
            f"{', '.join(readers)}. Read other files yourself and pass the 2-D array"
        )
    if not os.path.isfile(path):
        raise FileNotFoundError(f"there is no micrograph file {path}")
    values, pixel_size = readers[max(endings, key=len)](path)
    return GridImage(values, pixel_size=pixel_size, name=name)


def as_grid_image(micrograph: Any, name: str | None = None) -> GridImage:
    """Convert a path, a 2-D array or a GridImage to a GridImage.

    Parameters
    ----------
    micrograph : str, path-like, ndarray of shape (height, width) or GridImage
        A path is read with `read_micrograph`; an array is a micrograph as stored.
    name : str or None, default=None
        Name of an image that has none.

    Returns
    -------
    GridImage
        The image; its pixels are neither copied nor converted.

    Raises
    ------
    TypeError
        If ``micrograph`` is none of these.
    ValueError
        If an array is not two-dimensional, is empty or does not hold real numbers.

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


def without_pixels(micrograph: Any) -> GridImage:
    """Return what `as_grid_image` does, with zeros for pixels where the size alone can be read."""
    is_path = isinstance(micrograph, (str, os.PathLike))
    path = path_text(micrograph) if is_path else ""
    if not path.lower().endswith((".mrc", ".mrcs", ".map")) or not os.path.isfile(path):
        return as_grid_image(micrograph)
    return GridImage(np.broadcast_to(np.float32(0), mrc_shape(path)), name=os.path.basename(path))


def check_micrographs(X: Sequence[Any] | np.ndarray) -> list[Any]:
    """Check that X is a sequence of micrographs, without reading them.

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
        If ``X`` is empty, or holds files that are named like those beside micrographs: power
        spectra (``*_PS.mrc``), images of CTF fits (``*_ctf.mrc``), thumbnails.

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
    _refuse_single_micrograph(X)
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
    refuse_side_files(items)
    return items


def iter_micrographs(X: Any) -> Iterable[Any]:
    """Return the micrographs of a sequence or generator, checked but not read.

    A sequence is checked as by `check_micrographs`, the items of a generator as they come.
    """
    _refuse_single_micrograph(X)
    if hasattr(X, "__len__") or not hasattr(X, "__iter__"):
        return check_micrographs(X)
    return (_checked(item, f"X[{index}]") for index, item in enumerate(X))


def _checked(item: Any, name: str) -> Any:
    _check_item(item, name)
    refuse_side_files([item], name)
    return item


def _refuse_single_micrograph(X: Any) -> None:
    """Raise a TypeError if X is one micrograph instead of a sequence or generator of them."""
    if isinstance(X, (str, os.PathLike, GridImage)) or getattr(X, "ndim", None) == 2:
        raise TypeError(
            f"X must be a sequence of micrographs, got a single {_describe(X)}; "
            "put it in a list: [micrograph]"
        )


def given_name(micrograph: Any, index: int) -> str:
    """Return the path of a micrograph as given, or what `micrograph_name` does."""
    is_path = isinstance(micrograph, (str, os.PathLike))
    return os.fspath(micrograph) if is_path else micrograph_name(micrograph, index)


def micrograph_name(micrograph: Any, index: int) -> str:
    """Return the name of a micrograph without reading it.

    Parameters
    ----------
    micrograph : str, path-like, ndarray of shape (height, width) or GridImage
        The micrograph.
    index : int
        Its position in the sequence, for micrographs without a name.

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


def _check_item(item: Any, name: str) -> None:
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
        raise ValueError(f"{label} is complex ({dtype}), pixels must be real; pass np.abs of it")
    if kind is None or kind not in "biuf":
        raise ValueError(f"{label} has pixels of type {dtype}, expected a NumPy array of numbers")
    if isinstance(image.values, np.ma.MaskedArray) and np.ma.is_masked(image.values):
        raise ValueError(
            f"{label} has {np.ma.count_masked(image.values)} masked pixels, which would be used as "
            "if they were not; pass image.astype(float).filled(np.nan), which leaves them out"
        )
    return image


def _describe(value: Any) -> str:
    shape = getattr(value, "shape", None)
    if shape is not None:
        return f"{type(value).__name__} of shape {tuple(shape)}"
    return (
        f"{type(value).__name__} {value!r:.80}" if isinstance(value, str) else type(value).__name__
    )
