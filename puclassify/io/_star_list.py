"""Lists of the micrographs' coordinate files, as RELION writes them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

from puclassify.io._coordinate_table import CoordinateTable, joined
from puclassify.io._project_folders import is_project, leads_out, up_to_project
from puclassify.io._star_grammar import StarTable
from puclassify.io._star_names import NAME

__all__ = ["COORDINATE_FILE", "find_listed", "read_listed"]

COORDINATE_FILE = "rlnMicrographCoordinates"
_PROJECT_MARKS = ("default_pipeline.star", ".gui_projectdir")


def read_listed(
    path: str, table: StarTable, read: Callable[[str], CoordinateTable]
) -> CoordinateTable:
    """Read the files of a list; the names of micrographs are those of the list."""
    files, names = table.column(COORDINATE_FILE) or [], table.column(NAME)
    if names is None:
        raise ValueError(f"the list in data_{table.block} has no column {NAME}")
    found = [find_listed(path, file, line) for file, line in zip(files, table.lines)]
    missing = [file for file, there in zip(files, found) if not there]
    if missing:
        raise ValueError(
            f"{len(missing)} of the {len(files)} files that it lists are missing, such as "
            f"{missing[0]!r}, looked for from the list's folder up to the project's; copy them "
            "beside the list, or read them without it"
        )
    tables = []
    for name, file in zip(names, found):
        try:
            one = read(file)
        except ValueError as error:
            raise ValueError(f"the listed file {file}: {error}") from error
        tables.append(replace(one, names=[name] * len(one.names), shapes={}, micrographs=()))
    both = joined(tables) if tables else CoordinateTable.from_arrays({})
    return replace(both, micrographs=tuple(names))


def find_listed(path: str, file: str, line: int) -> str:
    """Return where a listed file is, "" if nowhere; refuse paths that lead elsewhere."""
    folder = os.path.dirname(os.path.abspath(path))
    if leads_out(file):
        raise ValueError(
            f"line {line} lists {file!r}, which leads out of the folders of the project; read that "
            "file by itself if it is meant"
        )
    if os.path.isabs(file):
        root = _project(folder)
        if os.path.commonpath([root, file]) != root:
            raise ValueError(
                f"line {line} lists {file!r}, which is outside of {root}, the folder of the list "
                "or its project; read that file by itself if it is meant"
            )
        return file if os.path.isfile(file) else ""
    there = (os.path.join(one, file) for one in up_to_project(folder, _PROJECT_MARKS))
    return next(filter(os.path.isfile, there), "")


def _project(folder: str) -> str:
    """Return the project that a folder is in, else the folder."""
    *_, last = up_to_project(folder, _PROJECT_MARKS)
    return last if is_project(last, _PROJECT_MARKS) else folder
