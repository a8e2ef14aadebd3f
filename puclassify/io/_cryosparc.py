"""Coordinates in cryoSPARC's ``.cs`` files, structured arrays of one row per particle."""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import replace
from typing import Any, BinaryIO

import numpy as np

from puclassify.io._coordinate_table import CoordinateTable
from puclassify.io._coordinate_text import check_names
from puclassify.io._names import uid_of_name

__all__ = ["format_cs", "is_cs", "read_cs"]

_NUMPY, _STREAM = b"\x93NUMPY", b"\x95CSDAT"
_HEADER_BYTES = 1 << 18
_PATH, _UID = "location/micrograph_path", "location/micrograph_uid"
_SHAPE, _SCORE = "location/micrograph_shape", "pick_stats/ncc_score"
_X, _Y = "location/center_x_frac", "location/center_y_frac"
_ROW = "uid"
_CORE = (_PATH, _SHAPE, _SCORE, _X, _Y)
# Other fields are kept; these may be written, and those of picks always are.
_KEPT_TYPES = {
    _ROW: "<u8",
    _UID: "<u8",
    "location/exp_group_id": "<u4",
    "location/micrograph_psize_A": "<f4",
    "pick_stats/power": "<f4",
    "pick_stats/template_idx": "<u4",
    "pick_stats/angle_rad": "<f4",
}
_NO_POWER = 1.0  # inspection cuts by power too: the same for all, so that none is cut


def is_cs(head: bytes) -> bool:
    """Return whether the start of a file is that of an array or of cryoSPARC's stream."""
    return head.startswith((_NUMPY, _STREAM))


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


def format_cs(table: CoordinateTable) -> bytes:
    """Format picks as cryoSPARC stores them, with the fields that its inspection needs."""
    check_names(table.names)
    missing = [name for name in dict.fromkeys(table.names) if name not in table.shapes]
    if missing:
        raise ValueError(
            f"cryoSPARC stores fractions of the micrograph's size, which is not known of "
            f"{missing[0]!r} and {len(missing) - 1} more: pass micrographs= their paths, or "
            "shapes= (height, width)"
        )
    shapes = np.array([table.shapes[name] for name in table.names], dtype=float).reshape(-1, 2)
    uids = {name: _micrograph_uid(name) for name in set(table.names)}
    paths = {name: name.encode() for name in uids}
    fields: dict[str, Any] = {
        _ROW: _new_uids(table),
        _UID: np.array([uids[name] for name in table.names], dtype="<u8"),
        "location/exp_group_id": np.zeros(len(table.names), dtype="<u4"),
        _PATH: np.array([paths[name] for name in table.names] or [b""], dtype=bytes)[
            : len(table.names)
        ],
        _SHAPE: shapes.astype("<u4"),
        _X: (table.values[:, 0] / shapes[:, 1]).astype("<f4"),
        _Y: (table.values[:, 1] / shapes[:, 0]).astype("<f4"),
    }
    if table.values.shape[1] == 3:
        fields[_SCORE] = table.values[:, 2].astype("<f4")
        fields["pick_stats/power"] = np.full(len(table.names), _NO_POWER, dtype="<f4")
    for title, kind in _KEPT_TYPES.items():
        kept = _as_type(table.columns.get(title), kind)
        if kept is not None:
            fields[title] = kept
    types = [(title, array.dtype.str, array.shape[1:]) for title, array in fields.items()]
    rows = np.zeros(len(table.names), dtype=types)
    for title, array in fields.items():
        rows[title] = array
    content = io.BytesIO()
    np.lib.format.write_array(content, rows, allow_pickle=False)
    return content.getvalue()


def _rows(path: str) -> np.ndarray:
    """Return the structured array; nothing is unpickled, and its size has to be the file's."""
    with open(path, "rb") as file:
        magic = file.read(6)
        file.seek(0)
        if magic == _STREAM:
            raise ValueError(
                "it is in cryoSPARC's stream format; write it as an array, with cryosparc-tools: "
                "Dataset.load(path).save(path)"
            )
        if magic != _NUMPY:
            raise ValueError("it does not start as a .cs file does; export it again")
        shape, dtype = _header(file)
        if dtype.hasobject:
            raise ValueError(
                "it holds pickled Python objects, which are never loaded since they can run any "
                "program; cryoSPARC writes none: export the file from there again"
            )
        if not dtype.names or len(shape) != 1:
            raise ValueError(
                f"it holds an array of shape {shape} without named fields; the file is no .cs file"
            )
        there = os.fstat(file.fileno()).st_size - file.tell()
        if there != shape[0] * dtype.itemsize:
            raise ValueError(
                f"its header tells of {shape[0]} rows of {dtype.itemsize} bytes, {there} bytes "
                "follow; is the file complete?"
            )
        return np.frombuffer(file.read(there), dtype=dtype)


def _header(file: BinaryIO) -> tuple[tuple[int, ...], np.dtype]:
    try:
        version = np.lib.format.read_magic(file)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if read is None:  # version 3 has names in UTF-8, else it is version 2
            raise ValueError(f"its array format {version} is unknown")
        shape, _, dtype = read(file, max_header_size=_HEADER_BYTES)
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError) as error:
        raise ValueError(f"the header of its array cannot be read: {error!s:.200}") from None
    if any(not isinstance(length, int) or length < 0 for length in shape):
        raise ValueError(f"its header tells of an array of shape {shape}")
    return shape, dtype


def _no_locations(titles: tuple[str, ...], missing: list[str]) -> str:
    kinds = {title.split("/")[0] for title in titles if "/" in title}
    if kinds & {"micrograph_blob", "movie_blob", "mscope_params"} and "blob" not in kinds:
        what = "the file is a cryoSPARC .cs of exposures: export particles or picks"
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
            known.get(one) or known.setdefault(one, _text(one)) for one in rows[_PATH].tolist()
        ]
        if all(names):
            return names
    if _UID not in titles:
        raise ValueError(f"neither {_PATH} nor {_UID} names the micrographs")
    return [str(uid) for uid in rows[_UID].tolist()]


def _text(value: Any) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text.strip().lstrip(">")  # a mark of paths that the program itself imported


def _plain(column: np.ndarray) -> list[Any]:
    return [_text(v) for v in column.tolist()] if column.dtype.kind in "SU" else column.tolist()


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
