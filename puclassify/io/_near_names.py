"""Names that nearly match, and what to do about them."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterator

from puclassify.io._names import micrograph_stem

__all__ = ["contained_names", "examples", "near_names", "remedy"]

_SHOWN = 3
_COMPARED = 100  # comparing all names of a large set with all others takes minutes


def contained_names(keys: list[str], paths: list[str]) -> dict[str, str]:
    """Find names of which one is a part of the other, such as ``mic1`` of ``mic1_DW``.

    Parameters
    ----------
    keys, paths : list of str
        Names or paths.

    Returns
    -------
    dict of str to str
        For each of ``keys`` that has such a partner among ``paths``, one of them.

    Notes
    -----
    Parts start and end where a row of letters and digits does, so that ``mic1`` is no part of
    ``mic10``. The time it takes grows with the number of names, not with its square.

    Examples
    --------
    >>> from puclassify.io._near_names import contained_names
    >>> contained_names(["mic1_DW", "mic2"], ["Movies/mic1.mrc", "Movies/mic20.mrc"])
    {'mic1_DW': 'Movies/mic1.mrc'}
    """
    if not keys:
        return {}
    path_by_stem = {micrograph_stem(path): path for path in reversed(paths)}
    keys_by_stem = defaultdict(list)
    found: dict[str, str] = {}
    for key in keys:
        keys_by_stem[micrograph_stem(key)].append(key)
    for stem, path in path_by_stem.items():
        for part in _parts(stem):
            for key in keys_by_stem.get(part, ()):
                found.setdefault(key, path)
    for stem, same in keys_by_stem.items():
        for part in _parts(stem):
            for key in same if part in path_by_stem else ():
                found.setdefault(key, path_by_stem[part])
    return {key: found[key] for key in keys if key in found}


def near_names(keys: list[str], paths: list[str]) -> dict[str, str]:
    """Find names that are parts of each other or look alike.

    Parameters
    ----------
    keys, paths : list of str
        Names or paths.

    Returns
    -------
    dict of str to str
        For some of ``keys`` one of ``paths`` each.
    """
    found = contained_names(keys, paths)
    if found:
        return found
    by_stem = {micrograph_stem(path): path for path in reversed(paths[:_COMPARED])}
    for key in keys[:_COMPARED]:
        stem = micrograph_stem(key)
        inside = [other for other in by_stem if other in stem or stem in other]
        close = inside or difflib.get_close_matches(stem, list(by_stem), n=1)
        if close:
            found[key] = by_stem[close[0]]
    return found


def remedy(pairs: dict[str, str]) -> str:
    """List near misses and say how they can be made to match.

    Parameters
    ----------
    pairs : dict of str to str
        Names in the coordinates, each with that of a micrograph; not empty.

    Returns
    -------
    str
        The first few and the advice.

    Examples
    --------
    >>> from puclassify.io._near_names import remedy
    >>> remedy({"mic1_DW": "Movies/mic1.mrc"})
    "'mic1_DW' is near 'mic1'; take '_DW' off the keys of coordinates"
    """
    pairs = {key: micrograph_stem(path) for key, path in list(pairs.items())[:_SHOWN]}
    misses = ", ".join(f"{key!r} is near {stem!r}" for key, stem in pairs.items())
    key, stem = next(iter(pairs.items()))
    key = micrograph_stem(key)
    if stem in key:
        surplus = " and ".join(repr(part) for part in key.split(stem, 1) if part)
        return f"{misses}; take {surplus} off the keys of coordinates"
    if key in stem:
        lacking = " and ".join(repr(part) for part in stem.split(key, 1) if part)
        return f"{misses}; add {lacking} to the keys of coordinates"
    return f"{misses}; rename the keys of coordinates"


def examples(names) -> str:
    """Quote the first few of many names.

    Parameters
    ----------
    names : sequence of str
        The names.

    Returns
    -------
    str
        Some of them, and dots for the rest.
    """
    shown = ", ".join(repr(name) for name in names[:_SHOWN])
    return shown + (", ..." if len(names) > _SHOWN else "")


def _parts(stem: str) -> Iterator[str]:
    """Yield what starts and ends with a row of letters and digits, and the whole name first."""
    yield stem
    words = [match.span() for match in re.finditer(r"[^\W_]+", stem)]
    for length in range(len(words), 0, -1):
        for first in range(len(words) - length + 1):
            yield stem[words[first][0] : words[first + length - 1][1]]
