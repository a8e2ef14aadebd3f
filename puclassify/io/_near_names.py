"""Names that nearly match, and advice on them."""

from __future__ import annotations

import difflib
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from puclassify.io._names import micrograph_stem

__all__ = ["contained_names", "examples", "near_names", "remedy", "same_but_for_zeros"]

_SHOWN = 3
_COMPARED = 100  # comparing all pairs of a large set takes minutes


def contained_names(keys: list[str], paths: list[str]) -> dict[str, str]:
    """Return keys whose name contains that of a path or is contained in it, each with a path.

    ``mic1`` is contained in ``mic1_DW`` but not in ``mic10``: both ends must be the end of a run of
    letters and digits. The time grows with the number of names, not with its square.
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


def same_but_for_zeros(keys: list[str], paths: list[str]) -> dict[str, str]:
    """Return keys that differ from a path's name only by zeros in front of numbers, with it.

    Names that several keys or paths would then share are left out.
    """
    by_plain: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        by_plain[_without_zeros(path)].append(path)
    times = Counter(map(_without_zeros, keys))
    plain = {key: _without_zeros(key) for key in keys}
    return {
        key: by_plain[name][0]
        for key, name in plain.items()
        if len(by_plain[name]) == 1 and times[name] == 1
    }


def _without_zeros(path: str) -> str:
    return re.sub(r"(?<!\d)0+(?=\d)", "", micrograph_stem(path))


def near_names(keys: list[str], paths: list[str]) -> dict[str, str]:
    """Return some keys that contain a path's name, are contained in it or look like it."""
    found = same_but_for_zeros(keys, paths) or contained_names(keys, paths)
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
    """List the first near misses, keys with paths, and how to make them match."""
    pairs = {key: micrograph_stem(path) for key, path in list(pairs.items())[:_SHOWN]}
    misses = ", ".join(f"{key!r} is near {stem!r}" for key, stem in pairs.items())
    key, stem = next(iter(pairs.items()))
    key = micrograph_stem(key)
    if stem in key:
        surplus = " and ".join(repr(part) for part in key.split(stem, 1) if part)
        return f"{misses}; remove {surplus} from the keys of coordinates"
    if key in stem:
        lacking = " and ".join(repr(part) for part in stem.split(key, 1) if part)
        return f"{misses}; add {lacking} to the keys of coordinates"
    return f"{misses}; rename the keys of coordinates"


def examples(names: Sequence[str]) -> str:
    """Quote the first few names, with dots for the rest."""
    shown = ", ".join(repr(name) for name in names[:_SHOWN])
    return shown + (", ..." if len(names) > _SHOWN else "")


def _parts(stem: str) -> Iterator[str]:
    """Yield the whole name, then its parts between ends of runs of letters and digits."""
    yield stem
    words = [match.span() for match in re.finditer(r"[^\W_]+", stem)]
    for length in range(len(words), 0, -1):
        for first in range(len(words) - length + 1):
            yield stem[words[first][0] : words[first + length - 1][1]]
