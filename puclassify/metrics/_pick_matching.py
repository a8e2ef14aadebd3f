"""One-to-one matching of picks with true particles."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import cKDTree

from puclassify._coordinate_columns import frame_values, is_frame
from puclassify._parameters import check_number
from puclassify._warnings import warn

__all__ = ["PickMatches", "match_picks"]

# Distances that equal the radius do so only up to rounding.
_ROUNDING = 1 + 1e-9


class PickMatches(NamedTuple):
    """The true particle that each pick of one micrograph was matched with.

    Parameters
    ----------
    truth_index : ndarray of shape (m,)
        For each pick, in the order given, the row of its true particle, or -1.
    distance : ndarray of shape (m,)
        For each pick the distance to its true particle in stored pixels, or ``inf``.

    Examples
    --------
    >>> from puclassify.metrics import match_picks
    >>> match_picks([[[10, 10]]], [[[13, 14, 2.0], [90, 90, 1.0]]], radius=8)[0].distance
    array([ 5., inf])
    """

    truth_index: np.ndarray
    distance: np.ndarray


def match_picks(
    y_true: Collection[ArrayLike], y_pred: Collection[ArrayLike], radius: float
) -> np.ndarray:
    """Match the picks of each micrograph one-to-one with its true particles.

    Parameters
    ----------
    y_true : sequence of n arrays of shape (k_i, 2)
        x and y of the true centres in each micrograph, in stored pixels; k_i = 0 is allowed.
    y_pred : sequence of n arrays of shape (m_i, 3) or (m_i, 2)
        x, y and, where known, score of the picks in the same micrographs, or DataFrames with the
        columns x, y and score.
    radius : float
        Largest distance in stored pixels at which a pick can match; a distance of exactly
        ``radius`` counts.

    Returns
    -------
    ndarray of n objects
        For each micrograph a `PickMatches`, in the order in which the picks were given.

    Raises
    ------
    ValueError
        If the two sequences differ in length, a coordinate or score is not a number, ``y_true`` has
        scores and ``y_pred`` has none, or ``radius`` is negative.

    Warns
    -----
    UserWarning
        If ``y_true`` lists a centre more than once.

    Notes
    -----
    In order of descending score, each pick is matched with the nearest particle within the radius
    that no earlier pick was matched with, so that a second pick of the same particle stays without
    a match. Among picks with equal scores (picks without scores are all equal) the closest pair is
    matched first; remaining ties go to the pick, then to the particle, with the smaller (y, x).
    The result therefore does not depend on the order of the rows.

    Examples
    --------
    >>> from puclassify.metrics import match_picks
    >>> truth = [[10.0, 10.0], [30.0, 10.0]]
    >>> picks = [[11.0, 10.0, 0.5], [12.0, 10.0, 2.0], [30.0, 13.0, 1.0]]
    >>> matches = match_picks([truth], [picks], radius=5.0)
    >>> matches[0].truth_index
    array([-1,  0,  1])
    >>> matches[0].distance
    array([inf,  2.,  3.])
    """
    radius = check_matching_radius(radius)
    truths, picks = check_true_and_picked(y_true, y_pred)
    _warn_if_listed_twice(truths)
    matches = np.empty(len(picks), dtype=object)
    for i, (truth_xy, (xy, score)) in enumerate(zip(truths, picks)):
        matches[i] = _match_micrograph(truth_xy, xy, score, radius)
    return matches


def check_matching_radius(radius: Any) -> float:
    """Return the matching radius in stored pixels as a float."""
    expected = "a finite number of stored pixels, at least 0"
    return check_number(radius, "radius", expected, at_least=0)


def check_true_and_picked(
    y_true: Collection[ArrayLike], y_pred: Collection[ArrayLike]
) -> tuple[list, list]:
    """Return the true positions (k, 2) and the (positions, scores) of picks by micrograph."""
    true_and_scores = _check_sequence(y_true, "y_true")
    truths = [xy for xy, _ in true_and_scores]
    picks = _check_sequence(y_pred, "y_pred")
    if len(truths) != len(picks):
        raise ValueError(
            f"y_true holds {len(truths)} micrographs but y_pred holds {len(picks)}; both need one "
            "array for each micrograph, in the same order"
        )
    if _all_have_scores(true_and_scores) and _none_has_scores(picks):
        raise ValueError(
            "y_true has three columns, the last one scores, and y_pred only x and y; y_true comes "
            "first: are they exchanged? If not, pass x and y of the true centres only, "
            "[xy[:, :2] for xy in y_true]"
        )
    return truths, picks


def _all_have_scores(positions: list) -> bool:
    scores = [score for xy, score in positions if len(xy)]
    return bool(scores) and all(score is not None for score in scores)


def _none_has_scores(positions: list) -> bool:
    scores = [score for xy, score in positions if len(xy)]
    return bool(scores) and all(score is None for score in scores)


def _warn_if_listed_twice(truths: list) -> None:
    """Warn of centres with the same coordinates, of which only one can be matched by a pick."""
    n_again = [len(xy) - len(np.unique(xy, axis=0)) for xy in truths]
    if any(n_again):
        first = int(np.flatnonzero(n_again)[0])
        warn(
            f"y_true lists {sum(n_again)} centres again that it holds already, the first ones in "
            f"micrograph {first}: each counts as a particle, so that the recall is too low; was a "
            "file read twice? Pass np.unique(xy, axis=0) of each"
        )


def _check_sequence(value: Collection[ArrayLike], name: str) -> list:
    if isinstance(value, Mapping):
        raise TypeError(
            f"{name} is a mapping, which has no order of micrographs: pass a list, for instance "
            f"[{name}[key] for key in micrograph_names]"
        )
    if is_frame(value):
        raise TypeError(
            f"{name} is a single data frame; pass a list with a frame for each micrograph, "
            f"such as puclassify.io.match_coordinates({name}, micrographs)"
        )
    if isinstance(value, (str, bytes)) or not np.iterable(value):
        raise TypeError(
            f"{name} must be a sequence with one array of positions for each micrograph, got "
            f"{type(value).__name__}: {value!r:.80}"
        )
    return [_check_positions(item, f"{name}[{i}]") for i, item in enumerate(value)]


def _numbers(value: Any, name: str) -> np.ndarray:
    """Return float64; NumPy would make some of complex numbers, dates and flags, too."""
    try:
        if np.asarray(value).dtype.kind in "bcmM":
            raise TypeError(f"its values are {np.asarray(value).dtype}")
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must be an array of numbers of shape (k, 2), x and y, or (k, 3), with a "
            f"score; got {type(value).__name__}: {error}"
        ) from error


def _check_positions(value: Any, name: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Split the picks of one micrograph into positions (k, 2) and scores (k,) or None."""
    if is_frame(value):
        value = frame_values(value, name)
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise ValueError(
            f"{name} is a masked array with {np.ma.count_masked(value)} masked values; pass "
            f"np.ma.compress_rows({name}), the rows without any"
        )
    table = _numbers(value, name)
    if table.size == 0:
        return np.empty((0, 2)), None
    if table.ndim != 2 or table.shape[1] not in (2, 3):
        raise ValueError(
            f"{name} has shape {table.shape}, expected (k, 2) for x, y or (k, 3) for x, y, score; "
            f"{name.split('[')[0]} is a sequence with one such array for each micrograph"
        )
    broken = ~np.isfinite(table[:, :2]).all(axis=1) | np.isnan(table).any(axis=1)
    if broken.any():
        row = int(np.flatnonzero(broken)[0])
        raise ValueError(
            f"{name} holds a value that is not a number in row {row}: {table[row].tolist()}; "
            "drop such rows first"
        )
    return table[:, :2], table[:, 2] if table.shape[1] == 3 else None


