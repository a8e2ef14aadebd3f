"""Images that programs write beside micrographs, and that a file pattern picks up with them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

__all__ = ["refuse_side_files"]


class _Kind(NamedTuple):
    what: str
    ending: re.Pattern[str]  # of the name without folder and extension


def _kind(what: str, ending: str) -> _Kind:
    return _Kind(what, re.compile(rf"(?<=.)({ending})$", re.IGNORECASE))


_EXTENSION = re.compile(r"(\.(mrcs?|map|png|jpe?g|tiff?|gz|bz2))+$", re.IGNORECASE)
_SPECTRUM, _FIT = "a power spectrum", "the diagnostic image of a CTF fit"
_THUMBNAIL, _NOISE = "a thumbnail", "a background estimate"
_KINDS = (
    _kind(_SPECTRUM, r"_PS"),  # RELION
    _kind(_SPECTRUM, r"_(power|pow|powerspectrum|power_spectrum|fft)"),
    _kind(_FIT, r"[_.](ctf|ctffind\d?|gctf|diag|avrot|EPA)"),  # CTFFIND, Gctf, IMOD
    _kind(_FIT, r"_ctf_(diag|fit|2D|plt)\w*"),  # cryoSPARC
    _kind(_THUMBNAIL, r"[_.-](thumb|thumbnail|thumbs|preview)(_?@?\d+x)?"),
    _kind(_NOISE, r"_background"),  # cryoSPARC
)
_FOLDERS = {  # Warp, and folders of viewers
    "powerspectrum": _SPECTRUM,
    "powerspectra": _SPECTRUM,
    "thumbnails": _THUMBNAIL,
    "thumbs": _THUMBNAIL,
}
_MOST_NAMED = 3


def refuse_side_files(items: Iterable[Any], where: str = "X") -> None:
    """Raise a ValueError if items that are paths are named like side files, not micrographs."""
    found: dict[str, list[str]] = {}
    patterns: dict[str, None] = {}  # of shell kind, in order
    for item in items:
        if isinstance(item, (str, os.PathLike)):
            what, pattern = _recognised(os.fspath(item))
            if what:
                found.setdefault(what, []).append(os.path.basename(os.fspath(item)))
                patterns[pattern] = None
    if not found:
        return
    listed = "; ".join(f"{_named(names)} ({what})" for what, names in found.items())
    excluded = " or ".join(f"fnmatch(str(path), {one!r})" for one in patterns)
    raise ValueError(
        f"{where} holds {sum(map(len, found.values()))} files that are named like images beside "
        f"micrographs: {listed}. Leave them out, with fnmatch.fnmatch: [path for path in paths if "
        f"not ({excluded})]. If they are micrographs, pass read_micrograph(path)"
    )


def _recognised(path: str) -> tuple[str, str]:
    """Return what kind of side file a path names, and the pattern to exclude, or empty texts."""
    folder, name = os.path.split(path)
    stem = _EXTENSION.sub("", name)
    for kind in _KINDS:
        match = kind.ending.search(stem)
        if match:
            return kind.what, f"*{match[0]}{'' if stem == name else '.*'}"
    folder = os.path.basename(folder)
    what = _FOLDERS.get(folder.lower(), "")
    return what, f"*{folder}/*" if what else ""


def _named(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
