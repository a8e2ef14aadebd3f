"""Coordinates in the order of the micrographs."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from puclassify._coordinate_columns import frame_values, is_frame
from puclassify._warnings import warn
from puclassify.io._coordinate_table import by_name, is_table
from puclassify.io._micrograph import given_name
from puclassify.io._names import micrograph_stem, spellings
from puclassify.io._near_names import (
    contained_names,
    examples,
    near_names,
    remedy,
    same_but_for_zeros,
)

__all__ = ["in_order", "match_coordinates", "matched_keys"]


def match_coordinates(coordinates: Any, names: Sequence[Any]) -> list[np.ndarray]:
    """Order coordinates by micrograph, matching names with or without extension and folder.

    Parameters
    ----------
    coordinates : mapping of str to array-like of shape (k, 2) or (k, 3), CoordinateTable or \
            DataFrame
        Coordinates by micrograph name, as returned by `read_coordinates`, or a table of all with a
        column of names, as for `CoordinateTable.from_frame`. Names that match none of
        the micrographs are ignored if others match; a warning lists those that nearly match a
        micrograph without coordinates.
    names : sequence of str, path-like or GridImage
        The micrographs, by name or path.

    Returns
    -------
    list of ndarray
        One array per micrograph, in the order of ``names``; of shape (0, 2) for a micrograph
        without coordinates.

    Raises
    ------
    ValueError
        If nothing matches, or if a name matches several others equally well.

    Notes
    -----
    Names match if they are equal, also in case, without their folder and known image extension
    (``.mrc``, ``.tif``, ``.png``, ..., also ``.gz``, ``.bz2``). If several match, the number of
    equal parent folders and an equal extension decide. Of the remaining names, those match that
    differ only by the number that cryoSPARC puts in front (at least 15 digits and ``_``) or by
    RELION's ``_autopick``, ``_manualpick`` or ``_pick`` at the end, on one side and without
    ambiguity.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify.io import match_coordinates
    >>> table = {"mic1": np.array([[10.0, 20.0]]), "Movies/mic2.mrc": np.array([[1.0, 2.0]])}
    >>> match_coordinates(table, ["data/mic2.mrc", "data/mic1.mrc", "data/mic3.mrc"])
    [array([[1., 2.]]), array([[10., 20.]]), array([], shape=(0, 2), dtype=float64)]
    """
    coordinates = by_name(coordinates)
    if not isinstance(coordinates, Mapping):
        raise TypeError(
            "coordinates must map micrograph names to arrays, as returned by read_coordinates, or "
            f"be a table, got {type(coordinates).__name__}"
        )
    keys = matched_keys(coordinates, names, lambda key: len(coordinates[key]) > 0)
    return [
        np.empty((0, 2))
        if key is None
        else frame_values(coordinates[key], f"coordinates of {key!r}")
        if is_frame(coordinates[key])
        else np.asarray(coordinates[key])
        for key in keys
    ]


def matched_keys(
    keys: Iterable[str], names: Sequence[Any], is_labelled: Callable[[str], bool] = lambda key: True
) -> list[str | None]:
    """Return the key of each micrograph as `match_coordinates` finds it, None without any.

    A warning lists those of the other keys that ``is_labelled`` and nearly match.
    """
    if isinstance(names, (str, os.PathLike)):
        raise TypeError(f"names must be a sequence of names, got {names!r}; pass [{names!r}]")
    keys, paths = list(keys), [given_name(item, index) for index, item in enumerate(names)]
    keys_by_stem = defaultdict(list)
    for key in keys:
        keys_by_stem[micrograph_stem(key)].append(key)
    found = {path: _best_key(path, keys_by_stem[micrograph_stem(path)]) for path in paths}
    _resolve_shared_keys(found)
    used = set(found.values())
    _match_spellings(found, [key for key in keys if key not in used])
    used = set(found.values())
    if keys and paths and used == {None}:
        raise ValueError(_nothing_matches(keys, paths))
    _warn_of_lost_labels([key for key in keys if key not in used and is_labelled(key)], found)
    return [found[path] for path in paths]


def in_order(coordinates: Any, micrographs: Sequence[Any]) -> Any:
    """Return those of a table in the order of the micrographs, anything else as it is."""
    return match_coordinates(coordinates, micrographs) if is_table(coordinates) else coordinates


def _parts(path: str) -> list[str]:
    return path.replace("\\", "/").split("/")


def _closeness(path: str, key: str) -> tuple[bool, int, bool]:
    """Rate two paths of one stem: equal paths, number of equal parent folders, equal file names."""
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
            f"coordinates of micrograph {path!r} are ambiguous: {examples(closest)} match it "
            "equally well; rename or merge them"
        )
    return closest[0]


def _resolve_shared_keys(found: dict[str, str | None]) -> None:
    """Give a key that several micrographs claim to the closest one."""
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
                f"{examples(closest)} equally well; name them with their folder or extension"
            )
        found.update({path: None for path in paths if path != closest[0]})


def _match_spellings(found: dict[str, str | None], keys: list[str]) -> None:
    """Match remaining keys and micrographs that differ only by what other programs add."""
    keys_by_stem, keys_by_spelling = defaultdict(set), defaultdict(set)
    for key in keys:
        keys_by_stem[micrograph_stem(key)].add(key)
        for spelling in spellings(micrograph_stem(key)):
            keys_by_spelling[spelling].add(key)
    claims, chosen = defaultdict(list), {}
    for path in (path for path, key in found.items() if key is None):
        stem = micrograph_stem(path)
        candidates = set(keys_by_spelling[stem])
        candidates.update(*(keys_by_stem[spelling] for spelling in spellings(stem)))
        chosen[path] = candidates
        for key in candidates:
            claims[key].append(path)
    for path, candidates in chosen.items():
        if len(candidates) == 1 and claims[next(iter(candidates))] == [path]:
            found[path] = next(iter(candidates))


def _warn_of_lost_labels(lost: list[str], found: dict[str, str | None]) -> None:
    unmatched = [path for path, key in found.items() if key is None]
    near = same_but_for_zeros(lost, unmatched) | contained_names(lost, unmatched)
    if near:
        warn(
            f"{len(near)} names in coordinates match no micrograph, but nearly match micrographs "
            f"without coordinates: {remedy(near)} if they are the same"
        )


def _nothing_matches(keys: list[str], paths: list[str]) -> str:
    near = near_names(keys, paths)
    return (
        f"none of the {len(keys)} names in coordinates matches any of the {len(paths)} "
        f"micrographs; coordinates have {examples(keys)}, micrographs are {examples(paths)}"
        + (f"; near misses: {remedy(near)}" if near else "")
    )
