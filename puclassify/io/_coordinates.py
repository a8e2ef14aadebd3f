"""Reading and writing coordinates."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from puclassify._coordinate_columns import is_frame
from puclassify._parameters import check_number, check_option, check_pair
from puclassify._warnings import warn
from puclassify.io._check_coordinates import check_coordinate_array
from puclassify.io._coordinate_files import coordinate_files
from puclassify.io._coordinate_formats import (
    COORDINATE_FORMATS,
    CoordinateFormat,
    centred_reader,
    needed_beside_picks,
    reader,
    writer,
)
from puclassify.io._coordinate_table import (
    CoordinateTable,
    frame_as_table,
    joined,
    micrograph_of_file,
)
from puclassify.io._frames import Frame
from puclassify.io._micrograph import given_name
from puclassify.io._names import path_text
from puclassify.io._pick_files import is_folder, list_file, pick_files
from puclassify.io._pick_list import with_earlier_files
from puclassify.io._read_optics import with_optics
from puclassify.io._replace_files import replace_files
from puclassify.io._star import format_star_list

__all__ = ["as_table", "read_coordinate_table", "read_coordinates", "write_coordinates"]


def read_coordinates(
    path: str | os.PathLike[str] | Sequence[Any],
    format: str = "auto",
    *,
    step: float | tuple[float, float] = 1.0,
    offset: float | tuple[float, float] = 0.0,
    origins: str = "ignore",
    pixel_size: float | None = None,
    origin: str = "top-left",
    shapes: Any = None,
    micrographs: Sequence[Any] | None = None,
) -> dict[str, np.ndarray]:
    r"""Read particle coordinates from files.

    Parameters
    ----------
    path : str, path-like, or sequence of them
        A file, a pattern such as ``"AutoPick/job006/**/*_autopick.star"``, a folder (its
        ``autopick.star``, or all files of coordinates directly in it), or a list of these. A file
        is a STAR file of RELION (3.0, or 3.1 and later with an optics block; the files of a list
        ``data_coordinate_files`` are read), a table with a header line
        ``image_name x_coord y_coord [score]`` (or common other names of these columns, such as
        ``micrograph``, ``path``, ``x``, ``y``), or of another program, see :ref:`formats`.
    format : str, default="auto"
        "star", "tsv", "csv", "box", "coord", "imod", "eman2", "cbox", "cryosparc", "imagej",
        "napari", "via", "coco", "labelme", or a name that was added to `COORDINATE_FORMATS`.
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
    origin : {"top-left", "bottom-left"}, default="top-left"
        From where the file counts y: from the first stored row of pixels, as all these programs do
        with files that they show as they are stored, or from the last one, as after a program that
        turned the image upside down when it read it. The centre of the corner pixel is 0.
    shapes : (int, int), mapping of str to (int, int), or None, default=None
        Height and width of the micrographs as stored, for ``origin="bottom-left"``; of all, or by
        name. Files of cryoSPARC, COCO and labelme hold their own.
    micrographs : sequence of str, path-like, ndarray or GridImage, or None, default=None
        The micrographs, instead of ``shapes``: headers of those that the files name are read.

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
        If the file does not exist, or nothing fits the pattern or is in the folder.
    TypeError
        If ``path`` is not a path or a sequence of paths.
    ValueError
        If the format is unknown, a file does not follow it or ends within a row, ``step``,
        ``offset`` or ``pixel_size`` is not a number, ``origins="apply"`` lacks a pixel size or
        ``origin="bottom-left"`` a height, or a folder holds files of several kinds.

    Warns
    -----
    UserWarning
        If a table gives widths and heights of boxes, which are not used, or a STAR file the shifts
        of a refinement, which are not applied; if the names or pixel sizes of a STAR file are a
        guess; if a file does not end with a line break and so may have been cut off; if several
        files hold coordinates of one micrograph, which are put together.

    See Also
    --------
    match_coordinates : Bring the result into the order of the micrographs.
    read_coordinate_table : Keep further columns, to convert between formats.

    Notes
    -----
    All of these formats count pixels from the first stored pixel, x along columns and y along rows.
    Programs differ by half a pixel in whether the centre of that pixel is 0 or 1/2; coordinates are
    read unchanged, with centres at 0, except for IMOD, which documents 1/2.

    Scores are read as they are. Nothing that a file holds is executed: arrays with pickled objects
    are refused, and the files of a list are read only below its folder or project.

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
    ...     read_coordinates(path), read_coordinates(path, origin="bottom-left", shapes=(50, 40))
    ({'mic1': array([[10., 20.]]), 'mic2': array([[5. , 6.5]])},
     {'mic1': array([[10., 29.]]), 'mic2': array([[ 5. , 42.5]])})
    """
    return read_coordinate_table(
        path,
        format,
        step=step,
        offset=offset,
        origins=origins,
        pixel_size=pixel_size,
        origin=origin,
        shapes=shapes,
        micrographs=micrographs,
    ).by_micrograph()


def read_coordinate_table(
    path: str | os.PathLike[str] | Sequence[Any],
    format: str = "auto",
    *,
    step: float | tuple[float, float] = 1.0,
    offset: float | tuple[float, float] = 0.0,
    origins: str = "ignore",
    pixel_size: float | None = None,
    origin: str = "top-left",
    shapes: Any = None,
    micrographs: Sequence[Any] | None = None,
) -> CoordinateTable:
    r"""Read particle coordinates with all that the files hold of particles beside them.

    Parameters
    ----------
    path : str, path-like, or sequence of them
        A file, a pattern, a folder or a list of these.
    format : str, default="auto"
        As in `read_coordinates`, like the other parameters.
    step, offset : float or (float, float), default=1.0 and 0.0
        Position of the micrographs' pixels in the frame of the file.
    origins : {"ignore", "apply"}, default="ignore"
        Whether the shifts of a refinement are subtracted.
    pixel_size : float or None, default=None
        Pixel size of the micrographs in ångström, for ``origins="apply"``.
    origin : {"top-left", "bottom-left"}, default="top-left"
        From where the file counts y.
    shapes : (int, int), mapping of str to (int, int), or None, default=None
        Height and width of the micrographs as stored.
    micrographs : sequence of str, path-like, ndarray or GridImage, or None, default=None
        The micrographs, instead of ``shapes``.

    Returns
    -------
    CoordinateTable
        A row for every particle, in pixels of the micrographs as stored. `write_coordinates`
        writes it in another format, with the columns that the format has a place for.

    Raises
    ------
    ValueError
        As `read_coordinates`, and the other errors of it.

    Examples
    --------
    >>> import os, tempfile
    >>> from puclassify.io import read_coordinate_table, write_coordinates
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "mic1.box")
    ...     with open(path, "w") as file:
    ...         _ = file.write("10 20 64 64\n")
    ...     table = read_coordinate_table(path)
    ...     write_coordinates(table, os.path.join(folder, "{name}_info.json"))
    ...     sorted(os.listdir(folder))
    ['mic1.box', 'mic1_info.json']
    >>> table.values, table.columns
    (array([[42., 52.]]), {'width': [64.0], 'height': [64.0]})
    """
    frame = Frame(step, offset, origin, shapes, micrographs)
    check_option(format, "format", ["auto", *COORDINATE_FORMATS])
    check_option(origins, "origins", ["ignore", "apply"])
    if pixel_size is not None:
        expected = "a positive number of ångström per pixel, or None"
        pixel_size = check_number(pixel_size, "pixel_size", expected, above=0)
    files = coordinate_files(path)
    tables = {file: _read_file(file, format, origins, pixel_size) for file in files}
    return frame.to_micrographs(joined(_with_different_names(tables)))


def _read_file(path: str, format: str, origins: str, pixel_size: float | None) -> CoordinateTable:
    """Read a file; whatever its parser raises is reported with its path."""
    read = _reader(path, format, origins, pixel_size)
    try:
        return read(path)
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


def _with_different_names(tables: dict[str, CoordinateTable]) -> list[CoordinateTable]:
    """Tell files of one name in several folders apart; warn of micrographs that files share."""
    owners: dict[str, list[str]] = {}
    for path, table in tables.items():
        for name in dict.fromkeys(table.names):
            owners.setdefault(name, []).append(path)
    shared = {name: paths for name, paths in owners.items() if len(paths) > 1}
    renamed = {}
    for path, table in tables.items():
        folder = os.path.dirname(path)
        new = {
            name: os.path.join(folder, name)
            for name, paths in shared.items()
            if path in paths
            and name == micrograph_of_file(path)
            and all(os.path.dirname(other) != folder for other in paths if other != path)
        }
        names = [new.get(name, name) for name in table.names] if new else table.names
        renamed[path] = replace(table, names=names)
        for name in new:
            shared[name] = [other for other in shared[name] if other != path]
    again = {name: paths for name, paths in shared.items() if len(paths) > 1}
    if again:
        name, paths = next(iter(again.items()))
        warn(
            f"{len(again)} micrographs have coordinates in several files, such as {name!r} in "
            f"{' and '.join(paths[:2])}: they are put together. If the files hold the same "
            "particles, read one of them"
        )
    return list(renamed.values())


def write_coordinates(
    picks: Any,
    path: str | os.PathLike[str],
    *,
    format: str = "auto",
    names: Sequence[Any] | None = None,
    step: float | tuple[float, float] = 1.0,
    offset: float | tuple[float, float] = 0.0,
    origin: str = "top-left",
    box_size: float | tuple[float, float] | None = None,
    shapes: Any = None,
    micrographs: Sequence[Any] | None = None,
    optics: Any = None,
) -> None:
    """Write particle coordinates to one file, or to one file per micrograph.

    Parameters
    ----------
    picks : sequence or mapping of str to array-like, CoordinateTable or DataFrame
        Arrays of shape (k, 2) or (k, 3): x, y and possibly the score of the picks on every
        micrograph, in pixels of the micrograph as stored, or data frames with columns x, y and
        possibly score. A table or a data frame with a column image_name holds all micrographs
        (the titles are those of `CoordinateTable.from_frame`);
        their further columns are written where the format has a place, see :ref:`formats`.
    path : str or path-like
        A file for all micrographs; a path with ``{name}`` in it, for one file per micrograph, in
        which the micrograph's name without folder and extension replaces ``{name}``; or a folder,
        for a STAR file ``{name}_autopick.star`` each and a list of them, ``autopick.star``, to
        which those of later calls are added. Existing files are replaced only once everything is
        written.
    format : str, default="auto"
        "star", "tsv", "csv", "box", "coord", "imod", "eman2", "cbox", "cryosparc", "imagej",
        "napari", "via", "coco", "labelme", or a name that was added to `COORDINATE_FORMATS`.
        "auto" chooses by the extension: ``.star``; ``.tsv``, ``.tab``, ``.txt``; ``.csv``;
        ``.box``; ``.coord``, ``.coords``; ``.pt``, ``.pts``, ``.point`` (IMOD); ``_info.json``
        (EMAN2, whose other entries stay if the file exists); ``.cbox``; ``.cs``, ``.csg`` (with its
        array beside it); ``_imagej.csv``; ``_napari.csv``; ``_via.csv``; ``.json``
        (COCO); ``_labelme.json``.
    names : sequence of str, path-like or GridImage, or None, default=None
        The names of the micrographs in the file, one for each array of ``picks``. None only if
        ``picks`` is a mapping.
    step, offset : float or (float, float), default=1.0 and 0.0
        The frame of the file: written is ``offset + step * x``, see `read_coordinates`.
    origin : {"top-left", "bottom-left"}, default="top-left"
        From where y counts in the file, see `read_coordinates`.
    box_size : float, (float, float) or None, default=None
        Side, or width and height, of the boxes in formats that store boxes, in pixels of the
        micrograph as stored. None for those in the columns ``width`` and ``height`` of a table.
    shapes : (int, int), mapping of str to (int, int), or None, default=None
        Height and width of the micrographs, for ``origin="bottom-left"`` and cryoSPARC.
    micrographs : sequence of str, path-like, ndarray or GridImage, or None, default=None
        The micrographs, instead of ``shapes``. For cryoSPARC those of `read_exposures`, from which
        their numbers and paths are taken as well.
    optics : str, path-like, CoordinateTable or None, default=None
        A STAR file of the micrographs, such as ``micrographs_ctf.star``, or of particles on them,
        or a table that was read from one: a STAR file for all micrographs gets its optics groups.
        None for those of a table, which were in the file that it was read from.

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
        cannot store, if the format is unknown or stores one micrograph in a file and ``path`` is
        one file for several, if only some of the picks have scores, if ``step`` or ``offset`` is
        not a number, if the format needs ``box_size`` or ``shapes``, or ``optics`` has no group
        for a micrograph.

    Notes
    -----
    A micrograph without picks does not appear in a file for all micrographs; among files for each
    it has one without rows. Numbers are written with as many digits as are needed to read the same
    numbers again, except in files of cryoSPARC, which hold single precision. Scores are written as
    they are: those of `ParticlePicker` are logits, so that 0, RELION's default cut, is a
    probability of one half. A STAR file has one block with ``_rlnCoordinateX``,
    ``_rlnCoordinateY``, for scores ``_rlnAutopickFigureOfMerit``, and ``_rlnMicrographName``. With
    optics groups it has a block of these and ``data_particles``; files for each micrograph have
    none, since RELION reads coordinates from the first block.

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
    frame = Frame(step, offset, origin, shapes, micrographs)
    known = writer(path, format)
    table = with_optics(_with_boxes(as_table(picks, names), box_size), optics)
    table = frame.to_file(table)
    every = list(dict.fromkeys([*table.micrographs, *table.names]))
    files = pick_files(path, every)
    if files is None:
        _check_one_file(path, known, every)
        contents = _written(known, path, table)
    else:
        tables = table.split()
        contents = {}
        for name, file in files.items():
            contents |= _written(known, file, tables[name])
        if is_folder(path):
            contents[list_file(path)] = format_star_list(with_earlier_files(path, files))
    replace_files(contents)


