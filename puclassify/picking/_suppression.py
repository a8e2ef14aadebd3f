"""Exact greedy non-maximum suppression of one score map, as a pure function."""

from __future__ import annotations

from numbers import Integral

import numpy as np

from puclassify._numbers import is_number
from puclassify.grid import GridImage

__all__ = ["non_maximum_suppression"]

# Positions on a grid of fractional step sit exactly on the radius only up to rounding.
_ROUNDING = 1 + 1e-9

_SMALLEST_ROUND = 4096
_SCAN_LENGTH = 256


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
    steps of the map may differ. The result is that of the plain loop over all positions; only the
    best few per cent of what is still left are sorted at a time, which makes the cost about
    O(n + k A) for n positions, k picks and A positions in a disc.

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
    values = np.asarray(grid.values, dtype=np.float64)
    candidates = _candidates(values, threshold, border, grid.step_xy)
    disc = _disc(radius, grid.step_xy, values.shape)
    chosen = _greedy(values, candidates, disc, max_picks)
    rows, columns = np.unravel_index(chosen, values.shape)
    xy = np.column_stack([columns, rows]).astype(np.float64)
    if subpixel:
        xy += _paraboloid_offsets(values, rows, columns)
    return np.column_stack([grid.to_micrograph(xy), values[rows, columns]])


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


def _candidates(values, threshold, border, step_xy) -> np.ndarray:
    """Flat indices, ascending, of the positions that may become picks."""
    eligible = values > threshold
    if border > 0:
        for axis, step in ((1, step_xy[0]), (0, step_xy[1])):
            index = np.arange(values.shape[axis])
            to_edge = step * np.minimum(index, index[::-1])
            eligible &= np.expand_dims(to_edge * _ROUNDING >= border, 1 - axis)
    return np.flatnonzero(eligible)


def _disc(radius, step_xy, shape) -> np.ndarray:
    """Which grid points around one lie within the radius, no larger than the map can use."""
    reach = radius * _ROUNDING
    largest = np.maximum(np.array(shape[::-1]) - 1, 0)
    reach_x, reach_y = np.minimum(np.floor(reach / step_xy), largest).astype(int)
    x = step_xy[0] * np.arange(-reach_x, reach_x + 1)
    y = step_xy[1] * np.arange(-reach_y, reach_y + 1)
    return x**2 + y[:, None] ** 2 <= reach**2


def _greedy(values, candidates, disc, max_picks) -> np.ndarray:
    """Flat indices of the greedy picks among ``candidates`` (ascending), best first."""
    flat = values.ravel()
    limit = candidates.size if max_picks is None else min(max_picks, candidates.size)
    if disc.size == 1:
        return candidates[np.argsort(-flat[candidates], kind="stable")][:limit]
    board = _Board(values.shape, disc)
    round_size = max(_SMALLEST_ROUND, candidates.size // 16)
    picks: list[int] = []
    while candidates.size and len(picks) < limit:
        best, candidates = _split_best(flat, candidates, round_size)
        best = best[np.argsort(-flat[best], kind="stable")]
        for start in range(0, best.size, _SCAN_LENGTH):
            board.take_free(best[start : start + _SCAN_LENGTH], picks)
        candidates = candidates[board.is_free(candidates)]
    return np.array(picks[:limit], dtype=np.intp)


def _split_best(flat, candidates, size) -> tuple[np.ndarray, np.ndarray]:
    """Part off the ``size`` best candidates with all that tie with the last; both keep order."""
    if candidates.size <= size:
        return candidates, candidates[:0]
    scores = flat[candidates]
    in_best = scores >= np.partition(scores, -size)[-size]
    return candidates[in_best], candidates[~in_best]


class _Board:
    """Which positions of a map no pick has suppressed yet."""

    def __init__(self, shape, disc):
        self.width = shape[1]
        self.disc_height, self.disc_width = disc.shape
        self.reach_y, self.reach_x = self.disc_height // 2, self.disc_width // 2
        # A margin of the disc's reach makes every disc fit, so none needs clipping.
        self.free = np.ones((shape[0] + 2 * self.reach_y, self.width + 2 * self.reach_x), bool)
        self.beyond_disc = ~disc

    def is_free(self, positions) -> np.ndarray:
        rows, columns = np.divmod(positions, self.width)
        return self.free[rows + self.reach_y, columns + self.reach_x]

    def take_free(self, positions, picks) -> None:
        """Append to ``picks`` the positions, best first, that are free when their turn comes."""
        free, beyond_disc = self.free, self.beyond_disc
        for position in positions[self.is_free(positions)].tolist():
            row, column = divmod(position, self.width)
            if free[row + self.reach_y, column + self.reach_x]:
                picks.append(position)
                window = free[row : row + self.disc_height, column : column + self.disc_width]
                np.logical_and(window, beyond_disc, out=window)


def _paraboloid_offsets(values, rows, columns) -> np.ndarray:
    """Column and row offset, in grid steps, of the paraboloid's top around each position.

    The least-squares fit of ``a + b x + c y + d x^2 + e x y + f y^2`` to nine scores at
    x, y in {-1, 0, 1} has closed-form coefficients; its top solves a 2 x 2 linear system.
    """
    offsets = np.zeros((rows.size, 2))
    height, width = values.shape
    inner = (rows > 0) & (rows < height - 1) & (columns > 0) & (columns < width - 1)
    inside = np.flatnonzero(inner)
    around = np.arange(-1, 2)
    patches = values[
        rows[inside, None, None] + around[:, None], columns[inside, None, None] + around
    ]
    is_peak = np.isfinite(patches).all(axis=(1, 2))
    is_peak &= patches[:, 1, 1] >= patches.max(axis=(1, 2), initial=-np.inf)
    inside, patches = inside[is_peak], patches[is_peak]
    # Relative to the peak: large constant backgrounds must not eat the digits.
    patches = patches - patches[:, 1:2, 1:2]

    by_column, by_row = patches.sum(axis=1), patches.sum(axis=2)
    b = (by_column[:, 2] - by_column[:, 0]) / 6
    c = (by_row[:, 2] - by_row[:, 0]) / 6
    d = (by_column[:, 0] - 2 * by_column[:, 1] + by_column[:, 2]) / 6
    f = (by_row[:, 0] - 2 * by_row[:, 1] + by_row[:, 2]) / 6
    e = (patches[:, 2, 2] - patches[:, 2, 0] - patches[:, 0, 2] + patches[:, 0, 0]) / 4
    determinant = 4 * d * f - e**2
    has_top = (d < 0) & (determinant > 0)
    scale = np.where(has_top, determinant, 1.0)
    top = np.column_stack([(e * c - 2 * f * b) / scale, (e * b - 2 * d * c) / scale])
    offsets[inside[has_top]] = np.clip(top[has_top], -0.5, 0.5)
    return offsets
