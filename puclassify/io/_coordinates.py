"""Reading and writing coordinates."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from puclassify._parameters import check_number, check_option
from puclassify.grid import GridImage
from puclassify.io._check_coordinates import check_coordinate_array
from puclassify.io._coordinate_formats import COORDINATE_FORMATS, centred_reader, reader, writer
from puclassify.io._coordinate_table import CoordinateTable
from puclassify.io._micrograph import micrograph_name
from puclassify.io._names import path_text
from puclassify.io._pick_files import is_folder, list_file, pick_files
from puclassify.io._pick_list import with_earlier_files
from puclassify.io._replace_files import replace_files
from puclassify.io._star import format_star_list

__all__ = ["read_coordinates", "write_coordinates"]


def read_coordinates(
    path: str | os.PathLike[str],
    format: str = "auto",
    *,
    step: float | tuple[float, float] = 1.0,
    offset: float | tuple[float, float] = 0.0,
    origins: str = "ignore",
    pixel_size: float | None = None,
) -> dict[str, np.ndarray]:
    r"""Read particle coordinates from a file.

    Parameters
    ----------
    path : str or path-like
        A STAR file of RELION (3.0, or 3.1 and later with an optics block), a tab- or
        comma-separated table with a header line ``image_name x_coord y_coord [score]`` (or common
        other names of these columns, such as ``micrograph``, ``path``, ``x``, ``y``), an EMAN box
        file, or a file in a format that was added to `COORDINATE_FORMATS`.
    format : {"auto", "star", "tsv", "csv", "box"}, default="auto"
        "auto" looks at the content of the file first and then at its extension; a file with an
        unknown extension is read as a table.
    step, offset : float or (float, float), default=1.0 and 0.0
        Position of the micrographs' pixels in the frame of the file, for both axes or as an (x, y)
        pair: x in the file is ``offset + step * x``. If the coordinates were picked on unbinned
        images and the micrographs are binned by four in each direction, pass ``step=4, offset=1.5``
        for binning by averaging blocks and ``step=4`` for Fourier cropping.
    origins : {"ignore", "apply"}, default="ignore"
        Whether the shifts that a refinement found are subtracted from the coordinates:
        ``_rlnOriginX`` and ``_rlnOriginY``, in pixels of the extracted images, or
        ``_rlnOriginXAngst`` and ``_rlnOriginYAngst``, in ångström. The result is where the centres
        of the particles are; without it, where they were extracted.
    pixel_size : float or None, default=None
        Pixel size of the micrographs in ångström, for ``origins="apply"``. None for
        ``_rlnMicrographPixelSize`` or ``_rlnMicrographOriginalPixelSize`` (that of the movies; pass
        the micrographs' if motion correction binned) of the particles or their optics group.

    Returns
    -------
    dict of str to ndarray of shape (k, 2) or (k, 3)
        Columns x, y and, if every particle has one, the score, by micrograph name as in the file;
        float64. A STAR file without ``_rlnMicrographName`` is split by ``_rlnTomoName`` or by the
        stacks in ``_rlnImageName`` ("000001@Extract/job1/Movies/m1.mrcs" belongs to ``m1``). A file
        without names belongs to the micrograph it is named after (``_autopick``, ``_manualpick``
        and ``_pick`` are removed).

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    IsADirectoryError
        If ``path`` is a folder.
    TypeError
        If ``path`` is not a path.
    ValueError
        If the format is unknown, the file does not follow it or ends within a row, ``step``,
        ``offset`` or ``pixel_size`` is not a number, or ``origins="apply"`` lacks a pixel size.

    Warns
    -----
    UserWarning
        If a table gives widths and heights of boxes, which are not used, or a STAR file the shifts
        of a refinement, which are not applied; if the names or pixel sizes of a STAR file are a
        guess; if a file does not end with a line break and so may have been cut off.

    See Also
    --------
    match_coordinates : Bring the result into the order of the micrographs.

    Notes
    -----
    All of these formats count pixels from the first stored pixel, x along columns and y along rows.
    Programs differ by half a pixel in whether the centre of that pixel is 0 or 1/2; coordinates are
    read unchanged, with centres at 0.

    The rows of all blocks of a STAR file that have ``_rlnCoordinateX`` and ``_rlnCoordinateY`` are
    read: all of them, or an error names the line that is no row.

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
    check_option(format, "format", ["auto", *COORDINATE_FORMATS])
    check_option(origins, "origins", ["ignore", "apply"])
    if pixel_size is not None:
        expected = "a positive number of ångström per pixel, or None"
        pixel_size = check_number(pixel_size, "pixel_size", expected, above=0)
    _check_is_file(path)
    read = _reader(path, format, origins, pixel_size)
    try:
        table = read(path)
    except (ImportError, OSError, MemoryError, Warning):
        raise
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} cannot be read as coordinates: it is not a text file in UTF-8 ({error}); "
            "export the coordinates of another program as STAR, TSV or CSV"
        ) from error
    except ValueError as error:
        raise ValueError(f"{path} cannot be read as coordinates: {error}") from error
    except Exception as error:
        # A parser can raise anything on a broken file; it must not look like a bug of ours.
        raise ValueError(
            f"{path} cannot be read as coordinates ({type(error).__name__}: {error}); is it "
            f"damaged, or not in the format that format={format!r} implies?"
        ) from error
    values = table.values.copy()
    values[:, :2] = grid.to_grid(values[:, :2])
    return CoordinateTable(table.names, values).by_micrograph()


