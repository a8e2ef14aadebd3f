"""Pick files written one micrograph at a time."""

from __future__ import annotations

import os

from puclassify.io._coordinate_table import CoordinateTable
from puclassify.io._coordinates import formatter, write_coordinates
from puclassify.io._names import path_text
from puclassify.io._pick_files import is_folder, list_file, pick_files
from puclassify.io._replace_files import replace_files
from puclassify.io._star import format_star_list

__all__ = ["PickWriter"]


class PickWriter:
    """Writes a file for every micrograph as soon as it has been picked.

    Every file is complete or not there, so that a run that is broken off keeps what it had.

    Parameters
    ----------
    path : str or path-like
        A folder or a path with ``{name}`` in it, as of `write_coordinates`.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.
    ValueError
        If ``path`` means one file for all micrographs, or its format is unknown.
    ImportError
        If the package that writes this format is not installed.

    Examples
    --------
    >>> import os, tempfile
    >>> from puclassify.io._pick_writer import PickWriter
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     writer = PickWriter(os.path.join(folder, "{name}.csv"))
    ...     writer.write("mic1.mrc", [[10.0, 20.0, 1.5]])
    ...     writer.finish()
    ...     os.listdir(folder)
    ['mic1.csv']
    """

    def __init__(self, path):
        self.path = path_text(path)
        if pick_files(self.path, ["name"]) is None:
            raise ValueError(
                f"output must be a folder or a path with {{name}} in it, for a file for each "
                f"micrograph, got {self.path!r}; for one file of all picks call "
                "write_coordinates(picks, path, names=...)"
            )
        folder = self.path if is_folder(self.path) else os.path.dirname(self.path) or "."
        if not os.path.isdir(folder):
            raise FileNotFoundError(f"output: there is no folder {folder}; make it first")
        # Raises now what it would raise later.
        formatter(self.path, "auto")(CoordinateTable.from_mapping({}))
        self._names: dict[str, str] = {}  # by file

    def write(self, name: str, picks) -> None:
        """Write the picks of one micrograph.

        Parameters
        ----------
        name : str
            Of the micrograph, as the file is to have it.
        picks : array-like of shape (k, 2) or (k, 3)
            x, y and possibly the score.
        """
        ((_, file),) = (pick_files(self.path, [name]) or {}).items()
        if file in self._names:
            raise ValueError(
                f"output: the picks of {self._names[file]!r} and of {name!r} would both be written "
                f"to {file}; pick them in two calls, into two folders"
            )
        write_coordinates({name: picks}, file)
        self._names[file] = name

    def finish(self) -> None:
        """Write what comes last: in a folder, the list of its files."""
        if is_folder(self.path):
            files = {name: file for file, name in self._names.items()}
            replace_files({list_file(self.path): format_star_list(files)})
