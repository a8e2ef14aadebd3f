"""Coordinates in cryoSPARC's ``.cs`` files, structured arrays of one row per particle.

x and y are fractions of the micrograph's width and height. y counts rows from the first stored one:
cryoSPARC shows that one at the bottom. A ``.csg`` beside the ``.cs`` lists what it holds.
"""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import replace
from typing import Any

import numpy as np

from puclassify._warnings import warn
from puclassify.io._coordinate_table import CoordinateTable
from puclassify.io._coordinate_text import check_names
from puclassify.io._cs_array import cs_text, read_cs_array
from puclassify.io._exposures import Exposure
from puclassify.io._names import uid_of_name
from puclassify.io._result_group import format_group, read_group

__all__ = ["cs_fields", "cs_files", "format_cs", "read_cs"]

_PATH, _UID = "location/micrograph_path", "location/micrograph_uid"
_SHAPE, _SCORE = "location/micrograph_shape", "pick_stats/ncc_score"
_X, _Y = "location/center_x_frac", "location/center_y_frac"
_GROUP, _PIXEL_SIZE = "location/exp_group_id", "location/micrograph_psize_A"
_ROW, _POWER = "uid", "pick_stats/power"
_CORE = (_PATH, _SHAPE, _SCORE, _X, _Y)
# Other fields are kept; these may be written, and those of picks always are.
_KEPT_TYPES = {
    _ROW: "<u8",
    _UID: "<u8",
    _GROUP: "<u4",
    _PIXEL_SIZE: "<f4",
    "location/min_dist_A": "<f4",
    _POWER: "<f4",
    "pick_stats/template_idx": "<u4",
    "pick_stats/angle_rad": "<f4",
}
_OF_EXPOSURES = (_UID, _GROUP, _PIXEL_SIZE)
_OUTSIDE = 1.0  # pixels that a refined centre may lie beyond the edge


def read_cs(path: str) -> CoordinateTable:
    """Read centres, given as fractions of the micrograph's width and height, and ``ncc_score``."""
    rows = _rows(path)
    titles = rows.dtype.names or ()
    missing = [title for title in (_X, _Y, _SHAPE) if title not in titles]
    if missing:
        raise ValueError(_no_locations(titles, missing))
    shapes = np.asarray(rows[_SHAPE])
    if shapes.shape[1:] != (2,) or not (shapes > 0).all():
        raise ValueError(f"{_SHAPE} has to hold the positive height and width of every micrograph")
    names = _names(rows)
    values = np.column_stack([rows[_X] * shapes[:, 1].astype(float), rows[_Y] * shapes[:, 0]])
    columns = [*values.T]
    if _SCORE in titles and not np.isnan(rows[_SCORE]).any():
        columns.append(rows[_SCORE].astype(float))
    table = CoordinateTable.from_text(names, columns)
    kept = [title for title in titles if title not in _CORE and rows[title].ndim == 1]
    return replace(
        table,
        columns={title: _plain(rows[title]) for title in kept},
        shapes=dict(zip(names, map(tuple, shapes.tolist()))),
    )


def cs_files(path: str, table: CoordinateTable) -> dict[str, str | bytes]:
    """Return the contents of the files to write: a ``.cs``, and the ``.csg`` if that is asked."""
    if not path.lower().endswith(".csg"):
        return {path: format_cs(table)}
    array = f"{os.path.splitext(path)[0]}.cs"
    if any(ord(character) < 32 for character in os.path.basename(array)):
        raise ValueError(f"the name of {path!r} holds a control character")
    if not table.exposures and table.columns.get(_UID) is None:
        warn(
            f"{path}: cryoSPARC cannot tell which micrographs the picks are on; pass micrographs= "
            "the exposures of its job, as read_exposures returns them"
        )
    slots = ["location"] + ["pick_stats"] * (table.values.shape[1] == 3)
    group = format_group(os.path.basename(array), slots, len(table.names))
    return {array: format_cs(table), path: group}


