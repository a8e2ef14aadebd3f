"""Where picks are written: into one file for all micrographs, or into one file each."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable

from puclassify.io._names import micrograph_stem

__all__ = ["is_folder", "list_file", "pick_files"]


def is_folder(path: str) -> bool:
    """Return whether a path is an existing folder or ends like one."""
    return path.endswith(("/", os.sep)) or os.path.isdir(path)


def list_file(folder: str) -> str:
    """Return the path of the list of a folder's pick files, named as by RELION's AutoPick."""
    return os.path.join(folder, "autopick.star")


def pick_files(path: str, names: Iterable[str]) -> dict[str, str] | None:
    """Return the file of each micrograph, or None if ``path`` is one file for all.

    ``path`` is a folder, a path with ``{name}`` in it, or a file.
    """
    if is_folder(path):
        path = os.path.join(path, "{name}_autopick.star")
    if "{name}" not in path:
        return None
    files = {name: path.replace("{name}", _file_stem(name)) for name in names}
    owners = defaultdict(list)
    for name, file in files.items():
        owners[file].append(name)
    for file, sharing in owners.items():
        if len(sharing) > 1:
            raise ValueError(
                f"names {sharing[0]!r} and {sharing[1]!r} would both be written to {file}; write "
                "them in two calls to two folders, or all into one file"
            )
    return files


def _file_stem(name: str) -> str:
    """Return what replaces ``{name}``: a part of a file name that cannot lead to another folder."""
    stem = micrograph_stem(name)
    has_controls = any(character < " " for character in stem)  # no system shows them in names
    if stem in ("", ".", "..") or has_controls or os.path.splitdrive(stem)[0]:
        raise ValueError(
            f"the name {name!r} of a micrograph cannot be a part of a file name; rename the "
            "micrograph, or write the picks of all into one file"
        )
    return stem
