"""The formats in which coordinates are read and written."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from puclassify._parameters import check_option
from puclassify.io._box import format_box, read_box
from puclassify.io._cbox import format_cbox, read_cbox
from puclassify.io._coco import format_coco, is_coco, read_coco
from puclassify.io._coord import format_coord, read_coord
from puclassify.io._coordinate_table import CoordinateTable
from puclassify.io._cryosparc import cs_files, format_cs, read_cs
from puclassify.io._cs_array import is_cs
from puclassify.io._delimited import format_delimited, read_delimited
from puclassify.io._eman2 import format_eman2, is_eman2, read_eman2, update_eman2
from puclassify.io._imod import format_imod, read_imod
from puclassify.io._known_formats import by_first_line, by_json, first_line, foreign, head_of
from puclassify.io._labelme import format_labelme, is_labelme, read_labelme
from puclassify.io._pick_files import is_folder
from puclassify.io._points_csv import (
    format_imagej,
    format_napari,
    is_imagej,
    is_napari,
    read_imagej,
    read_napari,
)
from puclassify.io._result_group import is_csg
from puclassify.io._star import format_star, read_centred_star, read_star
from puclassify.io._via import format_via, is_via, read_via

__all__ = [
    "COORDINATE_FORMATS",
    "CoordinateFormat",
    "centred_reader",
    "needed_beside_picks",
    "reader",
    "writer",
]


@dataclass(frozen=True)
class CoordinateFormat:
    r"""How coordinates are read and written in one format.

    Parameters
    ----------
    extensions : tuple of str
        Endings of the file names, in lower case, with the dot.
    read : callable
        Maps a path to a `CoordinateTable`. What it raises is reported with the path.
    write : callable or None, default=None
        Maps a `CoordinateTable` to the text or bytes of a file; raises a ValueError if the format
        cannot store a name. None if the format is only read.
    first_line : str or None, default=None
        Start of the first line, by which ``format="auto"`` recognises files of any extension.
    read_auto : callable or None, default=None
        Reader for ``format="auto"``, if that accepts more than ``read``.
    read_centred : callable or None, default=None
        Maps a path and the pixel size of the micrographs in ångström, or None, to a
        `CoordinateTable` from which the shifts of a refinement are subtracted. None if the format
        has no shifts.
    recognise : callable or None, default=None
        Maps a path and the first bytes of the file to whether it is of this format, which
        ``format="auto"`` asks before ``first_line`` and the extension.
    several : bool, default=True
        Whether a file can hold several micrographs; otherwise it needs a file for each.
    update : callable or None, default=None
        Maps the text of an existing file and that of ``write`` to the text that replaces it, for
        files that hold more than coordinates.
    write_files : callable or None, default=None
        Maps a path and a `CoordinateTable` to the contents of all files to write, by path, for
        formats of which a file may need others beside it. None if ``write`` is enough.
    program : str, default=""
        The program whose format it is.
    point : {"centre", "corner"}, default="centre"
        What the file stores of a particle: its centre, or the corner of a box nearest the origin.
    unit : {"pixels", "fraction"}, default="pixels"
        In what: pixels, or parts of the width and height of the micrograph.
    first_pixel : float, default=0.0
        The coordinate of the centre of the first pixel in the file.
    shown : {"down", "up", ""}, default="down"
        Which way y points where the program shows the micrograph, "" if that is not known. It
        counts rows from the first stored one in any case.
    keeps : tuple of str, default=()
        What the format keeps beside x and y: ``"score"``, ``"name"`` (of micrographs, with folder
        and extension; else they are named after the file) and titles of further columns.
    precision : {"double", "single"}, default="double"
        In how many bits numbers are kept: all 64 of them, or half.
    tested : str, default=""
        Against what the reader and the writer were tested.

    See Also
    --------
    puclassify.io.read_coordinates : Reads coordinates in any of the formats.
    puclassify.io.write_coordinates : Writes them.

    Examples
    --------
    >>> from puclassify.io import COORDINATE_FORMATS, CoordinateFormat, CoordinateTable
    >>> from puclassify.io import write_coordinates
    >>> def read_xy(path):
    ...     with open(path) as file:
    ...         rows = [line.split() for line in file]
    ...     return CoordinateTable.from_text(["mic1"] * len(rows), list(zip(*rows)))
    >>> def write_xy(table):
    ...     return "".join(f"{x} {y}\n" for x, y, *_ in zip(*table.text_columns()))
    >>> COORDINATE_FORMATS["xy"] = CoordinateFormat((".xy",), read_xy, write_xy)
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_coordinates({"mic1": [[10.0, 20.5]]}, Path(folder, "{name}.xy"))
    ...     Path(folder, "mic1.xy").read_text()
    '10.0 20.5\n'
    >>> del COORDINATE_FORMATS["xy"]
    """

    extensions: tuple[str, ...]
    read: Callable[[str], CoordinateTable]
    write: Callable[[CoordinateTable], str | bytes] | None = None
    first_line: str | None = None
    read_auto: Callable[[str], CoordinateTable] | None = None
    read_centred: Callable[[str, float | None], CoordinateTable] | None = None
    recognise: Callable[[str, bytes], bool] | None = None
    several: bool = True
    update: Callable[[str, str], str] | None = None
    write_files: Callable[[str, CoordinateTable], dict[str, str | bytes]] | None = None
    program: str = ""
    point: str = "centre"
    unit: str = "pixels"
    first_pixel: float = 0.0
    shown: str = "down"
    keeps: tuple[str, ...] = ()
    precision: str = "double"
    tested: str = ""


_ALL = ("name", "score", "all columns")
_BOX = ("width", "height")
_DOCUMENTED = "its documentation"

COORDINATE_FORMATS: dict[str, CoordinateFormat] = {
    "star": CoordinateFormat(
        (".star",),
        read_star,
        format_star,
        first_line="data_",
        read_centred=read_centred_star,
        program="RELION 3.0 to 5",
        keeps=("name", "score", "columns rln...", "optics groups"),
        tested="a file of RELION's AutoPick, layouts of 3.0 to 4 and of cryoSPARC; starfile, "
        "the reader and writer of crYOLO 1.9.9, topaz-em 0.3.20 (which reads whole pixels)",
    ),
    "tsv": CoordinateFormat(
        (".tsv", ".tab", ".txt"),
        partial(read_delimited, delimiter="\t"),
        partial(format_delimited, delimiter="\t"),
        first_line="image_name",
        read_auto=read_delimited,
        program="Topaz; tables",
        keeps=_ALL,
        tested="topaz-em 0.3.20, which reads them as .txt, and its files",
    ),
    "csv": CoordinateFormat(
        (".csv",),
        partial(read_delimited, delimiter=","),
        partial(format_delimited, delimiter=","),
        read_auto=read_delimited,
        program="tables",
        keeps=_ALL,
        tested="tables of CryoPPP and REPIC",
    ),
    "box": CoordinateFormat(
        (".box",),
        read_box,
        format_box,
        several=False,
        program="EMAN1 (EMAN2, crYOLO)",
        point="corner",
        shown="up",
        keeps=("score", *_BOX),
        tested="the reader and writer of crYOLO 1.9.9; files of topaz-em 0.3.20 (which reads and "
        "writes whole pixels)",
    ),
    "coord": CoordinateFormat(
        (".coord", ".coords"),
        read_coord,
        format_coord,
        several=False,
        program="lists of x and y",
        keeps=("score",),
        tested="nothing of another program",
    ),
    "imod": CoordinateFormat(
        (".pt", ".pts", ".point"),
        read_imod,
        format_imod,
        several=False,
        program="IMOD (model2point, point2model)",
        first_pixel=0.5,
        shown="up",
        tested=_DOCUMENTED,
    ),
    "eman2": CoordinateFormat(
        ("_info.json",),
        read_eman2,
        format_eman2,
        recognise=by_json(is_eman2),
        several=False,
        update=update_eman2,
        program="EMAN2 (info files)",
        shown="up",
        keeps=("score", "label"),
        tested="its documentation and the source of e2boxer; files of topaz-em 0.3.20 (whole "
        "pixels)",
    ),
    "cbox": CoordinateFormat(
        (".cbox",),
        read_cbox,
        format_cbox,
        recognise=lambda path, head: b"data_cryolo" in head,
        several=False,
        program="crYOLO",
        point="corner",
        shown="",
        keeps=("score", *_BOX, "estimated_width", "estimated_height", "n_boxes", "angle"),
        tested="the reader and writer of crYOLO 1.9.9",
    ),
    "cryosparc": CoordinateFormat(
        (".cs", ".csg"),
        read_cs,
        format_cs,
        recognise=lambda path, head: is_cs(head) or is_csg(path, head),
        write_files=cs_files,
        program="cryoSPARC",
        unit="fraction",
        shown="up",
        keeps=("name", "score", "uid and other fields of picks"),
        precision="single",
        tested="Dataset of cryosparc-tools 4.7 and 5",
    ),
    "imagej": CoordinateFormat(
        ("_imagej.csv",),
        read_imagej,
        format_imagej,
        recognise=by_first_line(is_imagej),
        program="ImageJ (Results)",
        keeps=_ALL,
        tested=_DOCUMENTED,
    ),
    "napari": CoordinateFormat(
        ("_napari.csv",),
        read_napari,
        format_napari,
        recognise=by_first_line(is_napari),
        program="napari (points)",
        keeps=_ALL,
        tested=_DOCUMENTED,
    ),
    "via": CoordinateFormat(
        ("_via.csv",),
        read_via,
        format_via,
        recognise=by_first_line(is_via),
        program="VGG Image Annotator 2",
        keeps=_ALL,
        tested="its documentation and files of topaz-em 0.3.20",
    ),
    "coco": CoordinateFormat(
        (".json",),
        read_coco,
        format_coco,
        recognise=by_json(is_coco),
        program="COCO",
        point="corner",
        keeps=("name", "score", *_BOX, "label"),
        tested="pycocotools 2.0",
    ),
    "labelme": CoordinateFormat(
        ("_labelme.json",),
        read_labelme,
        format_labelme,
        recognise=by_json(is_labelme),
        several=False,
        program="labelme",
        keeps=("name", "score", *_BOX, "label"),
        tested=_DOCUMENTED,
    ),
}
"""Formats of coordinates by the name that ``format`` accepts; add an entry to make your own known
to `read_coordinates` and `write_coordinates`."""


def needed_beside_picks(known: CoordinateFormat) -> list[str]:
    """Return the parameters of `write_coordinates` that tell what a format stores beside picks."""
    return ["box_size"] * (known.point == "corner") + ["micrographs"] * (known.unit == "fraction")


def reader(path: str, format: str) -> Callable[[str], CoordinateTable]:
    """Choose the reader by name or, for "auto", by the content, else by the extension."""
    if format != "auto":
        return COORDINATE_FORMATS[format].read
    known = _format_of(path)
    return read_delimited if known is None else known.read_auto or known.read


def centred_reader(path: str, format: str) -> Callable[[str, float | None], CoordinateTable]:
    """Choose the reader that subtracts the shifts of a refinement."""
    known = _format_of(path) if format == "auto" else COORDINATE_FORMATS[format]
    if known is not None and known.read_centred is not None:
        return known.read_centred
    names = [name for name, entry in COORDINATE_FORMATS.items() if entry.read_centred is not None]
    raise ValueError(
        f"origins='apply' is for the shifts of a refinement, which files of the format "
        f"{' or '.join(names)} store and {path} does not; pass origins='ignore'"
    )


def _format_of(path: str) -> CoordinateFormat | None:
    """Return the format that the content or else the extension implies."""
    head = head_of(path)
    what = foreign(path, head)
    if what:
        raise ValueError(f"{path} cannot be read as coordinates: it is {what}")
    formats = COORDINATE_FORMATS.values()
    for one in formats:  # a JSON file is parsed for each of its formats until it is recognised
        if one.recognise is not None and one.recognise(path, head):
            return one
    first = first_line(head)
    known = [e for e in formats if e.first_line is not None and first.startswith(e.first_line)]
    return known[0] if known else _by_extension(path)


def _by_extension(path: str, only_written: bool = False) -> CoordinateFormat | None:
    """Return the format with the longest extension that a path ends with."""
    formats = [f for f in COORDINATE_FORMATS.values() if not only_written or f.write is not None]
    endings = {ending: known for known in reversed(formats) for ending in known.extensions}
    fitting = [ending for ending in endings if path.lower().endswith(ending)]
    return endings[max(fitting, key=len)] if fitting else None


def writer(path: str, format: str) -> CoordinateFormat:
    """Choose the format to write: for a file, for a path with ``{name}`` in it, or a folder."""
    if is_folder(path):
        if format in ("auto", "star"):
            return COORDINATE_FORMATS["star"]
        known = COORDINATE_FORMATS.get(str(format))
        ending = known.extensions[0] if known is not None else f".{format}"
        raise ValueError(
            f"format must be 'auto' or 'star' if path is a folder, got {format!r}; for files of "
            f"another format pass path={os.path.join(path, '{name}' + ending)!r}"
        )
    written = {name: f for name, f in COORDINATE_FORMATS.items() if f.write is not None}
    if check_option(format, "format", ["auto", *written]) != "auto":
        return written[format]
    known = _by_extension(path, only_written=True)
    if known is not None:
        return known
    names = ", ".join(f"{name} ({', '.join(f.extensions)})" for name, f in written.items())
    raise ValueError(
        f"the extension of {path} does not imply a format; known are {names}. Change the extension "
        "or pass format="
    )
