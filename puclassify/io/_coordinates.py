"""Reading and writing coordinates; which format a file has is decided here."""

from __future__ import annotations

import os
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np

from puclassify.grid import GridImage
from puclassify.io._box import read_box
from puclassify.io._check_coordinates import check_coordinate_array
from puclassify.io._coordinate_table import CoordinateTable
from puclassify.io._delimited import format_delimited, read_delimited
from puclassify.io._micrograph import micrograph_name
from puclassify.io._star import format_star, read_star

__all__ = ["read_coordinates", "write_coordinates"]


class _Format(NamedTuple):
    extensions: tuple[str, ...]
    read: Callable[[str], CoordinateTable]
    format: Callable[[CoordinateTable], str] | None


_FORMATS = {
    "star": _Format((".star",), read_star, format_star),
    "tsv": _Format(
        (".tsv", ".tab", ".txt"),
        partial(read_delimited, delimiter="\t"),
        partial(format_delimited, delimiter="\t"),
    ),
    "csv": _Format(
        (".csv",),
        partial(read_delimited, delimiter=","),
        partial(format_delimited, delimiter=","),
    ),
    "box": _Format((".box",), read_box, None),
}


def read_coordinates(path, format="auto", *, step=1.0, offset=0.0) -> dict[str, np.ndarray]:
    r"""Read particle coordinates from a file.

    Parameters
    ----------
    path : str or path-like
        A STAR file of RELION (3.0, or 3.1 and later with a block on the optics; needs
        ``pip install "puclassify[star]"``), a tab- or comma-separated table with a header line
        ``image_name x_coord y_coord [score]``, or an EMAN box file.
    format : {"auto", "star", "tsv", "csv", "box"}, default="auto"
        "auto" goes by what the file contains, and by the extension for box files.
    step, offset : float or (float, float), default=1.0 and 0.0
        Where the pixels of the micrographs sit in the frame of the file: x in the file is
        ``offset + step * x``, likewise for y, or for each by (x, y) pairs. For coordinates that
        were taken on unbinned images while the micrographs are binned four times in each
        direction: ``step=4, offset=1.5`` after averaging blocks, ``step=4`` after Fourier cropping.

    Returns
    -------
    dict of str to ndarray of shape (k, 2) or (k, 3)
        Columns x, y and, if the file has one for every particle, the score, by micrograph name as
        the file has it; float64. A file without names belongs to the micrograph it is named after
        (``_autopick``, ``_manualpick`` and ``_pick`` are taken off).

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the format is unknown or the file does not follow it.
    ImportError
        If the package that reads this format is not installed.

    See Also
    --------
    match_coordinates : Bring the result into the order of the micrographs.

    Notes
    -----
    All of these formats count pixels from the first stored pixel, x along columns and y along rows.
    Programs differ by half a pixel in whether the centre of that pixel is 0 or 1/2; coordinates are
    taken as they stand, with centres at 0.

    Examples
    --------
    >>> import os, tempfile
    >>> from puclassify.io import read_coordinates
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "particles.csv")
    ...     with open(path, "w") as file:
    ...         _ = file.write("image_name,x_coord,y_coord\nmic1,10,20\nmic2,5,6.5\n")
    ...     read_coordinates(path)
    {'mic1': array([[10., 20.]]), 'mic2': array([[5. , 6.5]])}
    """
    path = os.fspath(path)
    if format != "auto" and format not in _FORMATS:
        raise ValueError(f"format must be auto, {', '.join(_FORMATS)}, got {format!r}")
    if not os.path.isfile(path):
        raise FileNotFoundError(f"there is no coordinate file {path}")
    read = _sniff(path) if format == "auto" else _FORMATS[format].read
    try:
        table = read(path)
    except ValueError as error:
        raise ValueError(f"{path} cannot be read as coordinates: {error}") from error
    grid = _frame(step, offset)
    values = table.values.copy()
    values[:, :2] = grid.to_grid(values[:, :2])
    return CoordinateTable(table.names, values).by_micrograph()


