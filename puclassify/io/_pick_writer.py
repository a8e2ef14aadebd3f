"""Pick files written one micrograph at a time, in runs that may be broken off and go on."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from puclassify._warnings import warn
from puclassify.io._coordinate_formats import needed_beside_picks, writer
from puclassify.io._coordinate_table import CoordinateTable
from puclassify.io._coordinates import read_coordinates, write_coordinates
from puclassify.io._names import path_text
from puclassify.io._pick_files import is_folder, pick_files
from puclassify.io._pick_journal import PickJournal
from puclassify.io._pick_list import PickList
from puclassify.io._replace_files import locked, remove_abandoned_drafts
from puclassify.io._skipped import SkippedMicrograph, SkippedTable
from puclassify.io._star import format_star_list

__all__ = ["PickWriter"]

_NAMED = 3  # differing parameters in a message
_LONGEST_FILE_NAME = 255  # bytes, on all common file systems


class PickWriter:
    """Writes a file for every micrograph as soon as it is picked.

    ``path`` is a folder or has ``{name}`` in it, as in `write_coordinates`. Every file is complete
    or absent, and the list of a folder names what is there, so that an interrupted run keeps what
    it has done. ``run`` describes the picker by texts by name: with ``resume`` micrographs that the
    same picker has done are known, and other pickers refused.
    """

    def __init__(self, path: Any, run: Mapping[str, str] | None = None, resume: bool = False):
        self.path, self.resume = path_text(path), resume
        if pick_files(self.path, ["name"]) is None:
            raise ValueError(
                f"output must be a folder or a path with {{name}} in it, for one file per "
                f"micrograph, got {self.path!r}; for one file of all picks call "
                "write_coordinates(picks, path, names=...)"
            )
        folder = self.path if is_folder(self.path) else os.path.dirname(self.path) or "."
        if not os.path.isdir(folder):
            raise FileNotFoundError(f"output: there is no folder {folder}; create it first")
        self._folder = folder
        # Raises before the picking what it would raise after it.
        self._format = writer(self.path, "auto")
        needed = needed_beside_picks(self._format)
        if needed:
            raise ValueError(
                f"output: files {self._format.extensions[0]} hold more than picks; pick without "
                f"output, and call write_coordinates(picks, {self.path!r}, names=..., {needed[0]}=)"
            )
        self._texts([])
        remove_abandoned_drafts(folder)
        self._journal = PickJournal(folder, dict(run or {}))
        self._skipped = SkippedTable(folder)
        self._list = PickList(folder, self._journal.files()) if is_folder(self.path) else None
        self._names: dict[str, str] = {}  # by file, in the order of the run
        self._now_skipped: list[SkippedMicrograph] = []
        self._check_earlier_runs()

    def register(self, names: Iterable[str]) -> None:
        """Refuse names that cannot be written, or not beside the others, before any is picked."""
        names = list(names)
        files = [self._file(name) for name in names]
        for name, file in zip(names, files, strict=True):
            if file in self._names:
                raise ValueError(self._clash(self._names[file], name, file))
            self._check_owner(name, file)
            self._names[file] = name
        try:
            self._check_storable(names, files)
        except ValueError:
            for file in files:
                del self._names[file]
            raise

    def is_done(self, name: str, source: list) -> bool:
        """Return whether an earlier run of this picker has written the picks of a micrograph.

        ``source`` is what `source_of` tells of it.
        """
        file = self._file(name)
        if not (self.resume and self._journal.is_done(file, name, source)):
            return False
        if not self._journal.is_unchanged(file):
            warn(f"{file} is not what the earlier run wrote: {name!r} is picked anew")
            return False
        return True

    def read(self, name: str) -> np.ndarray:
        """Return the picks (k, 3) that an earlier run has written, and list them again."""
        file = self._file(name)
        if self._list is not None:
            with locked(self._folder):
                self._list.add(name, file)
        done = self._journal.owner(file)
        if done is None or done.n_picks == 0:
            return np.empty((0, 3))
        (picks,) = read_coordinates(file).values()
        return picks

    def write(self, name: str, picks: Any, source: list | None = None) -> None:
        """Write the picks, of shape (k, 2) or (k, 3), of a micrograph."""
        file = self._file(name)
        if self._names.get(file) != name:
            self.register([name])
        write_coordinates({name: picks}, file)
        with locked(self._folder):
            self._journal.add(file, name, source or [], len(picks))
            if self._list is not None:
                self._list.add(name, file)

    def skip(self, skipped: SkippedMicrograph) -> None:
        """Note a micrograph that could not be picked in the table of these."""
        self._now_skipped.append(skipped)
        with locked(self._folder):
            self._skipped.add(skipped)

    def finish(self) -> None:
        """Bring list and records into the order of the micrographs, as if made in one run."""
        left_out = {one.micrograph for one in self._now_skipped}
        names = {file: name for file, name in self._names.items() if name not in left_out}
        with locked(self._folder):
            self._journal.finish(names)
            self._skipped.finish(self._names.values(), self._now_skipped)
            if self._list is not None:
                self._list.finish(names)

    def _file(self, name: str) -> str:
        return (pick_files(self.path, [name]) or {})[name]

    def _check_storable(self, names: list[str], files: list[str]) -> None:
        for name, file in zip(names, files, strict=True):
            if len(os.fsencode(os.path.basename(file))) > _LONGEST_FILE_NAME:
                raise ValueError(f"output: the name of {file} is too long; rename {name!r}")
        # One row each: the formats refuse names in rows that they cannot store.
        text = self._texts(names)
        if self._list is not None:
            text += format_star_list(dict(zip(names, files, strict=True)))
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"output: {text[error.start - 20 : error.end + 20]!r} holds a character that UTF-8 "
                "cannot store; rename the micrograph"
            ) from error

    def _texts(self, names: list[str]) -> str:
        """Return what the format writes of one pick on each micrograph, "" if that is no text."""
        write = self._format.write
        if write is None:
            return ""
        tables = [names] if self._format.several else [[name] for name in names]
        contents = [write(CoordinateTable(some, np.zeros((len(some), 3)))) for some in tables]
        return "".join(content for content in contents if isinstance(content, str))

    def _clash(self, first: str, second: str, file: str) -> str:
        if first == second:
            return f"output: micrograph {first!r} is given more than once; pass it once"
        return (
            f"output: the picks of {first!r} and of {second!r} would both be written to {file}; "
            "pick them in two calls, into two folders"
        )

    def _check_owner(self, name: str, file: str) -> None:
        """Refuse to replace the picks of another micrograph of an earlier run."""
        done = self._journal.owner(file)
        if done is None or done.micrograph == name or not os.path.exists(done.micrograph):
            return
        if os.path.exists(name) and not os.path.samefile(name, done.micrograph):
            raise ValueError(
                f"output: {file} holds the picks of {done.micrograph!r}, which those of {name!r} "
                "would replace; write them into another folder"
            )

    def _check_earlier_runs(self) -> None:
        names = self._journal.differences()
        if names is None:
            return
        some = ", ".join(names[:_NAMED]) + ", ..." * (len(names) > _NAMED)
        if self.resume:
            raise ValueError(
                f"resume=True: {self._folder} holds picks of a run by another picker or with other "
                f"parameters, which differ in: {some}. Go on with those of that run, or write into "
                "another folder"
            )
        warn(
            f"output: {self._folder} holds picks of an earlier run by another picker or with other "
            f"parameters, which differ in: {some}. They stay there, but for the micrographs of "
            "this run; write into another folder to keep them apart"
        )
