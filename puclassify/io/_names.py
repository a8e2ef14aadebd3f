"""Names of micrographs, and how other programs decorate them."""

from __future__ import annotations

import os
import re

__all__ = ["micrograph_stem", "path_text", "spellings", "without_pick_suffix"]

# Only known endings are cut off: many names have dots of their own.
_EXTENSIONS = (".mrc", ".mrcs", ".map", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".eer")
_COMPRESSED = (".gz", ".bz2")
# RELION's coordinate files are named after the micrograph with one of these at the end.
_PICK_SUFFIX = re.compile(r"(?<=.)_(autopick|manualpick|pick)$")
# cryoSPARC puts a number of 21 digits in front of the names of the files that it imports.
_UID_PREFIX = re.compile(r"^\d{15,}_(?=.)")


def path_text(path, name: str = "path") -> str:
    """Return a path as text.

    Parameters
    ----------
    path : str or path-like
        The path.
    name : str, default="path"
        What the caller calls it.

    Returns
    -------
    str
        The same.

    Raises
    ------
    TypeError
        If it is neither.

    Examples
    --------
    >>> from puclassify.io._names import path_text
    >>> path_text(None)
    Traceback (most recent call last):
        ...
    TypeError: path must be a str or path-like, got None
    """
    text = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a str or path-like, got {path!r:.80}")
    return text


def micrograph_stem(path: str) -> str:
    """Take the folder and known image extensions off the name of a micrograph.

    Parameters
    ----------
    path : str
        Name or path; folders are separated by ``/`` or a backslash.

    Returns
    -------
    str
        What is left.

    Examples
    --------
    >>> from puclassify.io._names import micrograph_stem
    >>> micrograph_stem("Movies/mic_12.06.mrc.gz")
    'mic_12.06'
    """
    name = path.replace("\\", "/").split("/")[-1].strip()
    for endings in (_COMPRESSED, _EXTENSIONS):
        ending = next((end for end in endings if name.lower().endswith(end)), "")
        name = name[: len(name) - len(ending)] if len(name) > len(ending) else name
    return name


def without_pick_suffix(stem: str) -> str:
    """Take RELION's ``_autopick``, ``_manualpick`` or ``_pick`` off a name.

    Parameters
    ----------
    stem : str
        A name without extension.

    Returns
    -------
    str
        What is left.
    """
    return _PICK_SUFFIX.sub("", stem)


def spellings(stem: str) -> set[str]:
    """Return what a micrograph may be called by other programs.

    Parameters
    ----------
    stem : str
        A name without extension.

    Returns
    -------
    set of str
        The name itself, and without cryoSPARC's number in front or RELION's suffix at the end.

    Examples
    --------
    >>> from puclassify.io._names import spellings
    >>> sorted(spellings("001234567890123456789_mic1"))
    ['001234567890123456789_mic1', 'mic1']
    """
    plain = without_pick_suffix(stem)
    return {stem, plain, _UID_PREFIX.sub("", stem), _UID_PREFIX.sub("", plain)}
