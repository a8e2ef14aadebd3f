"""Pick files written one micrograph at a time."""

from __future__ import annotations

import os
from typing import Any

from puclassify.io._coordinate_formats import writer
from puclassify.io._coordinate_table import CoordinateTable
from puclassify.io._coordinates import write_coordinates
from puclassify.io._names import path_text
from puclassify.io._pick_files import is_folder, list_file, pick_files
from puclassify.io._replace_files import replace_files
from puclassify.io._star import format_star_list

__all__ = ["PickWriter"]


class PickWriter:
    """Writes a file for every micrograph as soon as it is picked.

    ``path`` is a folder or has ``{name}`` in it, as in `write_coordinates`. Every file is complete
    or absent, so that an interrupted run keeps its finished files.
    """

    def __init__(self, path: Any):
        self.path = path_text(path)
        if pick_files(self.path, ["name"]) is None:
            raise ValueError(
                f"output must be a folder or a path with {{name}} in it, for one file per "
                f"micrograph, got {self.path!r}; for one file of all picks call "
                "write_coordinates(picks, path, names=...)"
            )
        folder = self.path if is_folder(self.path) else os.path.dirname(self.path) or "."
        if not os.path.isdir(folder):
            raise FileNotFoundError(f"output: there is no folder {folder}; create it first")
        # Raises before the picking what it would raise after it.
        writer(self.path, "auto")(CoordinateTable.from_arrays({}))
        self._names: dict[str, str] = {}  # by file

    def write(self, name: str, picks: Any) -> None:
        """Write the picks, of shape (k, 2) or (k, 3), of the micrograph of this name."""
        ((_, file),) = (pick_files(self.path, [name]) or {}).items()
        if file in self._names:
            raise ValueError(
                f"output: the picks of {self._names[file]!r} and of {name!r} would both be written "
                f"to {file}; pick them in two calls, into two folders"
            )
        write_coordinates({name: picks}, file)
        self._names[file] = name

    def finish(self) -> None:
        """Write the list of the files, if ``path`` is a folder."""
        if is_folder(self.path):
            files = {name: file for file, name in self._names.items()}
            replace_files({list_file(self.path): format_star_list(files)})
