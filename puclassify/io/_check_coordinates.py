"""Checks of coordinates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from puclassify._coordinate_columns import frame_values, is_frame

__all__ = ["check_coordinate_array", "check_coordinates"]


def check_coordinates(y: Any, n_micrographs: int) -> list[np.ndarray]:
    """Check labelled or picked centres and convert them to float64 arrays, one per micrograph.

    Parameters
    ----------
    y : sequence of array-like of shape (k_i, 2) or (k_i, 3), or of DataFrame
        x and y of the centres on every micrograph, in pixels of the micrograph as stored;
        ``k_i = 0`` is allowed. A third column, the score of a pick, is dropped. A data frame has
        columns ``x`` and ``y``, or common other names of them as in `read_coordinates`.
    n_micrographs : int
        Number of micrographs.

    Returns
    -------
    list of ndarray of shape (k_i, 2)
        The centres as float64.

    Raises
    ------
    TypeError
        If ``y`` is not a sequence of arrays.
    ValueError
        If the number of arrays is not ``n_micrographs``, or an array has another shape or
        non-finite values.

    Examples
    --------
    >>> from puclassify.io import check_coordinates
    >>> check_coordinates([[[3, 4], [5, 6]], []], 2)
    [array([[3., 4.], [5., 6.]]), array([], shape=(0, 2), dtype=float64)]
    """
    if isinstance(y, Mapping):
        raise TypeError(
            "y must be a sequence of arrays in the order of the micrographs, got a mapping; "
            "puclassify.io.match_coordinates(y, names) puts it in order"
        )
    if y is None or isinstance(y, (str, bytes)) or not hasattr(y, "__len__"):
        raise TypeError(f"y must be a sequence of (k, 2) arrays, got {type(y).__name__}: {y!r:.80}")
    if is_frame(y) or getattr(y, "ndim", None) == 2:
        raise TypeError(
            f"y must be a sequence with one (k, 2) array per micrograph, got a single table of "
            f"shape {getattr(y, 'shape', 'unknown')}; for one micrograph pass [y], and for the "
            "rows of several puclassify.io.match_coordinates(y, micrographs)"
        )
    if len(y) != n_micrographs:
        raise ValueError(
            f"y holds coordinates of {len(y)} micrographs but there are {n_micrographs} "
            "micrographs; pass an empty array for a micrograph without labels"
        )
    return [check_coordinate_array(item, f"y[{i}]")[:, :2] for i, item in enumerate(y)]


def check_coordinate_array(item: Any, name: str) -> np.ndarray:
    """Return coordinates of one micrograph, of shape (k, 2) or (k, 3), as float64."""
    n_masked = int(np.ma.count_masked(item)) if isinstance(item, np.ma.MaskedArray) else 0
    if n_masked:
        raise ValueError(
            f"{name} is a masked array with {n_masked} masked values, which would be read as if "
            f"they were not; pass np.ma.compress_rows({name}), the rows without any"
        )
    columns = frame_values(item, name) if is_frame(item) else item
    try:
        if np.asarray(columns).dtype.kind in "bcmM":  # of which NumPy would make numbers, too
            raise TypeError(f"its values are {np.asarray(columns).dtype}")
        array = np.array(columns, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must be an array of numbers of shape (k, 2), x and y, or (k, 3), with a "
            f"score; got {type(item).__name__}: {error}"
        ) from error
    if array.size == 0 and array.ndim <= 2:
        return np.empty((0, array.shape[1] if array.shape[1:] == (3,) else 2))
    if array.ndim != 2 or array.shape[1] not in (2, 3):
        is_turned = array.ndim == 2 and array.shape[0] in (2, 3)
        raise ValueError(
            f"{name} must be of shape (k, 2), x and y, or (k, 3), with a score; got {array.shape}"
            f"{f': pass {name}.T' if is_turned else ''}"
        )
    bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if bad.size:
        raise ValueError(
            f"{name} has {bad.size} rows with non-finite values, the first is row {bad[0]}: "
            f"{array[bad[0]].tolist()}; remove such rows"
        )
    return array
