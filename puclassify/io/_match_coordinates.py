"""Bringing a table of coordinates into the order of the micrographs."""

from __future__ import annotations

import difflib
import os
from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from puclassify.io._micrograph import micrograph_name

__all__ = ["match_coordinates"]

# Only known endings are cut off: many names have dots of their own.
_EXTENSIONS = (".mrc", ".mrcs", ".map", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".eer")
_COMPRESSED = (".gz", ".bz2")
_SHOWN = 3
_COMPARED = 100  # comparing all names of a large set with all others takes minutes


def match_coordinates(coordinates, names) -> list[np.ndarray]:
    """Order coordinates by micrograph, matching names with or without extension and folder.

    Parameters
    ----------
    coordinates : mapping of str to ndarray of shape (k, 2) or (k, 3)
        Coordinates by micrograph name, as `read_coordinates` gives them. Names that belong to none
        of the micrographs are ignored, as long as some do.
    names : sequence of str, path-like or GridImage
        The micrographs, by name or path.

    Returns
    -------
    list of ndarray
        One array per micrograph, in the order of ``names``; of shape (0, 2) where the table has
        nothing.

    Raises
    ------
    ValueError
        If nothing matches, or if a name could mean several others.

    Notes
    -----
    Names match if they are equal after their folder and a known image extension (``.mrc``,
    ``.tif``, ``.png``, ..., also ``.gz``, ``.bz2``) are taken off; upper and lower case differ.
    If several match, an equal extension and the number of equal parent folders decide.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify.io import match_coordinates
    >>> table = {"mic1": np.array([[10.0, 20.0]]), "Movies/mic2.mrc": np.array([[1.0, 2.0]])}
    >>> match_coordinates(table, ["data/mic2.mrc", "data/mic1.mrc", "data/mic3.mrc"])
    [array([[1., 2.]]), array([[10., 20.]]), array([], shape=(0, 2), dtype=float64)]
    """
    if not isinstance(coordinates, Mapping):
        raise TypeError(
            f"coordinates must map micrograph names to arrays, as read_coordinates gives them, got "
            f"{type(coordinates).__name__}"
        )
    if isinstance(names, (str, os.PathLike)):
        raise TypeError(f"names must be a sequence of names, got {names!r}; pass [{names!r}]")
    paths = [_path(item, index) for index, item in enumerate(names)]
    keys_by_stem = defaultdict(list)
    for key in coordinates:
        keys_by_stem[_stem(key)].append(key)
    found = {path: _best_key(path, keys_by_stem[_stem(path)]) for path in paths}
    _resolve_shared_keys(found)
    if coordinates and paths and not any(key is not None for key in found.values()):
        raise ValueError(_nothing_matches(list(coordinates), paths))
    keys = [found[path] for path in paths]
    return [np.empty((0, 2)) if key is None else np.asarray(coordinates[key]) for key in keys]


def _path(item, index: int) -> str:
    if isinstance(item, (str, os.PathLike)):
        return os.fspath(item)
    return micrograph_name(item, index)


def _parts(path: str) -> list[str]:
    return path.replace("\\", "/").split("/")


def _stem(path: str) -> str:
    name = _parts(path)[-1].strip()
    for endings in (_COMPRESSED, _EXTENSIONS):
        ending = next((end for end in endings if name.lower().endswith(end)), "")
        name = name[: len(name) - len(ending)] if len(name) > len(ending) else name
    return name


def _closeness(path: str, key: str) -> tuple[bool, int, bool]:
    """Compare two paths with one stem: are they equal, in how many folders, in their extension."""
    folders, key_folders = _parts(path)[-2::-1], _parts(key)[-2::-1]
    n_equal = 0
    for folder, key_folder in zip(folders, key_folders):
        if folder != key_folder:
            break
        n_equal += 1
    return path == key, n_equal, _parts(path)[-1] == _parts(key)[-1]


def _best_key(path: str, keys: list[str]) -> str | None:
    if not keys:
        return None
    best = max(_closeness(path, key) for key in keys)
    closest = [key for key in keys if _closeness(path, key) == best]
    if len(closest) > 1:
        raise ValueError(
            f"coordinates of micrograph {path!r} are ambiguous: {_examples(closest)} match it "
            "equally well; rename or merge them"
        )
    return closest[0]


def _resolve_shared_keys(found: dict[str, str | None]) -> None:
    """Leave a key that several micrographs claim to the closest one of them."""
    claims = defaultdict(list)
    for path, key in found.items():
        if key is not None:
            claims[key].append(path)
    for key, paths in claims.items():
        if len(paths) == 1:
            continue
        best = max(_closeness(path, key) for path in paths)
        closest = [path for path in paths if _closeness(path, key) == best]
        if len(closest) > 1:
            raise ValueError(
                f"coordinates named {key!r} are ambiguous: they match the micrographs "
                f"{_examples(closest)} equally well; name them with their folder or extension"
            )
        found.update({path: None for path in paths if path != closest[0]})


def _nothing_matches(keys: list[str], paths: list[str]) -> str:
    stems = list(dict.fromkeys(_stem(path) for path in paths))[:_COMPARED]
    near = {key: difflib.get_close_matches(_stem(key), stems, n=1) for key in keys[:_COMPARED]}
    misses = [f"{key!r} is near {close[0]!r}" for key, close in near.items() if close][:_SHOWN]
    return (
        f"none of the {len(keys)} names in coordinates matches any of the {len(paths)} "
        f"micrographs; coordinates have {_examples(keys)}, micrographs are {_examples(paths)}"
        + (f"; near misses: {', '.join(misses)}" if misses else "")
    )


def _examples(names) -> str:
    shown = ", ".join(repr(name) for name in names[:_SHOWN])
    return shown + (", ..." if len(names) > _SHOWN else "")
