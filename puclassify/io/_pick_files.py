"""Where picks go: into one file for all micrographs, or into one for each."""

from __future__ import annotations

import os
from collections import defaultdict

from puclassify.io._names import micrograph_stem

__all__ = ["is_folder", "list_file", "pick_files"]


def is_folder(path: str) -> bool:
    """Say whether a path is meant as a folder.

    Parameters
    ----------
    path : str
        The path.

    Returns
    -------
    bool
        True for a folder that is there and for what ends like one.
    """
    return path.endswith(("/", os.sep)) or os.path.isdir(path)


def list_file(folder: str) -> str:
    """Name the file that lists the pick files of a folder, as RELION's AutoPick does.

    Parameters
    ----------
    folder : str
        The folder.

    Returns
    -------
    str
        Its path.
    """
    return os.path.join(folder, "autopick.star")


def pick_files(path: str, names) -> dict[str, str] | None:
    """Choose a file for each micrograph.

    Parameters
    ----------
    path : str
        A folder, or a path with ``{name}`` in it.
    names : iterable of str
        Micrograph names or paths.

    Returns
    -------
    dict of str to str, or None
        The file of each micrograph; None where ``path`` is neither and so means one file.

    Raises
    ------
    ValueError
        If two micrographs would share a file.

    Examples
    --------
    >>> from puclassify.io._pick_files import pick_files
    >>> pick_files("picks/{name}.csv", ["Movies/mic1.mrc"])
    {'Movies/mic1.mrc': 'picks/mic1.csv'}
    """
    if is_folder(path):
        path = os.path.join(path, "{name}_autopick.star")
    if "{name}" not in path:
        return None
    files = {name: path.replace("{name}", micrograph_stem(name)) for name in names}
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
