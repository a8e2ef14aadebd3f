"""Precision, recall and average precision of picks over a set of micrographs."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import UndefinedMetricWarning

from puclassify._parameters import check_number
from puclassify._warnings import warn
from puclassify.metrics._pick_matching import check_true_and_picked, match_picks

__all__ = [
    "pick_average_precision_score",
    "pick_precision_recall_curve",
    "pick_precision_recall_fscore",
]


def pick_precision_recall_curve(
    y_true: Collection[ArrayLike], y_pred: Collection[ArrayLike], radius: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute precision and recall of picks at every threshold, over all micrographs together.

    Parameters
    ----------
    y_true : sequence of n arrays of shape (k_i, 2)
        x and y of the true centres in each micrograph, in stored pixels; k_i = 0 is allowed.
    y_pred : sequence of n arrays of shape (m_i, 3)
        x, y and score of the picks in the same micrographs, or DataFrames with these columns.
    radius : float
        Largest distance in stored pixels at which a pick can match a true centre.

    Returns
    -------
    precision : ndarray of shape (n_thresholds + 1,)
        Matched picks among the picks with a score of at least ``thresholds[i]``; the last
        element is 1.
    recall : ndarray of shape (n_thresholds + 1,)
        True centres matched by picks with a score of at least ``thresholds[i]``, among all true
        centres. It starts below 1 where some have no pick; the last element is 0.
    thresholds : ndarray of shape (n_thresholds,)
        The distinct scores, ascending.

    Raises
    ------
    ValueError
        If picks have no scores, or the inputs are not as described.

    Warns
    -----
    UndefinedMetricWarning
        If no micrograph has a true centre; the recall is then NaN.

    See Also
    --------
    match_picks : How picks and true centres are paired.

    Notes
    -----
    The arrays have the form of `sklearn.metrics.precision_recall_curve`. Picks are matched in
    order of descending score, so that one matching is valid at all thresholds.

    Examples
    --------
    >>> from puclassify.metrics import pick_precision_recall_curve
    >>> truth = [[10.0, 10.0], [30.0, 10.0], [50.0, 10.0], [70.0, 10.0]]
    >>> picks = [[10.0, 10.0, 3.0], [90.0, 10.0, 2.0], [30.0, 10.0, 1.0]]
    >>> precision, recall, thresholds = pick_precision_recall_curve([truth], [picks], radius=5.0)
    >>> precision.round(3)
    array([0.667, 0.5  , 1.   , 1.   ])
    >>> recall
    array([0.5 , 0.25, 0.25, 0.  ])
    >>> thresholds
    array([1., 2., 3.])
    """
    truths, picks = check_true_and_picked(y_true, y_pred)
    scores = np.concatenate([[]] + [_scores(pick, i) for i, pick in enumerate(picks)])
    matches = match_picks(y_true, y_pred, radius)
    matched = np.concatenate([[]] + [match.truth_index >= 0 for match in matches])
    n_true = sum(len(xy) for xy in truths)
    if n_true == 0:
        _warn_no_truth(len(truths), "the recall")

    order = np.argsort(-scores, kind="stable")
    scores = scores[order]
    last_of_score = np.flatnonzero(np.append(np.diff(scores) != 0, True)[: scores.size])
    n_matched = np.cumsum(matched[order])[last_of_score]
    precision = n_matched / (last_of_score + 1)
    recall = n_matched / n_true if n_true else np.full(last_of_score.size, np.nan)
    return (
        np.append(precision[::-1], 1.0),
        np.append(recall[::-1], 0.0 if n_true else np.nan),
        scores[last_of_score][::-1].copy(),
    )


def pick_average_precision_score(
    y_true: Collection[ArrayLike], y_pred: Collection[ArrayLike], radius: float
) -> float:
    r"""Compute the average precision of picks, over all micrographs together.

    Parameters
    ----------
    y_true : sequence of n arrays of shape (k_i, 2)
        x and y of the true centres in each micrograph, in stored pixels; k_i = 0 is allowed.
    y_pred : sequence of n arrays of shape (m_i, 3)
        x, y and score of the picks in the same micrographs, or DataFrames with these columns.
    radius : float
        Largest distance in stored pixels at which a pick can match a true centre.

    Returns
    -------
    float
        Average precision between 0 and 1; NaN if there is no true centre.

    Raises
    ------
    ValueError
        If picks have no scores, or the inputs are not as described.

    Warns
    -----
    UndefinedMetricWarning
        If no micrograph has a true centre.

    Notes
    -----
    With precision P_n and recall R_n at the n-th highest distinct score,

    .. math:: \mathrm{AP} = \sum_n (R_n - R_{n-1}) P_n, \qquad R_0 = 0.

    The recall counts all true centres, so that a particle without a pick lowers the result:
    perfect picks of half the particles give 0.5. Pass picks at a low threshold; a high one cuts
    the curve short.

    Examples
    --------
    >>> from puclassify.metrics import pick_average_precision_score
    >>> truth = [[10.0, 10.0], [30.0, 10.0], [50.0, 10.0], [70.0, 10.0]]
    >>> picks = [[10.0, 10.0, 3.0], [90.0, 10.0, 2.0], [30.0, 10.0, 1.0]]
    >>> ap = pick_average_precision_score([truth], [picks], radius=5.0)
    >>> round(ap, 4)  # 1/4 * 1 + 1/4 * 2/3
    0.4167
    """
    precision, recall, _ = pick_precision_recall_curve(y_true, y_pred, radius)
    return float(np.sum(-np.diff(recall) * precision[:-1])) if recall[-1] == 0 else float("nan")


