"""The files that a path, a list of paths, a folder or a pattern stands for."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from typing import Any

from puclassify.io._coordinate_formats import COORDINATE_FORMATS
from puclassify.io._names import path_text
from puclassify.io._pick_files import list_file

__all__ = ["coordinate_files"]


def coordinate_files(path: Any) -> list[str]:
    """Return existing files, each once and in a fixed order."""
    if isinstance(path, Sequence) and not isinstance(path, (str, bytes)):
        if not path:
            raise ValueError("path is an empty list; pass the files of coordinates")
        files = [file for one in path for file in _files(path_text(one, "every path"))]
    else:
        files = _files(path_text(path))
    return list({os.path.realpath(file): file for file in files}.values())


def _files(path: str) -> list[str]:
    if os.path.isfile(path):
        return [path]
    if os.path.isdir(path):
        return _files_of_folder(path)
    if glob.has_magic(path):
        found = [file for file in glob.glob(path, recursive=True) if os.path.isfile(file)]
        if found:
            return sorted(found)
        raise FileNotFoundError(
            f"there is no coordinate file {path}, which is taken as a pattern: no file fits it"
        )
    raise FileNotFoundError(f"there is no coordinate file {path}")


def _files_of_folder(folder: str) -> list[str]:
    """Return the list of a folder's pick files, or else all its files of coordinates."""
    if os.path.isfile(list_file(folder)):
        return [list_file(folder)]
    endings = {e: name for name, f in COORDINATE_FORMATS.items() for e in f.extensions}
    by_ending: dict[str, list[str]] = {}
    for name in sorted(os.listdir(folder)):
        fitting = [ending for ending in endings if name.lower().endswith(ending)]
        if fitting and not name.startswith(".") and os.path.isfile(os.path.join(folder, name)):
            by_ending.setdefault(max(fitting, key=len), []).append(os.path.join(folder, name))
    if not by_ending:
        raise FileNotFoundError(
            f"the folder {folder} holds no files of coordinates, which end with "
            f"{', '.join(endings)}; folders in it are read with a pattern: "
            f"{os.path.join(folder, '**', '*.star')!r}"
        )
    if len(by_ending) > 1:
        counts = ", ".join(f"{len(files)} {ending}" for ending, files in by_ending.items())
        pattern = os.path.join(folder, "*" + next(iter(by_ending)))
        raise ValueError(
            f"the folder {folder} holds files of several kinds ({counts}), which may hold the same "
            f"particles; pass a pattern such as {pattern!r}"
        )
    return next(iter(by_ending.values()))
