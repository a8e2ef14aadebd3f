"""What the files that a command is given are."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import click

__all__ = ["check_model_path", "coordinate_files", "load_picker", "looks_like_model"]

_ENDING = ".safetensors"


def looks_like_model(path: str) -> bool:
    """Return whether a file is a model, by its name or its first bytes."""
    if path.lower().endswith(_ENDING):
        return True
    try:
        with open(path, "rb") as file:
            head = file.read(9)
    except OSError:
        return False
    return len(head) == 9 and head[8:] == b"{" and int.from_bytes(head[:8], "little") < 1 << 30


def load_picker(path: str, device: str | None) -> Any:
    """Load the model of a picker; refuse that of single images."""
    from puclassify import load_model

    picker = load_model(path, device=device)
    if not hasattr(picker, "iter_predict"):
        raise ValueError(f"{path} is a model of single images, not a picker")
    return picker


def check_model_path(path: str) -> None:
    """Refuse, before a training, what its model would not be written to."""
    if not path.lower().endswith(_ENDING):
        raise click.UsageError(f"--output: {path} must end in {_ENDING}")
    if os.path.isdir(path):
        raise click.UsageError(f"--output: {path} is a folder")


def coordinate_files(paths: Iterable[str]) -> list[str]:
    """Return files, folders and patterns of coordinates; those that @list.txt names are included.

    A list has one of them a line; ``#`` starts a comment line.
    """
    from puclassify.io import lines_of_list

    found = []
    for path in paths:
        if path.startswith("@"):
            found += lines_of_list(path[1:], "coordinate files")
        else:
            found.append(path)
    return found
