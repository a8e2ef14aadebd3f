"""Writing text files whole or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Mapping

__all__ = ["replace_files"]


def replace_files(texts: Mapping[str, str]) -> None:
    """Write files so that at any time each is the old one or the whole new one.

    No file is touched before all of the new ones lie on the disk. Links are followed, and files
    keep the permissions that they have; new ones get those of any new file.

    Parameters
    ----------
    texts : mapping of str to str
        What to write, by path.

    Raises
    ------
    FileNotFoundError
        If a folder does not exist.
    IsADirectoryError
        If a path is that of a folder.
    PermissionError
        If a file is write-protected.

    Examples
    --------
    >>> import os, tempfile
    >>> from puclassify.io._replace_files import replace_files
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     replace_files({os.path.join(folder, name): "new" for name in ("a.txt", "b.txt")})
    ...     sorted(os.listdir(folder))
    ['a.txt', 'b.txt']
    """
    for path in texts:
        _check_target(path)
    drafts = {}
    try:
        for path, text in texts.items():
            target = os.path.realpath(path)
            draft = os.path.join(os.path.dirname(target), f".{uuid.uuid4().hex}.part")
            drafts[draft] = target
            with open(draft, "x", encoding="utf-8", newline="\n") as file:
                file.write(text)
            if os.path.exists(target):
                shutil.copymode(target, draft)
        for draft, target in drafts.items():
            os.replace(draft, target)
    finally:
        for draft in drafts:
            if os.path.exists(draft):
                os.remove(draft)


def _check_target(path: str) -> None:
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise FileNotFoundError(
            f"cannot write {path}: there is no folder {os.path.dirname(path) or folder}"
        )
    if os.path.isdir(target):
        raise IsADirectoryError(f"cannot write {path}: it is a folder")
    # Putting a new file in the place of the old one would not ask.
    if os.path.exists(target) and not os.access(target, os.W_OK):
        raise PermissionError(f"cannot write {path}: it is write-protected")