def check_picks_file(path: str, n_micrographs: int, sizes: Collection[str] = ()) -> None:
    """Refuse, before anything is picked, a file that could not be written for so many micrographs.

    ``sizes`` says what will be known beside the picks: "box_size", "micrographs".
    """
    known = writer(path, "auto")
    missing = [one for one in needed_beside_picks(known) if one not in sizes]
    if missing:
        raise ValueError(
            f"files {known.extensions[0]} hold more than picks; write the picks to a folder, "
            f"and convert them with {missing[0]}="
        )
    _check_one_file(path, known, [""] * n_micrographs)


def as_table(picks: Any, names: Any) -> CoordinateTable:
    """Return picks in any of the accepted forms as one checked table."""
    if names is None:
        picks = frame_as_table(picks)
    if isinstance(picks, CoordinateTable):
        if names is not None:
            raise ValueError("names must be None if picks is a table, which names the micrographs")
        check_coordinate_array(picks.values, "picks.values")
        return picks
    arrays = {
        name: check_coordinate_array(array, f"picks of {name!r}")
        for name, array in _named(picks, names).items()
    }
    return CoordinateTable.from_arrays(_with_equal_columns(arrays))


def _with_boxes(table: CoordinateTable, box_size: Any) -> CoordinateTable:
    """Return the table with boxes of one size around all centres."""
    if box_size is None:
        return table
    expected = "a positive number of pixels or a (width, height) pair of them"
    width, height = check_pair(box_size, "box_size", expected, above=0)
    sizes = {"width": [width] * len(table.names), "height": [height] * len(table.names)}
    return replace(table, columns={**table.columns, **sizes})