def write_coordinates(picks, path, *, format="auto", names=None, step=1.0, offset=0.0) -> None:
    """Write particle coordinates to a file.

    Parameters
    ----------
    picks : sequence of array-like of shape (k, 2) or (k, 3), or mapping of str to such arrays
        Columns x, y and possibly the score of the picks on every micrograph, in pixels of the
        micrograph as stored; data frames with columns x, y and possibly score are taken too.
    path : str or path-like
        The file to write. It is replaced only when all is written.
    format : {"auto", "star", "tsv", "csv"}, default="auto"
        "auto" goes by the extension: ``.star`` (needs ``pip install "puclassify[star]"``),
        ``.tsv``, ``.tab`` and ``.txt``, ``.csv``.
    names : sequence of str, path-like or GridImage, or None, default=None
        What the micrographs are called in the file, one for each array of ``picks``. RELION expects
        their paths as seen from its project folder. None only if ``picks`` is a mapping.
    step, offset : float or (float, float), default=1.0 and 0.0
        The frame of the file: what is written is ``offset + step * x``, see `read_coordinates`.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.
    ValueError
        If ``names`` is missing, does not fit ``picks`` or has a name twice, if the format is
        unknown, or if only some of the picks have scores.
    ImportError
        If the package that writes this format is not installed.

    Notes
    -----
    A micrograph without picks leaves no trace in the file. Numbers are written with as many digits
    as it takes to read the same ones again. A STAR file has one block with
    ``_rlnMicrographName``, ``_rlnCoordinateX``, ``_rlnCoordinateY`` and, for scores,
    ``_rlnAutopickFigureOfMerit``.

    Examples
    --------
    >>> import os, tempfile
    >>> from puclassify.io import read_coordinates, write_coordinates
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "picks.tsv")
    ...     write_coordinates([[[10.0, 20.0, 1.5]], []], path, names=["mic1.mrc", "mic2.mrc"])
    ...     read_coordinates(path)
    {'mic1.mrc': array([[10. , 20. ,  1.5]])}
    """
    path = os.fspath(path)
    formatted = _writer(path, format)
    grid = _frame(step, offset)
    coordinates = {}
    for name, array in _named(picks, names).items():
        array = check_coordinate_array(array, f"picks of {name!r}")
        array[:, :2] = grid.to_micrograph(array[:, :2])
        coordinates[name] = array
    _replace(path, formatted(CoordinateTable.from_mapping(coordinates)))


def _sniff(path: str) -> Callable[[str], CoordinateTable]:
    """Choose the reader by what the file contains; box files have nothing to tell them by."""
    if path.lower().endswith(_FORMATS["box"].extensions):
        return read_box
    with open(path, encoding="utf-8-sig", errors="replace") as file:
        lines = (line.strip() for line in file)
        first = next((line for line in lines if line and not line.startswith("#")), "")
    if path.lower().endswith(".star") or first.startswith("data_"):
        return read_star
    return read_delimited


def _writer(path: str, format: str) -> Callable[[CoordinateTable], str]:
    writable = {name: entry for name, entry in _FORMATS.items() if entry.format is not None}
    for name, entry in writable.items():
        chosen = format == name or (format == "auto" and path.lower().endswith(entry.extensions))
        if chosen and entry.format is not None:
            return entry.format
    known = ", ".join(f"{name} ({', '.join(entry.extensions)})" for name, entry in writable.items())
    raise ValueError(
        f"cannot tell in which format to write {path}, format={format!r}; known are {known}"
    )


def _frame(step, offset) -> GridImage:
    """Make the grid of the micrographs' pixels in the frame of the file."""
    return GridImage(np.empty((1, 1)), step=step, offset=offset)


def _named(picks, names) -> dict:
    """Return the picks by micrograph name."""
    if isinstance(picks, Mapping):
        if names is not None:
            raise ValueError("names must be None where picks is a mapping, its keys are the names")
        return dict(picks)
    if hasattr(picks, "columns") or getattr(picks, "ndim", None) == 2:
        raise TypeError(
            f"picks must be a sequence of arrays, one per micrograph, got a single table of shape "
            f"{picks.shape}; for one micrograph pass [picks] and names=[name]"
        )
    if names is None:
        raise ValueError(
            "names must say what the micrographs are called, one name for each array of picks, "
            "got None; pass names=paths"
        )
    if isinstance(names, (str, os.PathLike)) or len(names) != len(picks):
        raise ValueError(
            f"names must hold one name for each of the {len(picks)} arrays of picks, got "
            f"{names!r:.80}"
        )
    labels = [
        os.fspath(name) if isinstance(name, (str, os.PathLike)) else micrograph_name(name, index)
        for index, name in enumerate(names)
    ]
    twice = [label for label, count in Counter(labels).items() if count > 1]
    if twice:
        raise ValueError(
            f"names must differ, {twice[0]!r} occurs more than once; keep the folders in the names"
        )
    return dict(zip(labels, picks))


def _replace(path: str, text: str) -> None:
    """Write a file so that at any time there is the old one or the whole new one."""
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"cannot write {path}: there is no folder {folder}")
    draft = f"{path}.{uuid.uuid4().hex}.part"
    try:
        with open(draft, "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.replace(draft, path)
    finally:
        if os.path.exists(draft):
            os.remove(draft)
