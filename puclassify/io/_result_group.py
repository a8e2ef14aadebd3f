"""cryoSPARC's result groups, ``.csg`` files: which ``.cs`` file holds which results.

They are YAML of a simple kind, nested keys with a word or a text each. Only that is read.
"""

from __future__ import annotations

import datetime
import json
import os
from dataclasses import dataclass
from typing import Any

from puclassify.io._project_paths import find_in_project

__all__ = ["ResultGroup", "format_group", "is_csg", "read_group"]

_LARGEST = 1 << 20
_LAYOUT = "v4.4.0"  # of cryoSPARC, whose layout of groups this is


@dataclass(frozen=True)
class ResultGroup:
    """The results of a group by name: the type of each, and the file as it is written there."""

    path: str
    kind: str
    results: dict[str, tuple[str, str]]

    def file(self, name: str, folder: str | None = None) -> str:
        """Return where the file of a result is."""
        named = self.results[name][1]
        found = find_in_project(self.path, named, folder)
        if not found:
            raise ValueError(
                f"the file {named.lstrip('>')!r} of its result {name!r} is missing; copy it beside "
                "the .csg"
            )
        return found


def is_csg(path: str, head: bytes) -> bool:
    """Return whether a file is a result group."""
    return path.lower().endswith(".csg") and b"\x00" not in head


def read_group(path: str) -> ResultGroup:
    """Read a group; its files are not opened."""
    if os.path.getsize(path) > _LARGEST:
        raise ValueError("it is too large for a result group, which has a line for each result")
    with open(path, encoding="utf-8") as file:
        tree = _nested(file.read())
    group, results = tree.get("group"), tree.get("results")
    if not isinstance(results, dict) or not isinstance(group, dict):
        raise ValueError("it has no keys 'group' and 'results'; export the group again")
    found = {}
    for name, result in results.items():
        if not isinstance(result, dict) or not isinstance(result.get("metafile"), str):
            raise ValueError(f"its result {name!r} names no metafile; export the group again")
        found[name] = (str(result.get("type", "")), result["metafile"])
    return ResultGroup(path, str(group.get("type", "")), found)


def _nested(text: str) -> dict[str, Any]:
    root: dict[str, Any] = {}
    open_keys: list[tuple[int, dict[str, Any]]] = [(-1, root)]
    of_text: int | None = None  # the depth of a text, which may go on in deeper lines
    for number, line in enumerate(text.splitlines(), 1):
        content = line.strip()
        depth = len(line) - len(line.lstrip(" "))
        if not content or content.startswith(("#", "---")):
            continue
        if of_text is not None and depth > of_text:
            continue
        key, colon, value = content.partition(":")
        if not colon or value[:1].strip() or line[depth] == "\t":
            raise ValueError(f"line {number} is {content!r:.80}, expected a key and a value")
        while open_keys[-1][0] >= depth:
            open_keys.pop()
        of_text = depth if value.strip() else None
        inner: dict[str, Any] = {}
        open_keys[-1][1][_scalar(key)] = _scalar(value) if value.strip() else inner
        if of_text is None:
            open_keys.append((depth, inner))
    return root


def _scalar(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if len(text) > 1 and text[0] == text[-1] == '"':
        try:
            return str(json.loads(text))
        except ValueError:
            return text[1:-1]
    return text


def format_group(file: str, slots: list[str], n_rows: int) -> str:
    """Format a group of particles whose results are all in one file beside it."""
    lines = [
        f"created: {datetime.datetime.now():%Y-%m-%d %H:%M:%S.%f}",
        "group:",
        "  description: Particles picked by puclassify",
        "  name: particles",
        "  title: Picked particles",
        "  type: particle",
        "results:",
    ]
    metafile = ">" + file.replace("'", "''")
    for slot in slots:
        lines += [
            f"  {slot}:",
            f"    metafile: '{metafile}'",
            f"    num_items: {n_rows}",
            f"    type: particle.{slot}",
        ]
    return "\n".join([*lines, f"version: {_LAYOUT}", ""])
