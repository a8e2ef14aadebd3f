"""Reading and writing coordinates; which format a file has is decided here."""

from __future__ import annotations

import os
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
from puclassify.io._names import path_text
from puclassify.io._pick_files import is_folder, list_file, pick_files
from puclassify.io._replace_files import replace_files
from puclassify.io._star import format_star, format_star_list, read_star

__all__ = ["formatter", "read_coordinates", "write_coordinates"]


class _Format(NamedTuple):
    extensions: tuple[str, ...]
    read: Callable[[str], CoordinateTable]
    format: Callable[[CoordinateTable], str] | None = None  # None: it is only read
    first_line: str | None = None  # how files start that are to be known whatever their extension
    guess: Callable[[str], CoordinateTable] | None = None  # reads for "auto", where not as ``read``


# An entry is all it takes: "auto" and the messages go by what stands here.
_FORMATS = {
    "star": _Format((".star",), read_star, format_star, first_line="data_"),
    "tsv": _Format(
        (".tsv", ".tab", ".txt"),
        partial(read_delimited, delimiter="\t"),
        partial(format_delimited, delimiter="\t"),
        guess=read_delimited,
    ),
    "csv": _Format(
        (".csv",),
        partial(read_delimited, delimiter=","),
        partial(format_delimited, delimiter=","),
        guess=read_delimited,
    ),
    "box": _Format((".box",), read_box),
}


