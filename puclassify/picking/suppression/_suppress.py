"""Non-maximum suppression of one score map, as a pure function."""

from __future__ import annotations

import contextlib
import math
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from puclassify._devices import threads
from puclassify._parameters import check_flag, check_number, check_whole_number, is_number
from puclassify.grid import GridImage
from puclassify.picking.suppression._disc import ROUNDING
from puclassify.picking.suppression._subpixel import subpixel_offsets
from puclassify.picking.suppression._suppress_by_blocks import suppress_by_blocks
from puclassify.picking.suppression._suppress_by_ranks import suits_ranks, suppress_by_ranks

__all__ = ["check_suppression_parameters", "non_maximum_suppression"]


def non_maximum_suppression(
    scores: GridImage | ArrayLike,
    radius: float,
    *,
    threshold: float = 0.0,
    max_picks: int | None = None,
    border: float = 0,
    subpixel: bool = True,
) -> np.ndarray:
    """Pick the maxima of one score map; each pick suppresses all lower ones within a radius.

    Parameters
    ----------
    scores : GridImage or array-like of shape (height, width)
        The score map; a plain array is a map of step 1 and offset 0. NaN marks positions that are
        never picked.
    radius : float
        Suppression radius in stored pixels, at least 0. A pick suppresses every other position at
        a distance of ``radius`` or less.
    threshold : float, default=0.0
        Only scores strictly above it are picked; ``-inf`` keeps every finite score.
    max_picks : int or None, default=None
        Keep at most this many picks, the best; None means no limit.
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
        If ``scores`` is not a map of numbers or a parameter is out of its range.

    Notes
    -----
    Positions are visited by descending score, those of equal score by ascending row, then column.
    Each becomes a pick unless an earlier pick has suppressed it. Distances are measured between
    grid points, ``(step_x dj)^2 + (step_y di)^2 <= radius^2``, so the two steps of the map may
    differ. The result is that of the plain loop over all positions (``_suppress_one_by_one.py``),
    found in rounds that choose many picks at a time (``_suppress_by_blocks.py``, and
    ``_suppress_by_ranks.py`` for small discs on a GPU) at a cost of about O(n + k A) for n
    positions, k picks and A positions in a disc.

    With ``subpixel``, the least-squares paraboloid through the 3 x 3 scores around a pick gives an
    offset of at most half a step along each axis. Picks stay on their grid point in the outermost
    rows and columns, beside a NaN or an infinite score, and where they are no local maximum (on
    the flank of a suppressed one). The offset is applied after all picks are chosen, and the
    reported score is that of the grid point, so that thresholds and order agree with the map.

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
    values, step_xy = _as_tensor(grid.values), grid.step_xy.tolist()
    by_ranks = suits_ranks(values, radius, step_xy)
    # On a CPU these operations are over before another thread would be awake.
    with threads(1) if values.device.type == "cpu" else contextlib.nullcontext():
        chosen = (suppress_by_ranks if by_ranks else suppress_by_blocks)(
            values,
            float(radius),
            limit=_limit(values, threshold),
            inside=(
                _inside(grid.shape[0], step_xy[1], border),
                _inside(grid.shape[1], step_xy[0], border),
            ),
            step_xy=step_xy,
        )[:max_picks]
        rows, columns = chosen // grid.shape[1], chosen % grid.shape[1]
        xy = torch.stack([columns, rows], dim=1).double()
        if subpixel:
            xy += subpixel_offsets(values, rows, columns)
        picks = torch.cat([xy, values.reshape(-1)[chosen, None].double()], dim=1).cpu().numpy()
    picks[:, :2] = grid.to_micrograph(picks[:, :2])
    return picks


def check_suppression_parameters(
    radius: Any, threshold: Any, max_picks: Any, border: Any, subpixel: Any
) -> None:
    """Refuse parameters of `non_maximum_suppression` that are out of their range, by name."""
    for name, value in (("radius", radius), ("border", border)):
        check_number(value, name, "a finite number of stored pixels, at least 0", at_least=0)
    if not is_number(threshold) or math.isnan(threshold):
        raise ValueError(f"threshold must be a number (-inf keeps every score), got {threshold!r}")
    if max_picks is not None:
        expected = "a whole number >= 1, or None for no limit"
        check_whole_number(max_picks, "max_picks", at_least=1, expected=expected)
    check_flag(subpixel, "subpixel")


def _as_map(scores: ArrayLike) -> np.ndarray:
    values = np.asarray(scores)
    if values.ndim != 2 or values.dtype.kind not in "fiub":
        raise ValueError(
            "scores must be a GridImage or a 2-D array of real numbers, got an array of shape "
            f"{values.shape} and type {values.dtype}"
        )
    return values


def _as_tensor(values: np.ndarray | torch.Tensor) -> torch.Tensor:
    """Return a map as float32 if that is exact, else as float64; a tensor as it is."""
    if isinstance(values, torch.Tensor):
        return values
    values = np.asarray(values)
    exact = np.float32 if np.can_cast(values.dtype, np.float32) else np.float64
    return torch.from_numpy(np.require(values, exact, ["C", "W"]))


def _limit(values: torch.Tensor, threshold: float) -> float:
    """Return the number that values of a map exceed if, and only if, they exceed a threshold."""
    if values.dtype != torch.float32:
        return float(threshold)
    # The comparison is made in float32. A threshold rounded up would exclude the number that it
    # was rounded to, so take the next number below.
    narrow = np.float32(threshold)
    below = np.nextafter(narrow, np.float32(-np.inf))
    return float(below if float(narrow) > threshold else narrow)


def _inside(length: int, step: float, border: float) -> slice:
    """Return the positions along an axis that are no closer to its ends than the border."""
    if border <= 0:
        return slice(None)
    n_outside = math.ceil(border / (step * ROUNDING))
    return slice(n_outside, max(n_outside, length - n_outside))