def _match_micrograph(
    truth_xy: np.ndarray, xy: np.ndarray, score: np.ndarray | None, radius: float
) -> PickMatches:
    truth_index = np.full(len(xy), -1, dtype=np.intp)
    distance = np.full(len(xy), np.inf)
    if len(xy) and len(truth_xy):
        pairs = _pairs_by_preference(truth_xy, xy, score, radius)
        matched = _take_first_free(pairs["i"].tolist(), pairs["j"].tolist())
        pairs = pairs[matched]
        truth_index[pairs["i"]] = pairs["j"]
        distance[pairs["i"]] = pairs["v"]
    return PickMatches(truth_index, distance)


def _pairs_by_preference(
    truth_xy: np.ndarray, xy: np.ndarray, score: np.ndarray | None, radius: float
) -> np.ndarray:
    """Return all pairs (pick i, particle j, distance v) within the radius, in order of matching."""
    pairs = cKDTree(xy).sparse_distance_matrix(
        cKDTree(truth_xy), radius * _ROUNDING, output_type="ndarray"
    )
    descending = np.zeros(len(xy)) if score is None else -score
    order = np.lexsort(
        (
            _rank_by_position(truth_xy)[pairs["j"]],
            _rank_by_position(xy)[pairs["i"]],
            pairs["v"],
            descending[pairs["i"]],
        )
    )
    return pairs[order]


def _rank_by_position(xy: np.ndarray) -> np.ndarray:
    """Return the rank of each position (k, 2) by y, then x."""
    rank = np.empty(len(xy), dtype=np.intp)
    rank[np.lexsort((xy[:, 0], xy[:, 1]))] = np.arange(len(xy))
    return rank


def _take_first_free(picks: list[int], particles: list[int]) -> list[int]:
    """Return the positions of the pairs whose members are both free when their turn comes."""
    free_pick = [True] * (max(picks, default=-1) + 1)
    free_particle = [True] * (max(particles, default=-1) + 1)
    taken = []
    for position, (pick, particle) in enumerate(zip(picks, particles)):
        if free_pick[pick] and free_particle[particle]:
            free_pick[pick] = free_particle[particle] = False
            taken.append(position)
    return taken