def read_coordinates(path, format="auto", *, step=1.0, offset=0.0) -> dict[str, np.ndarray]:
    r"""Read particle coordinates from a file.

    Parameters
    ----------
    path : str or path-like
        A STAR file of RELION (3.0, or 3.1 and later with a block on the optics; needs
        ``pip install "puclassify[star]"``), a tab- or comma-separated table with a header line
        ``image_name x_coord y_coord [score]`` (or common other names of these columns, such as
        ``micrograph``, ``path``, ``x``, ``y``), or an EMAN box file.
    format : {"auto", "star", "tsv", "csv", "box"}, default="auto"
        "auto" goes by what the file contains, and where that does not tell by the extension; a
        file of unknown extension is taken for a table.
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
    TypeError
        If ``path`` is not a path.
    ValueError
        If the format is unknown, the file does not follow it, or ``step`` or ``offset`` is not a
        number.
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
    path = path_text(path)
    grid = _frame(step, offset)
    if format != "auto" and format not in _FORMATS:
        raise ValueError(f"format must be auto, {', '.join(_FORMATS)}, got {format!r}")
    if not os.path.isfile(path):
        raise FileNotFoundError(f"there is no coordinate file {path}")
    read = _reader(path) if format == "auto" else _FORMATS[format].read
    try:
        table = read(path)
    except (ImportError, OSError, MemoryError):
        raise
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} cannot be read as coordinates: it is not a text file in UTF-8 ({error}); "
            "export the coordinates of another program as STAR, TSV or CSV"
        ) from error
    except ValueError as error:
        raise ValueError(f"{path} cannot be read as coordinates: {error}") from error
    except Exception as error:
        # A parser may stumble over a broken file in any way, which must not look like our fault.
        raise ValueError(
            f"{path} cannot be read as coordinates ({type(error).__name__}: {error}); is it "
            f"damaged, or of another format than format={format!r} says?"
        ) from error
    values = table.values.copy()
    values[:, :2] = grid.to_grid(values[:, :2])
    return CoordinateTable(table.names, values).by_micrograph()


def write_coordinates(picks, path, *, format="auto", names=None, step=1.0, offset=0.0) -> None:
    """Write particle coordinates to a file, or to one for each micrograph.

    Parameters
    ----------
    picks : sequence of array-like of shape (k, 2) or (k, 3), or mapping of str to such arrays
        Columns x, y and possibly the score of the picks on every micrograph, in pixels of the
        micrograph as stored; data frames with columns x, y and possibly score are taken too.
    path : str or path-like
        A file for all micrographs; a path with ``{name}`` in it, for a file for each micrograph,
        where its name without folder and extension takes this place; or a folder, for a STAR file
        ``{name}_autopick.star`` for each and a list of them, ``autopick.star``. Files are replaced
        only when all is written.
    format : {"auto", "star", "tsv", "csv"}, default="auto"
        "auto" goes by the extension: ``.star`` (needs ``pip install "puclassify[star]"``),
        ``.tsv``, ``.tab`` and ``.txt``, ``.csv``.
    names : sequence of str, path-like or GridImage, or None, default=None
        What the micrographs are called in the file, one for each array of ``picks``. None only if
        ``picks`` is a mapping.
    step, offset : float or (float, float), default=1.0 and 0.0
        The frame of the file: what is written is ``offset + step * x``, see `read_coordinates`.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.
    PermissionError
        If a file is there already and is write-protected.
    TypeError
        If ``path`` is not a path, or ``picks`` is a single array.
    ValueError
        If ``names`` is missing, does not fit ``picks``, has a name twice or one that the format
        cannot store, if the format is unknown, if only some of the picks have scores, or if
        ``step`` or ``offset`` is not a number.
    ImportError
        If the package that writes this format is not installed.

    Notes
    -----
    A micrograph without picks leaves no trace in a file for all; among files for each it has one
    without rows. Numbers are written with as many digits as it takes to read the same ones again.
    A STAR file has one block with ``_rlnCoordinateX``, ``_rlnCoordinateY``, for scores
    ``_rlnAutopickFigureOfMerit``, and ``_rlnMicrographName``.

    To extract the particles with RELION 4 or 5, write to a folder below its project folder and
    give the list ``autopick.star`` to an Extract job as input coordinates. Run Python in the
    project folder, so that ``path`` and ``names`` are what RELION calls the files. RELION does not
    extract from one table of all micrographs.

    Examples
    --------
    >>> import os, tempfile
    >>> from puclassify.io import read_coordinates, write_coordinates
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "picks.tsv")
    ...     write_coordinates([[[10.0, 20.0, 1.5]], []], path, names=["mic1.mrc", "mic2.mrc"])
    ...     read_coordinates(path)
    {'mic1.mrc': array([[10. , 20. ,  1.5]])}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "{name}.csv")
    ...     write_coordinates({"Movies/mic1.mrc": [[10.0, 20.0]], "Movies/mic2.mrc": []}, path)
    ...     sorted(os.listdir(folder))
    ['mic1.csv', 'mic2.csv']
    """
    path = path_text(path)
    grid = _frame(step, offset)
    formatted = formatter(path, format)
    coordinates = {}
    for name, array in _named(picks, names).items():
        array = check_coordinate_array(array, f"picks of {name!r}")
        array[:, :2] = grid.to_micrograph(array[:, :2])
        coordinates[name] = array
    table = CoordinateTable.from_mapping(coordinates)
    files = pick_files(path, coordinates)
    if files is None:
        texts = {path: formatted(table)}
    else:
        texts = {files[name]: formatted(part) for name, part in table.split(coordinates).items()}
        if is_folder(path):
            texts[list_file(path)] = format_star_list(files)
    replace_files(texts)


def formatter(path: str, format: str) -> Callable[[CoordinateTable], str]:
    """Choose the function that makes the text of a file of picks.

    Parameters
    ----------
    path : str
        Where it will be written: a file, a path with ``{name}`` in it, or a folder.
    format : str
        As of `write_coordinates`.

    Returns
    -------
    callable
        From a table to a text.

    Raises
    ------
    ValueError
        If the format is unknown.
    """
    return _folder_writer(path, format) if is_folder(path) else _writer(path, format)


def _reader(path: str) -> Callable[[str], CoordinateTable]:
    """Choose the reader by how the file starts, else by its extension."""
    with open(path, encoding="utf-8-sig", errors="replace") as file:
        lines = (line.strip() for line in file)
        first = next((line for line in lines if line and not line.startswith("#")), "")
    formats = _FORMATS.values()
    known = [e for e in formats if e.first_line is not None and first.startswith(e.first_line)]
    known += [e for e in formats if path.lower().endswith(e.extensions)]
    return (known[0].guess or known[0].read) if known else read_delimited


def _folder_writer(path: str, format: str) -> Callable[[CoordinateTable], str]:
    if format in ("auto", "star"):
        return format_star
    raise ValueError(
        f"format must be auto or star where path is a folder, got {format!r}; for files of another "
        f"format pass path={os.path.join(path, '{name}.' + format)!r}"
    )


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
    for name, value in (("step", step), ("offset", offset)):
        try:
            np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{name} must be a number or an (x, y) pair of them, got {value!r}"
            ) from error
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
