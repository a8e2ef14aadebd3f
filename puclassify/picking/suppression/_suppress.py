"""Exact greedy non-maximum suppression of one score map, as a pure function."""

from __future__ import annotations

import math
from numbers import Integral

import numpy as np
import torch

from puclassify._devices import threads
from puclassify._parameters import is_number
from puclassify.grid import GridImage
from puclassify.picking.suppression._subpixel import paraboloid_offsets
from puclassify.picking.suppression._suppress_by_blocks import ROUNDING, greedy_maxima
from puclassify.picking.suppression._suppress_by_ranks import greedy_ranks, suits_ranks

__all__ = ["non_maximum_suppression"]


def non_maximum_suppression(
    scores, radius, *, threshold=0.0, max_picks=None, border=0, subpixel=True
) -> np.ndarray:
    """Pick the maxima of one score map, none closer to a better one than a radius.

    Parameters
    ----------
    scores : GridImage or array-like of shape (height, width)
        The score map; a plain array is a map of step 1 and offset 0. NaN marks positions that are
        never picked.
    radius : float
        Suppression radius in stored pixels, at least 0. A pick suppresses every other position at
        a distance of ``radius`` or less.
    threshold : float, default=0.0
        Only scores strictly above it are picked; ``-inf`` lets every finite score in.
    max_picks : int or None, default=None
        Stop after that many picks; None means no limit.
    border : float, default=0
        Positions closer than this many stored pixels to the outermost row or column of the map
        are neither picked nor do they suppress others.
    subpixel : bool, default=True
        Move each pick to the top of the paraboloid fitted to the scores around it.

    Returns
    -------
    ndarray of shape (k, 3)
        x, y and score of each pick in order of descending score, x and y in stored pixels.

    Raises
    ------
    ValueError
        If ``scores`` is not two-dimensional or a parameter is out of its range.
    TypeError
        If a parameter is not a number of the kind expected.

    Notes
    -----
    Positions are visited in order of descending score, equal scores in the order of their row and
    then their column. A position that no earlier pick has suppressed becomes a pick. Distances
    are measured between grid points, ``(step_x dj)^2 + (step_y di)^2 <= radius^2``, so the two
    steps of the map may differ. The result is that of the plain loop over all positions, found in
    rounds (``_suppress_by_blocks.py``, and ``_suppress_by_ranks.py`` for maps on a GPU) at a cost
    of about O(n + k A) for n positions, k picks and A positions in a disc.

    With ``subpixel``, the least-squares paraboloid through the 3 x 3 scores around a pick gives an
    offset of at most half a step along each axis. Picks in the outermost rows and columns, beside
    a NaN or an infinite score, and those that are no local maximum (they lie on the flank of a
    suppressed one) stay on their grid point. The offset is applied after all picks are chosen,
    and the reported score is the map's own at the grid point: thresholds and order always agree
    with the map.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify.picking import non_maximum_suppression
    >>> scores = np.array([[0.0, 0.0, 0.0, 0.0, 0.0], [0.0, 5.0, 3.0, 0.0, 4.0]])
    >>> non_maximum_suppression(scores, radius=1.5)
    array([[1., 1., 5.],
           [4., 1., 4.]])
    >>> non_maximum_suppression(scores, radius=3.0)
    array([[1., 1., 5.]])
    """
    check_suppression_parameters(radius, threshold, max_picks, border, subpixel)
    grid = scores if isinstance(scores, GridImage) else GridImage(_as_map(scores))
    if 0 in grid.shape:
        return np.empty((0, 3))
    with threads(1):  # others would not be awake before these short operations are over
        values = _as_tensor(grid.values)
        step_xy = grid.step_xy.tolist()
        greedy = greedy_ranks if suits_ranks(values, radius, step_xy) else greedy_maxima
        chosen = greedy(
            values,
            float(radius),
            limit=_limit(values, threshold),
            inside=(
                _within(grid.shape[0], step_xy[1], border),
                _within(grid.shape[1], step_xy[0], border),
            ),
            step_xy=step_xy,
        )[:max_picks]
        rows, columns = chosen // grid.shape[1], chosen % grid.shape[1]
        xy = torch.stack([columns, rows], dim=1).double()
        if subpixel:
            xy += paraboloid_offsets(values, rows, columns)
        picks = torch.cat([xy, values.reshape(-1)[chosen, None].double()], dim=1).cpu().numpy()
    picks[:, :2] = grid.to_micrograph(picks[:, :2])
    return picks


def check_suppression_parameters(radius, threshold, max_picks, border, subpixel) -> None:
    """Refuse parameters of the suppression that are out of their range, by name."""
    for name, value in (("radius", radius), ("border", border)):
        if not is_number(value):
            raise TypeError(
                f"{name} must be a number of stored pixels, got {value!r} ({type(value).__name__})"
            )
        if not (np.isfinite(value) and value >= 0):
            raise ValueError(
                f"{name} must be a finite number of stored pixels, at least 0; got {value!r}"
            )
    if not is_number(threshold):
        raise TypeError(f"threshold must be a number, got {threshold!r}; -inf keeps every score")
    if np.isnan(threshold):
        raise ValueError("threshold is NaN, which no score is above; -inf keeps every score")
    if max_picks is not None:
        if isinstance(max_picks, bool) or not isinstance(max_picks, Integral):
            raise TypeError(f"max_picks must be an integer or None, got {max_picks!r}")
        if max_picks < 1:
            raise ValueError(
                f"max_picks must be at least 1, got {max_picks!r}; None means no limit"
            )
    if not isinstance(subpixel, bool | np.bool_):
        raise TypeError(f"subpixel must be True or False, got {subpixel!r}")


def _as_map(scores) -> np.ndarray:
    values = np.asarray(scores)
    if values.ndim != 2 or values.dtype.kind not in "fiub":
        raise ValueError(
            "scores must be a GridImage or a 2-D array of real numbers, got an array of shape "
            f"{values.shape} and type {values.dtype}"
        )
    return values


def _as_tensor(values) -> torch.Tensor:
    """Return a map as float32 or float64 that is compared as it was."""
    if isinstance(values, torch.Tensor):
        return values
    values = np.asarray(values)
    exact = np.float32 if np.can_cast(values.dtype, np.float32) else np.float64
    return torch.from_numpy(np.require(values, exact, ["C", "W"]))


def _limit(values: torch.Tensor, threshold) -> float:
    """Return what the values of a map are above if they are above a threshold."""
    if values.dtype != torch.float32:
        return float(threshold)
    # The comparison is made in float32: the next number below says the same as the threshold.
    narrow = np.float32(threshold)
    below = np.nextafter(narrow, np.float32(-np.inf))
    return float(below if float(narrow) > threshold else narrow)


def _within(length: int, step: float, border) -> slice:
    """Return which of the positions along an axis are no closer to its ends than the border."""
    if border <= 0:
        return slice(None)
    n_outside = math.ceil(border / (step * ROUNDING))
    return slice(n_outside, max(n_outside, length - n_outside))
