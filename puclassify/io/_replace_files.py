"""Text files that are written completely or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Mapping

__all__ = ["replace_files"]


def replace_files(texts: Mapping[str, str]) -> None:
    """Write texts by path; at any time each file is the old one or the complete new one.

    No file is changed before all new ones are on the disk. Links are followed. Existing files keep
    their permissions; new ones get the usual ones.
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
    # Replacing a file does not need write permission on it, so the system would not refuse.
    if os.path.exists(target) and not os.access(target, os.W_OK):
        raise PermissionError(f"cannot write {path}: it is write-protected")
