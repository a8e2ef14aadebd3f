"""Names of micrographs, and the prefixes and suffixes that other programs add to them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Any

from puclassify.io._micrograph_formats import MICROGRAPH_FORMATS

__all__ = ["micrograph_stem", "path_text", "spellings", "uid_of_name", "without_pick_suffix"]

_COMPRESSED = (".gz", ".bz2")
# Not read here, but coordinates are named after movies too.
_MOVIES = (".eer",)
# RELION's coordinate files are named after the micrograph with one of these at the end.
_PICK_SUFFIX = re.compile(r"(?<=.)_(autopick|manualpick|pick)$")
# cryoSPARC puts a number of 21 digits in front of the names of the files that it imports.
_UID_PREFIX = re.compile(r"^\d{15,}_(?=.)")


def path_text(path: Any, name: str = "path") -> str:
    """Return a str or path-like as text; raise a TypeError for anything else."""
    text = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a str or path-like, got {path!r:.80}")
    return text


def micrograph_stem(path: str) -> str:
    """Return the name of a micrograph without folder and image extension.

    Only known extensions are removed, since many names contain dots. Folders are separated by
    ``/`` or a backslash.
    """
    name = path.replace("\\", "/").split("/")[-1].strip()
    return _without_ending(_without_ending(name, _COMPRESSED), _image_extensions())


def _image_extensions() -> list[str]:
    """Return the extensions of uncompressed images, the longest first."""
    endings = {end for known in MICROGRAPH_FORMATS.values() for end in known.extensions}
    plain = [end for end in endings if not end.endswith(_COMPRESSED)]
    return sorted([*plain, *_MOVIES], key=len, reverse=True)


def _without_ending(name: str, endings: Iterable[str]) -> str:
    ending = next((end for end in endings if name.lower().endswith(end)), "")
    return name[: len(name) - len(ending)] if len(name) > len(ending) else name


def without_pick_suffix(stem: str) -> str:
    """Return a name without RELION's ``_autopick``, ``_manualpick`` or ``_pick``."""
    return _PICK_SUFFIX.sub("", stem)


def spellings(stem: str) -> set[str]:
    """Return the name, also without cryoSPARC's number in front and RELION's suffix at the end."""
    plain = without_pick_suffix(stem)
    return {stem, plain, _UID_PREFIX.sub("", stem), _UID_PREFIX.sub("", plain)}


def uid_of_name(name: str) -> int | None:
    """Return the number that cryoSPARC put in front of a file's name."""
    match = _UID_PREFIX.match(micrograph_stem(name))
    return int(match[0][:-1]) if match else None
