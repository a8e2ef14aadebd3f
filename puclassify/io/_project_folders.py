"""The folder of a project of RELION or cryoSPARC, from a folder in it upwards."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

__all__ = ["is_project", "leads_out", "up_to_project"]


def is_project(folder: str, marks: Sequence[str]) -> bool:
    """Return whether a folder holds one of the files by which a program marks its projects."""
    return any(os.path.exists(os.path.join(folder, mark)) for mark in marks)


def up_to_project(folder: str, marks: Sequence[str]) -> Iterator[str]:
    """Yield a folder and those above it, up to the one with a mark, or all without any."""
    yield folder
    while not is_project(folder, marks) and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
        yield folder


def leads_out(file: str) -> bool:
    """Return whether a path goes up with ``..``."""
    return ".." in file.replace("\\", "/").split("/")