def pick_precision_recall_fscore(
    y_true: Collection[ArrayLike],
    y_pred: Collection[ArrayLike],
    radius: float,
    *,
    threshold: float | None = None,
    beta: float = 1.0,
) -> tuple[float, float, float]:
    """Compute precision, recall and F-score of picks, over all micrographs together.

    Parameters
    ----------
    y_true : sequence of n arrays of shape (k_i, 2)
        x and y of the true centres in each micrograph, in stored pixels; k_i = 0 is allowed.
    y_pred : sequence of n arrays of shape (m_i, 3) or (m_i, 2)
        x, y and, where known, score of the picks in the same micrographs, or DataFrames with the
        columns x, y and score.
    radius : float
        Largest distance in stored pixels at which a pick can match a true centre.
    threshold : float or None, default=None
        Only picks with a score strictly above it count, as in picking; None counts all.
    beta : float, default=1.0
        Weight of the recall against the precision in the F-score.

    Returns
    -------
    precision : float
        Matched picks among all picks; 0 without picks.
    recall : float
        Matched true centres among all of them; NaN if there are none.
    fscore : float
        ``(1 + beta^2) P R / (beta^2 P + R)``; 0 where nothing matches, NaN with the recall.

    Raises
    ------
    ValueError
        If a threshold is given and picks have no scores, or the inputs are not as described.

    Warns
    -----
    UndefinedMetricWarning
        If no micrograph has a true centre.

    Examples
    --------
    >>> from puclassify.metrics import pick_precision_recall_fscore
    >>> truth = [[10.0, 10.0], [30.0, 10.0], [50.0, 10.0], [70.0, 10.0]]
    >>> picks = [[10.0, 10.0, 3.0], [90.0, 10.0, 2.0], [30.0, 10.0, -1.0]]
    >>> precision, recall, f1 = pick_precision_recall_fscore([truth], [picks], radius=5.0)
    >>> round(precision, 3), recall, round(f1, 3)
    (0.667, 0.5, 0.571)
    >>> pick_precision_recall_fscore([truth], [picks], radius=5.0, threshold=2.0)
    (1.0, 0.25, 0.4)
    """
    beta = check_number(beta, "beta", "a finite number of at least 0", at_least=0)
    truths, picks = check_true_and_picked(y_true, y_pred)
    n_true = sum(len(xy) for xy in truths)
    n_picked = n_matched = 0
    matches = match_picks(y_true, y_pred, radius)
    for i, (pick, match) in enumerate(zip(picks, matches)):
        counts = slice(None) if threshold is None else _scores(pick, i) > threshold
        n_picked += len(match.truth_index[counts])
        n_matched += int((match.truth_index[counts] >= 0).sum())

    precision = n_matched / n_picked if n_picked else 0.0
    if n_true == 0:
        _warn_no_truth(len(truths), "the recall and the F-score")
        return precision, float("nan"), float("nan")
    recall = n_matched / n_true
    weight = beta**2
    if n_matched == 0:
        return precision, recall, 0.0
    fscore = (1 + weight) * precision * recall / (weight * precision + recall)
    return precision, recall, fscore


def _scores(picks: tuple[np.ndarray, np.ndarray | None], i: int) -> np.ndarray:
    """Return the scores of the picks of the i-th micrograph."""
    xy, score = picks
    if score is None and len(xy):
        raise ValueError(
            f"y_pred[{i}] has {len(xy)} picks with x and y only, but thresholds need scores: "
            "picks need a score column, pass arrays of shape (m, 3) holding x, y, score"
        )
    return np.empty(0) if score is None else score


def _warn_no_truth(n_micrographs: int, undefined: str) -> None:
    warn(
        f"y_true holds no true centre in any of the {n_micrographs} micrographs, so {undefined} "
        "cannot be computed and is set to NaN; score micrographs with known particles",
        UndefinedMetricWarning,
    )