def write_coordinates(
    picks: Sequence[Any] | Mapping[str, Any] | np.ndarray,
    path: str | os.PathLike[str],
    *,
    format: str = "auto",
    names: Sequence[Any] | None = None,
    step: float | tuple[float, float] = 1.0,
    offset: float | tuple[float, float] = 0.0,
) -> None:
    """Write particle coordinates to one file, or to one file per micrograph.

    Parameters
    ----------
    picks : sequence of array-like of shape (k, 2) or (k, 3), or mapping of str to such arrays
        Columns x, y and possibly the score of the picks on every micrograph, in pixels of the
        micrograph as stored. Data frames with columns x, y and possibly score are accepted too.
    path : str or path-like
        A file for all micrographs; a path with ``{name}`` in it, for one file per micrograph, in
        which the micrograph's name without folder and extension replaces ``{name}``; or a folder,
        for a STAR file ``{name}_autopick.star`` each and a list of them, ``autopick.star``, to
        which those of later calls are added. Existing files are replaced only once everything is
        written.
    format : {"auto", "star", "tsv", "csv"}, default="auto"
        "auto" chooses by the extension: ``.star`` (needs ``pip install "puclassify[star]"``),
        ``.tsv``, ``.tab`` and ``.txt``, ``.csv``, or one that was added to `COORDINATE_FORMATS`.
    names : sequence of str, path-like or GridImage, or None, default=None
        The names of the micrographs in the file, one for each array of ``picks``. None only if
        ``picks`` is a mapping.
    step, offset : float or (float, float), default=1.0 and 0.0
        The frame of the file: written is ``offset + step * x``, see `read_coordinates`.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.
    PermissionError
        If an existing file is write-protected.
    TypeError
        If ``path`` is not a path, or ``picks`` is a single array.
    ValueError
        If ``names`` is missing, does not fit ``picks``, has duplicates or a name that the format
        cannot store, if the format is unknown, if only some of the picks have scores, or if
        ``step`` or ``offset`` is not a number.
    ImportError
        If the package that writes this format is not installed.

    Notes
    -----
    A micrograph without picks does not appear in a file for all micrographs; among files for each
    it has one without rows. Numbers are written with as many digits as are needed to read the same
    numbers again. A STAR file has one block with ``_rlnCoordinateX``, ``_rlnCoordinateY``, for
    scores ``_rlnAutopickFigureOfMerit``, and ``_rlnMicrographName``.

    To extract the particles with RELION 4 or 5, write to a folder below its project folder and pass
    the list ``autopick.star`` to an Extract job as input coordinates. Run Python in the project
    folder, so that ``path`` and ``names`` are the paths that RELION uses. RELION does not extract
    from one table of all micrographs.

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
    write = writer(path, format)
    coordinates = {}
    for name, array in _named(picks, names).items():
        array = check_coordinate_array(array, f"picks of {name!r}")
        array[:, :2] = grid.to_micrograph(array[:, :2])
        coordinates[name] = array
    coordinates = _with_equal_columns(coordinates)
    files = pick_files(path, coordinates)
    if files is None:
        texts = {path: write(CoordinateTable.from_arrays(coordinates))}
    else:
        texts = {
            files[name]: write(CoordinateTable.from_arrays({name: array}))
            for name, array in coordinates.items()
        }
        if is_folder(path):
            texts[list_file(path)] = format_star_list(with_earlier_files(path, files))
    replace_files(texts)


def _reader(
    path: str, format: str, origins: str, pixel_size: float | None
) -> Callable[[str], CoordinateTable]:
    if origins == "ignore":
        return reader(path, format)
    read = centred_reader(path, format)
    return lambda path: read(path, pixel_size)


def _check_is_file(path: str) -> None:
    if os.path.isfile(path):
        return
    every = "{name: xy for file in files for name, xy in read_coordinates(file).items()}"
    if os.path.isdir(path):
        raise IsADirectoryError(
            f"path={path!r} is a folder; pass a file in it, or read each of them: {every}"
        )
    if glob.has_magic(path):
        raise FileNotFoundError(
            f"there is no coordinate file {path}; if that is a pattern, pass its files one by one: "
            f"files = sorted(glob.glob({path!r})) and {every}"
        )
    raise FileNotFoundError(f"there is no coordinate file {path}")


def _frame(step: Any, offset: Any) -> GridImage:
    """Return a grid with the micrographs' pixels in the frame of the file."""
    return GridImage(np.empty((1, 1)), step=step, offset=offset)


def _named(picks: Any, names: Any) -> dict[str, Any]:
    """Return the picks by micrograph name."""
    if isinstance(picks, Mapping):
        if names is not None:
            raise ValueError("names must be None if picks is a mapping, its keys are the names")
        return dict(picks)
    if hasattr(picks, "columns") or getattr(picks, "ndim", None) == 2:
        raise TypeError(
            f"picks must be a sequence of arrays, one per micrograph, got a single table of shape "
            f"{picks.shape}; for one micrograph pass [picks] and names=[name]"
        )
    if names is None:
        raise ValueError(
            "names must hold the names of the micrographs, one for each array of picks, got None; "
            "pass names=paths"
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


def _with_equal_columns(coordinates: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays with equally many columns; raise if only some of them have scores."""
    scored = {name: array.shape[1] == 3 for name, array in coordinates.items() if len(array)}
    if len(set(scored.values())) > 1:
        with_score = next(name for name, has in scored.items() if has)
        without = next(name for name, has in scored.items() if not has)
        raise ValueError(
            f"picks must have a score on all micrographs or on none: those of {with_score!r} have "
            f"three columns, those of {without!r} two"
        )
    # An empty array does not decide, unless all are empty.
    deciding = [array for array in coordinates.values() if len(array)] or coordinates.values()
    empty = np.empty((0, max((array.shape[1] for array in deciding), default=2)))
    return {name: array if len(array) else empty for name, array in coordinates.items()}
