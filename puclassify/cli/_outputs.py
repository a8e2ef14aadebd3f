"""Where the output of a command goes, and the parameters of the run beside it."""

from __future__ import annotations

import os

__all__ = ["config_path", "is_folder", "is_one_file", "make_folder"]


def is_folder(output: str, format: str = "auto") -> bool:
    """Return whether an output is a folder: one that is there, or a path without an ending.

    The latter is a file if its format is named.
    """
    if "{name}" in output:
        return False
    if output.endswith(("/", os.sep)) or os.path.isdir(output):
        return True
    has_ending = bool(os.path.splitext(output)[1])
    return format == "auto" and not has_ending and not os.path.isfile(output)


def is_one_file(output: str, format: str = "auto") -> bool:
    """Return whether an output is one file for all micrographs, instead of one each."""
    return "{name}" not in output and not is_folder(output, format)


def make_folder(output: str, format: str = "auto") -> None:
    """Make the folder that an output is, or is in."""
    folder = output if is_folder(output, format) else os.path.dirname(output)
    if not folder:
        return
    try:
        os.makedirs(folder, exist_ok=True)
    except FileExistsError:
        raise FileExistsError(f"--output: {folder.rstrip('/')} is a file, not a folder") from None
    except OSError as error:
        message = f"--output: the folder {folder} cannot be made: {error.strerror}"
        raise OSError(message) from None


def config_path(output: str, command: str, format: str = "auto") -> str:
    """Return the path of the parameters: beside a file, or in the folder of several."""
    if is_one_file(output, format):
        return f"{output}.toml"
    folder = os.path.dirname(output) if "{name}" in output else output
    return os.path.join(folder, f"{command}.toml")