def _check_one_file(path: str, known: CoordinateFormat, names: list[str]) -> None:
    if known.several or len(names) < 2:
        return
    folder, ending = os.path.dirname(path), known.extensions[0]
    raise ValueError(
        f"{path} can hold the coordinates of one micrograph, there are {len(names)}; for a file "
        f"for each pass path={os.path.join(folder, '{name}' + ending)!r}"
    )


def _written(known: CoordinateFormat, path: str, table: CoordinateTable) -> dict[str, str | bytes]:
    """Return the contents of files by path."""
    if known.write_files is not None:
        return known.write_files(path, table)
    assert known.write is not None
    content = known.write(table)
    if known.update is None or not os.path.isfile(path) or isinstance(content, bytes):
        return {path: content}
    with open(path, encoding="utf-8") as file:
        old = file.read()
    try:
        return {path: known.update(old, content)}
    except ValueError as error:
        raise ValueError(f"cannot write {path} over the existing file: {error}") from error


def _reader(
    path: str, format: str, origins: str, pixel_size: float | None
) -> Callable[[str], CoordinateTable]:
    if origins == "ignore":
        return reader(path, format)
    read = centred_reader(path, format)
    return lambda path: read(path, pixel_size)


def _named(picks: Any, names: Any) -> dict[str, Any]:
    """Return the picks by micrograph name."""
    if isinstance(picks, Mapping):
        if names is not None:
            raise ValueError("names must be None if picks is a mapping, its keys are the names")
        return dict(picks)
    if is_frame(picks) or getattr(picks, "ndim", None) == 2:
        raise TypeError(
            "picks must be a sequence of arrays, one per micrograph, got a single table of shape "
            f"{getattr(picks, 'shape', None)}; for one micrograph pass [picks] and names=[name]"
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
    labels = [given_name(name, index) for index, name in enumerate(names)]
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
