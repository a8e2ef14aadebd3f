"""Paths in cryoSPARC's files, which are relative to the folder of its project."""

from __future__ import annotations

import os

from puclassify.io._project_folders import leads_out, up_to_project

__all__ = ["find_in_project"]

_PROJECT_MARKS = ("project.json", "cs.lock")
_BESIDE = ">"  # of paths that are relative to the file that they are in
_MOST_ABOVE = 3  # exports/groups/NAME lies that deep in a project


def find_in_project(path: str, file: str, folder: str | None) -> str:
    """Return where a file is that ``path`` names, "" if nowhere; refuse paths that lead elsewhere.

    Looked for is in the stated folder of the project or, without one, from the folder of ``path``
    up to that of the project.
    """
    beside = file.startswith(_BESIDE)
    file = file.removeprefix(_BESIDE)
    _check(path, file, folder)
    own = os.path.dirname(os.path.abspath(path))
    folders = [own] if beside else _above(own) if folder is None else [folder]
    found = (os.path.join(one, file) for one in folders)
    return next((one for one in found if os.path.isfile(one)), "")


def _check(path: str, file: str, folder: str | None) -> None:
    if leads_out(file) or "\0" in file:
        raise ValueError(
            f"{path} names {file!r}, which leads out of the folder of the project; cryoSPARC "
            "writes no such paths"
        )
    if not (os.path.isabs(file) or os.path.splitdrive(file)[0]):
        return
    root = os.path.abspath(folder) if folder is not None else ""
    if not root or os.path.commonpath([root, os.path.normpath(file)]) != root:
        where = f"outside of {root}" if root else "an absolute path"
        raise ValueError(
            f"{path} names {file!r}, {where}, while cryoSPARC's paths are relative to the folder "
            "of its project; if it is meant, state a folder that it is in"
        )


def _above(folder: str) -> list[str]:
    """Return the folder and those above up to the project's; a few if that is not to be seen."""
    folders = list(up_to_project(folder, _PROJECT_MARKS))
    is_root = os.path.dirname(folders[-1]) == folders[-1]
    return folders[: min(1 + _MOST_ABOVE, max(1, len(folders) - 1))] if is_root else folders
