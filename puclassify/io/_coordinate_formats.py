"""The formats in which coordinates are read and written."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from puclassify._parameters import check_option
from puclassify.io._box import read_box
from puclassify.io._coordinate_table import CoordinateTable
from puclassify.io._delimited import format_delimited, read_delimited
from puclassify.io._pick_files import is_folder
from puclassify.io._star import format_star, read_centred_star, read_star

__all__ = ["COORDINATE_FORMATS", "CoordinateFormat", "centred_reader", "reader", "writer"]


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
        Maps a `CoordinateTable` to the text of a file; raises a ValueError if the format cannot
        store a name. None if the format is only read.
    first_line : str or None, default=None
        Start of the first line, by which ``format="auto"`` recognises files of any extension.
    read_auto : callable or None, default=None
        Reader for ``format="auto"``, if that accepts more than ``read``.
    read_centred : callable or None, default=None
        Maps a path and the pixel size of the micrographs in ångström, or None, to a
        `CoordinateTable` from which the shifts of a refinement are subtracted. None if the format
        has no shifts.

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
    write: Callable[[CoordinateTable], str] | None = None
    first_line: str | None = None
    read_auto: Callable[[str], CoordinateTable] | None = None
    read_centred: Callable[[str, float | None], CoordinateTable] | None = None


COORDINATE_FORMATS: dict[str, CoordinateFormat] = {
    "star": CoordinateFormat(
        (".star",), read_star, format_star, first_line="data_", read_centred=read_centred_star
    ),
    "tsv": CoordinateFormat(
        (".tsv", ".tab", ".txt"),
        partial(read_delimited, delimiter="\t"),
        partial(format_delimited, delimiter="\t"),
        read_auto=read_delimited,
    ),
    "csv": CoordinateFormat(
        (".csv",),
        partial(read_delimited, delimiter=","),
        partial(format_delimited, delimiter=","),
        read_auto=read_delimited,
    ),
    "box": CoordinateFormat((".box",), read_box),
}
"""Formats of coordinates by the name that ``format`` accepts; add an entry to make your own known
to `read_coordinates` and `write_coordinates`."""


def reader(path: str, format: str) -> Callable[[str], CoordinateTable]:
    """Choose the reader by name or, for "auto", by the first line, else by the extension."""
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
    """Return the format that the first line or else the extension implies."""
    with open(path, encoding="utf-8-sig", errors="replace") as file:
        lines = (line.strip() for line in file)
        first = next((line for line in lines if line and not line.startswith("#")), "")
    formats = COORDINATE_FORMATS.values()
    known = [e for e in formats if e.first_line is not None and first.startswith(e.first_line)]
    known += [e for e in formats if path.lower().endswith(e.extensions)]
    return known[0] if known else None


def writer(path: str, format: str) -> Callable[[CoordinateTable], str]:
    """Choose the writer for a file, for a path with ``{name}`` in it, or for a folder."""
    if is_folder(path):
        if format in ("auto", "star"):
            return format_star
        raise ValueError(
            f"format must be 'auto' or 'star' if path is a folder, got {format!r}; for files of "
            f"another format pass path={os.path.join(path, '{name}.' + str(format))!r}"
        )
    writers = {name: f.write for name, f in COORDINATE_FORMATS.items() if f.write is not None}
    if check_option(format, "format", ["auto", *writers]) != "auto":
        return writers[format]
    extensions = {name: COORDINATE_FORMATS[name].extensions for name in writers}
    for name, endings in extensions.items():
        if path.lower().endswith(endings):
            return writers[name]
    known = ", ".join(f"{name} ({', '.join(endings)})" for name, endings in extensions.items())
    raise ValueError(
        f"the extension of {path} does not imply a format; known are {known}. Change the extension "
        "or pass format="
    )