def format_cs(table: CoordinateTable) -> bytes:
    """Format picks as cryoSPARC stores them, with the fields that its inspection needs."""
    paths, places, fields = _fields(table)
    fields[_PATH] = np.array([path.encode() for path in paths] or [b""])[places]
    types = [(title, array.dtype.str, array.shape[1:]) for title, array in fields.items()]
    rows = np.zeros(len(table.names), dtype=types)
    for title, array in fields.items():
        rows[title] = array
    content = io.BytesIO()
    np.lib.format.write_array(content, rows, allow_pickle=False)
    return content.getvalue()


def cs_fields(table: CoordinateTable) -> dict[str, np.ndarray]:
    """Return the fields of picks by title; paths are text."""
    paths, places, fields = _fields(table)
    fields[_PATH] = np.array([*paths, ""], dtype=object)[places]
    return fields


def _fields(table: CoordinateTable) -> tuple[list[str], np.ndarray, dict[str, np.ndarray]]:
    """Return the paths of micrographs, which of them each pick is on, and the fields of picks."""
    check_names(table.names)
    names = list(dict.fromkeys(table.names))
    about = [_about(name, table.exposures) for name in names]
    missing = [name for name in names if name not in table.shapes]
    if missing:
        raise ValueError(
            f"cryoSPARC stores fractions of the micrograph's size, which is not known of "
            f"{missing[0]!r} and {len(missing) - 1} more: pass micrographs= their paths, or "
            "shapes= (height, width)"
        )
    place = {name: index for index, name in enumerate(names)}
    places = np.array([place[name] for name in table.names], dtype=np.intp)
    shapes = np.array([table.shapes[name] for name in names], dtype=float).reshape(-1, 2)[places]
    _warn_of_picks_outside(table, shapes)
    zeros = np.zeros(len(places))
    fields: dict[str, np.ndarray] = {
        _ROW: _new_uids(table),
        _UID: np.array([one.uid for one in about], dtype="<u8")[places],
        _GROUP: np.array([one.exposure_group for one in about], dtype="<u4")[places],
        _PATH: zeros,  # its place among the fields
        _SHAPE: shapes.astype("<u4"),
        _X: (table.values[:, 0] / shapes[:, 1]).astype("<f4"),
        _Y: (table.values[:, 1] / shapes[:, 0]).astype("<f4"),
        "location/min_dist_A": zeros.astype("<f4"),
    }
    if table.values.shape[1] == 3:
        fields[_SCORE] = table.values[:, 2].astype("<f4")
        # Inspection cuts by both: with the same numbers neither slider hides what the other shows.
        fields[_POWER] = fields[_SCORE]
        fields["pick_stats/template_idx"] = zeros.astype("<u4")
        fields["pick_stats/angle_rad"] = zeros.astype("<f4")
    sizes = [one.pixel_size for one in about]
    if sizes and None not in sizes:
        fields[_PIXEL_SIZE] = np.array(sizes, dtype="<f4")[places]
    # What exposures say counts, not what another file said.
    titles = [title for title in _KEPT_TYPES if not (table.exposures and title in _OF_EXPOSURES)]
    kept = {title: _as_type(table.columns.get(title), _KEPT_TYPES[title]) for title in titles}
    fields |= {title: column for title, column in kept.items() if column is not None}
    return [one.path for one in about], places, fields


def _about(name: str, exposures: Any) -> Exposure:
    """Return the exposure of that name, or what the name alone tells."""
    if not exposures:
        return Exposure(_micrograph_uid(name), name, name, (0, 0))
    if name not in exposures:
        raise ValueError(
            f"the micrograph {name!r} is none of the exposures that were given; pass those of the "
            "job whose micrographs were picked"
        )
    return exposures[name]


def _warn_of_picks_outside(table: CoordinateTable, shapes: np.ndarray) -> None:
    over = table.values[:, :2] - shapes[:, ::-1] + 1
    is_outside = (table.values[:, :2] < -_OUTSIDE).any(axis=1) | (over > _OUTSIDE).any(axis=1)
    if is_outside.any():
        first = table.names[int(np.flatnonzero(is_outside)[0])]
        height, width = table.shapes[first]
        warn(
            f"{is_outside.sum()} picks lie outside of their micrographs, the first on {first!r} of "
            f"{height} x {width} pixels: are they on micrographs of another size?"
        )


