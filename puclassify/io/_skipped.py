"""Micrographs that were left out of a run, and the table of them beside the picks."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from typing import Any

from puclassify.io._replace_files import append_text, replace_files

__all__ = ["SkippedMicrograph", "SkippedTable"]

_HEADER = ("micrograph", "error", "message")


@dataclass(frozen=True)
class SkippedMicrograph:
    """A micrograph that could not be picked, and why.

    Parameters
    ----------
    micrograph : str
        Its path as given, or the name of an array.
    error : str
        Name of the class of the error, such as "ValueError".
    message : str
        Its message.

    See Also
    --------
    puclassify.ParticlePicker.iter_predict : Collects them in ``skipped``.

    Examples
    --------
    >>> from puclassify.io import SkippedMicrograph
    >>> print(SkippedMicrograph("a.mrc", "ValueError", "a.mrc is truncated"))
    a.mrc: ValueError: a.mrc is truncated
    """

    micrograph: str
    error: str
    message: str

    def __str__(self) -> str:
        return f"{self.micrograph}: {self.error}: {self.message}"


class SkippedTable:
    """The table ``skipped.tsv`` in a folder; it holds what is still to be picked, of all runs."""

    def __init__(self, folder: str):
        self.path = os.path.join(folder, "skipped.tsv")
        self._rows = self._read()
        self._is_written = False

    def add(self, skipped: SkippedMicrograph) -> None:
        """Add a micrograph, or say anew why it was left out."""
        is_new = skipped.micrograph not in self._rows
        self._rows[skipped.micrograph] = skipped
        if is_new and self._is_written and os.path.exists(self.path):
            append_text(self.path, _text([astuple(skipped)]))
        else:
            self._write()

    def finish(self, micrographs: Iterable[str], skipped: Iterable[SkippedMicrograph]) -> None:
        """Leave of these micrographs those that were skipped, behind all others."""
        for name in micrographs:
            self._rows.pop(name, None)
        self._rows |= {one.micrograph: one for one in skipped}
        if self._rows:
            self._write()
        elif os.path.exists(self.path):
            os.remove(self.path)

    def _write(self) -> None:
        replace_files({self.path: _text([_HEADER, *map(astuple, self._rows.values())])})
        self._is_written = True

    def _read(self) -> dict[str, SkippedMicrograph]:
        try:
            with open(self.path, encoding="utf-8", newline="") as file:
                rows = list(csv.reader(file, delimiter="\t"))
        except (FileNotFoundError, UnicodeDecodeError, csv.Error):
            return {}
        return {row[0]: SkippedMicrograph(*row) for row in rows[1:] if len(row) == len(_HEADER)}


def _text(rows: Iterable[tuple[Any, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter="\t", lineterminator="\n").writerows(rows)
    return text.getvalue().encode(errors="backslashreplace").decode()
