"""The micrograph files that paths, patterns, folders and lists stand for."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from puclassify._warnings import warn
from puclassify.io._coordinate_text import read_plain_text
from puclassify.io._exposures import Exposure, Exposures, is_exposures, read_exposures
from puclassify.io._micrograph_formats import MICROGRAPH_FORMATS
from puclassify.io._micrograph_list import read_micrograph_list

__all__ = ["lines_of_list", "micrograph_files"]

_DEEPEST_LIST = 20


def micrograph_files(paths: Iterable[str], project: str | None = None) -> Sequence[str]:
    """Return the files, each once and in the given order; files of a pattern or folder by name.

    A path is a file, a folder, a pattern (``**`` includes subfolders), a STAR file whose
    ``_rlnMicrographName`` lists micrographs, a ``.cs`` or ``.csg`` file of cryoSPARC's exposures,
    or ``@list.txt``: a text file of any of these, one a line, in which ``#`` starts a comment line.
    If all are of cryoSPARC, `Exposures` are returned. ``project`` is the folder of its project.
    """
    paths = list(paths)
    if paths and all(is_exposures(path) for path in paths):
        return _joined(read_exposures(path, folder=project) for path in paths)
    found: dict[str, str] = {}
    n_again = 0
    for file in _files(paths, _Lists(project)):
        n_again += found.setdefault(os.path.realpath(file), file) is not file
    if n_again:
        warn(f"{n_again} micrographs are given more than once; each is used once")
    return list(found.values())


def _joined(parts: Iterable[Exposures]) -> Exposures:
    found: dict[int, Exposure] = {}
    n_again = 0
    for one in (one for part in parts for one in part.exposures):
        n_again += found.setdefault(one.uid, one) is not one
    if n_again:
        warn(f"{n_again} micrographs are given more than once; each is used once")
    return Exposures(found.values())


@dataclass
class _Lists:
    """The lists that have been read, and those that the present one is named in."""

    project: str | None  # the folder of cryoSPARC's project
    read: set[str] = field(default_factory=set)
    within: tuple[str, ...] = ()


def _files(paths: Iterable[str], lists: _Lists) -> Iterator[str]:
    for path in paths:
        if path.startswith("@"):
            yield from _files_of_list(path[1:], lists)
        elif path.lower().endswith(".star"):
            yield from _files_of_star(path)
        elif is_exposures(path):
            yield from read_exposures(path, folder=lists.project)
        elif os.path.isdir(path):
            yield from _files_of_folder(path)
        elif glob.has_magic(path) and not os.path.exists(path):
            yield from _files_of_pattern(path)
        else:
            yield path if os.path.isfile(path) else _missing(path)


def _missing(path: str) -> str:
    raise FileNotFoundError(f"there is no micrograph file {path}")


def _files_of_pattern(pattern: str) -> list[str]:
    found = sorted(file for file in glob.glob(pattern, recursive=True) if os.path.isfile(file))
    if not found:
        raise FileNotFoundError(f"no file fits the pattern {pattern!r} of micrographs")
    return found


def _files_of_folder(folder: str) -> list[str]:
    endings = tuple(end for known in MICROGRAPH_FORMATS.values() for end in known.extensions)
    files = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    found = [file for file in files if file.lower().endswith(endings) and os.path.isfile(file)]
    if not found:
        raise FileNotFoundError(
            f"the folder {folder} holds no micrographs ({', '.join(endings)}); those in folders "
            f"within it are given by a pattern: {os.path.join(folder, '**', '*.mrc')!r}"
        )
    return found


def _files_of_list(path: str, lists: _Lists) -> Iterator[str]:
    real = os.path.realpath(path)
    if real in lists.within:
        raise ValueError(f"the list {path} contains itself")
    if len(lists.within) == _DEEPEST_LIST:
        raise ValueError(f"the list {path} is in a list in a list, {_DEEPEST_LIST} deep")
    if real in lists.read:  # lists of lists of lists could name more files than there are
        return
    lists.read.add(real)
    named = lines_of_list(path, "micrographs")
    try:
        yield from _files(named, _Lists(lists.project, lists.read, (*lists.within, real)))
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error}, named in the list {path}") from None


def lines_of_list(path: str, of: str) -> list[str]:
    """Return the lines of a text file that names things in the plural; ``#`` starts a comment."""
    try:
        lines = read_plain_text(path).split("\n")
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no list of {of} {path}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no list of {of}: it is not text in UTF-8") from None
    except ValueError as error:
        raise ValueError(f"{path} is no list of {of}: {error}") from None
    named = [line for line in map(str.strip, lines) if line and not line.startswith("#")]
    if not named:
        raise ValueError(f"the list {path} names no {of.removesuffix('s')}")
    return named


def _files_of_star(path: str) -> list[str]:
    return read_micrograph_list(path, sized=False).files