def _rows(path: str) -> np.ndarray:
    """Return the array of a ``.cs``, or the locations and scores of a ``.csg``."""
    if not path.lower().endswith(".csg"):
        return read_cs_array(path)
    group = read_group(path)
    if "location" not in group.results:
        raise ValueError(
            f"the group of type {group.kind!r} has no result 'location' (it has "
            f"{', '.join(group.results)}); export particles or picks from cryoSPARC"
        )
    located = group.file("location")
    rows = read_cs_array(located)
    scored = group.file("pick_stats") if "pick_stats" in group.results else located
    if scored == located or _SCORE in (rows.dtype.names or ()):
        return rows
    return _with_scores(rows, read_cs_array(scored))


def _with_scores(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Add the scores of another file, in which particles have the same numbers."""
    if not all(_ROW in (one.dtype.names or ()) for one in (rows, others)):
        raise ValueError("the files of its results have no uid by which their rows match")
    if _SCORE not in (others.dtype.names or ()):
        return rows
    order = np.argsort(others[_ROW])
    places = np.searchsorted(others[_ROW], rows[_ROW], sorter=order).clip(max=len(others) - 1)
    if not len(others) or (others[_ROW][order[places]] != rows[_ROW]).any():
        return rows
    both = np.zeros(len(rows), dtype=[*rows.dtype.descr, (_SCORE, "<f4")])
    for title in rows.dtype.names or ():
        both[title] = rows[title]
    both[_SCORE] = others[_SCORE][order[places]]
    return both


def _no_locations(titles: tuple[str, ...], missing: list[str]) -> str:
    kinds = {title.split("/")[0] for title in titles if "/" in title}
    if kinds & {"micrograph_blob", "movie_blob", "mscope_params"} and "blob" not in kinds:
        what = (
            "the file is a cryoSPARC .cs of exposures: export particles or picks (it is a list of "
            "micrographs, for read_exposures)"
        )
    elif "blob" in kinds or kinds & {"alignments2D", "alignments3D"}:
        what = (
            "the file is a cryoSPARC .cs of particles without their locations: take the "
            "passthrough_particles.cs of the same job"
        )
    else:
        what = "export particles or picks from cryoSPARC"
    return f"there is no {missing[0]}; {what} (it has {', '.join(titles[:6])})"


def _names(rows: np.ndarray) -> list[str]:
    titles = rows.dtype.names or ()
    if _PATH in titles:
        known: dict[Any, str] = {}
        names = [
            known.get(one) or known.setdefault(one, _name(one)) for one in rows[_PATH].tolist()
        ]
        if all(names):
            return names
    if _UID not in titles:
        raise ValueError(f"neither {_PATH} nor {_UID} names the micrographs")
    return [str(uid) for uid in rows[_UID].tolist()]


def _name(path: Any) -> str:
    return cs_text(path).lstrip(">")  # a mark of paths that the program itself imported


def _plain(column: np.ndarray) -> list[Any]:
    return [_name(v) for v in column.tolist()] if column.dtype.kind in "SU" else column.tolist()


def _micrograph_uid(name: str) -> int:
    """Return the number that cryoSPARC put in front of the file's name, or one of the name."""
    uid = uid_of_name(name)
    return uid if uid is not None and uid < 1 << 64 else _digest(name.encode())


def _new_uids(table: CoordinateTable) -> np.ndarray:
    """Return numbers that are the same whenever the same picks are written, all different."""
    start = _digest("\n".join(dict.fromkeys(table.names)).encode() + table.values.tobytes())
    random = np.random.default_rng(start)
    uids = random.integers(1, 1 << 63, len(table.names), dtype=np.uint64)
    while len(np.unique(uids)) < len(uids):
        uids = random.integers(1, 1 << 63, len(uids), dtype=np.uint64)
    return uids


def _digest(content: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")


def _as_type(column: Any, kind: str) -> np.ndarray | None:
    """Return a further column as numbers, or None if a row has none."""
    if column is None:
        return None
    try:
        make = int if kind[1] == "u" else float
        return np.array([make(value) for value in column], dtype=kind)
    except (TypeError, ValueError, OverflowError):
        return None
