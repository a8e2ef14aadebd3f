"""The list of a folder's pick files, which grows with every micrograph and outlives a run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from functools import cache

from puclassify.io._pick_files import list_file
from puclassify.io._replace_files import append_text, replace_files
from puclassify.io._star import format_star_list

__all__ = ["PickList", "with_earlier_files"]

_LABEL = re.compile(r"^_(rlnMicrographCoordinates|rlnMicrographName)\b", re.IGNORECASE)
_VALUE = re.compile(r""""([^"]*)"(?=\s|$)|'([^']*)'(?=\s|$)|(\S+)""")


class PickList:
    """The list of a folder: pick file by micrograph, with those of earlier runs first.

    Rows are appended one by one, so that the list is complete whenever a run ends. ``known`` holds
    micrographs by files that are there, whether the list names them or not.
    """

    def __init__(self, folder: str, known: Mapping[str, str]):
        self.path, self._folder = list_file(folder), folder
        self._known = {key: (name, os.path.join(folder, key)) for key, name in known.items()}
        self._listed = self._known | _existing(folder)  # name and file, by the end of its path
        self._own: dict[str, tuple[str, str]] = {}
        self._is_written = False

    def add(self, name: str, file: str) -> None:
        """Add a micrograph, or replace the row of its file."""
        key, row = os.path.basename(file), (name, file)
        before = self._listed.get(key)
        self._own[key] = self._listed[key] = row
        if not self._is_written or before not in (None, row) or not os.path.exists(self.path):
            self._write(self._own)  # also mends a list whose last row was cut off
        elif before is None:
            append_text(self.path, _rows_of({name: file}))

    def finish(self, files: Iterable[str]) -> None:
        """Write the list with the rows of these files, in this order, behind all others."""
        keys = [os.path.basename(file) for file in files]
        self._write({}, {key: self._own[key] for key in keys if key in self._own})

    def _write(self, changed: dict, last: dict | None = None) -> None:
        last = last or {}
        others = self._known | _existing(self._folder) | changed
        rows = {key: row for key, row in others.items() if key not in last} | last
        replace_files({self.path: format_star_list(dict(rows.values()))})
        self._is_written = True


def with_earlier_files(folder: str, files: Mapping[str, str]) -> dict[str, str]:
    """Return pick files by micrograph behind those that the folder's list names already."""
    rows = _existing(folder)
    for name, file in files.items():
        rows.pop(os.path.basename(file), None)
        rows[os.path.basename(file)] = (name, file)
    return dict(rows.values())


def _rows_of(files: Mapping[str, str]) -> str:
    """Format rows as they stand in the list."""
    return format_star_list(files).removeprefix(_head())


@cache
def _head() -> str:
    return format_star_list({})


def _existing(folder: str) -> dict[str, tuple[str, str]]:
    """Return the rows of a folder's list whose files are still there."""
    path = list_file(folder)
    try:
        with open(path, encoding="utf-8-sig") as file:
            text = file.read()
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError as error:
        raise _not_a_list(path) from error
    columns: list[str] = []
    rows = {}
    for line in text.split("\n")[:-1]:  # the last one is empty, or was cut off
        if line.startswith("_"):
            columns.append(line)
        elif columns and line.strip() and not line.startswith("#"):
            name, coordinates = _name_and_file(path, columns, line)
            key = os.path.basename(coordinates)
            if os.path.exists(os.path.join(folder, key)):
                rows[key] = (name, coordinates)
    if not columns and not _head().startswith(text):
        raise _not_a_list(path)
    return rows


def _name_and_file(path: str, columns: list[str], line: str) -> tuple[str, str]:
    labels = [match[1].lower() if (match := _LABEL.match(one)) else "" for one in columns]
    values = [next(filter(None, groups), "") for groups in _VALUE.findall(line)]
    if len(values) != len(columns):
        raise _not_a_list(path)
    try:
        name = values[labels.index("rlnmicrographname")]
        return name, values[labels.index("rlnmicrographcoordinates")]
    except ValueError as error:
        raise _not_a_list(path) from error


def _not_a_list(path: str) -> ValueError:
    return ValueError(
        f"{path} is not a list of pick files, to which micrographs could be added; move it away, "
        "or write into another folder"
    )
