"""What was picked in a folder, by which picker and from which micrographs, for later runs."""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from puclassify.grid import GridImage
from puclassify.io._replace_files import append_text, replace_files

__all__ = ["Done", "PickJournal", "source_of"]

JOURNAL = ".picked.jsonl"
_PIECE = 2**22  # bytes


@dataclass(frozen=True)
class Done:
    """A micrograph that was picked: its pick file, and what that was made of."""

    file: str  # from the folder of the record on
    micrograph: str
    source: list  # see `source_of`
    n_picks: int
    checksum: int  # of the pick file
    run: str  # fingerprint of the run


class PickJournal:
    """The record of all pick files in and below a folder, a line of JSON each, in a hidden file.

    A run is described by texts by name, such as those of the picker's parameters. Lines are
    appended; one that was cut off is not there. Pick files are recognised by their checksums, so
    that the record can never say of a file what holds for another.
    """

    def __init__(self, folder: str, run: Mapping[str, str], name: str = JOURNAL):
        self.folder, self.run = folder, dict(run)
        self.path = os.path.join(folder, name)
        self.fingerprint = _fingerprint(self.run)
        self._runs: dict[str, dict[str, str]] = {}
        self._own: set[str] = set()  # files of this run
        self._is_written = False
        self._done = self._read()  # by file

    def differences(self) -> list[str] | None:
        """Return what differs from this run in others whose files are there, None without any."""
        others = {done.run for done in self._present() if done.run != self.fingerprint}
        made_by = [self._runs.get(one, {}) for one in others]
        names = {*self.run, *(name for one in made_by for name in one)}
        if not others:
            return None
        return sorted(n for n in names if any(one.get(n) != self.run.get(n) for one in made_by))

    def owner(self, file: str) -> Done | None:
        """Return the last record of a file, if that is still there."""
        return self._if_there(self._done.get(self._key(file)))

    def files(self) -> dict[str, str]:
        """Return the micrographs by files, from the folder on, of those that are there."""
        return {done.file: done.micrograph for done in self._present()}

    def add(self, file: str, micrograph: str, source: list, n_picks: int) -> None:
        """Record a file that was just written."""
        done = Done(self._key(file), micrograph, source, n_picks, _checksum(file), self.fingerprint)
        self._done[done.file] = done
        self._own.add(done.file)
        if not self._is_written or not os.path.exists(self.path):
            self._write()
        else:
            append_text(self.path, _line(asdict(done)))

    def is_done(self, file: str, micrograph: str, source: list) -> bool:
        """Return whether a file is what this run would write for this micrograph."""
        done = self.owner(file)
        expected = (micrograph, source, self.fingerprint)
        return done is not None and (done.micrograph, done.source, done.run) == expected

    def is_unchanged(self, file: str) -> bool:
        """Return whether a recorded file holds what was written."""
        done = self.owner(file)
        return done is not None and _checksum(file) == done.checksum

    def finish(self, files: Iterable[str]) -> None:
        """Write the record with one line for each file: these, in this order, behind all others."""
        self._write([self._key(file) for file in files])

    def _key(self, file: str) -> str:
        return os.path.relpath(file, self.folder)

    def _if_there(self, done: Done | None) -> Done | None:
        return done if done and os.path.exists(os.path.join(self.folder, done.file)) else None

    def _present(self) -> list[Done]:
        return [done for done in self._done.values() if self._if_there(done)]

    def _write(self, last: Iterable[str] = ()) -> None:
        # Others may have recorded theirs since.
        own = {file: done for file, done in self._done.items() if file in self._own}
        self._done = self._read() | own
        ordered = {file: self._done.pop(file) for file in last if file in self._done}
        self._done = {done.file: done for done in self._present()} | ordered
        self._runs[self.fingerprint] = self.run
        used = {done.run for done in self._done.values()} | {self.fingerprint}
        runs = [{"run": key, "made_by": self._runs[key]} for key in sorted(used & {*self._runs})]
        lines = [*runs, *(asdict(done) for done in self._done.values())]
        replace_files({self.path: "".join(map(_line, lines))})
        self._is_written = True

    def _read(self) -> dict[str, Done]:
        """Return the records by file, and note the runs that they name."""
        done: dict[str, Done] = {}
        try:
            with open(self.path, encoding="utf-8", errors="replace") as file:
                lines = file.read().splitlines()
        except FileNotFoundError:
            return done
        for line in lines:
            try:
                entry = json.loads(line)
                if "made_by" in entry:
                    self._runs[entry["run"]] = dict(entry["made_by"])
                else:
                    done[entry["file"]] = Done(**entry)
            except (ValueError, TypeError, KeyError):
                continue  # cut off when its run was killed
        return done


def source_of(micrograph: Any) -> list:
    """Return what tells whether a micrograph is the same and unchanged, without reading a file."""
    if isinstance(micrograph, (str, os.PathLike)):
        try:
            status = os.stat(micrograph)
        except OSError:
            return []
        return [status.st_size, status.st_mtime_ns]
    grid = []
    if isinstance(micrograph, GridImage):
        grid = [*micrograph.step_xy, *micrograph.offset_xy, micrograph.pixel_size]
        micrograph = micrograph.values
    pixels = np.ascontiguousarray(micrograph)
    if pixels.dtype.hasobject:
        return []
    return [*pixels.shape, str(pixels.dtype), zlib.crc32(pixels.view(np.uint8).data), *grid]


def _checksum(path: str) -> int:
    checksum = 0
    with open(path, "rb") as file:
        while piece := file.read(_PIECE):
            checksum = zlib.crc32(piece, checksum)
    return checksum


def _fingerprint(run: Mapping[str, str]) -> str:
    return hashlib.sha256(_line(dict(run)).encode()).hexdigest()[:16]


def _line(entry: dict) -> str:
    return json.dumps(entry, sort_keys=True) + "\n"
