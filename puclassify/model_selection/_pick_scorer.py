"""Scorers of pickers for search and cross-validation over micrographs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from puclassify._last_step import (
    all_candidates,
    final_picker,
    is_particle_picker,
    own_matching_radius,
)
from puclassify._parameters import check_number, check_option, is_number
from puclassify.metrics import pick_average_precision_score, pick_precision_recall_fscore

__all__ = ["make_pick_scorer"]

_METRICS = ("average_precision", "f1", "precision", "recall")


def make_pick_scorer(
    metric: str = "average_precision",
    *,
    radius: float | None = None,
    threshold: float | None = None,
) -> Callable[[Any, Any, Any], float]:
    """Make a scorer of picks for ``scoring=`` in searches and cross-validation.

    Parameters
    ----------
    metric : {"average_precision", "f1", "precision", "recall"}, default="average_precision"
        The metric, over all micrographs of the test fold together.
    radius : float or None, default=None
        Matching radius in stored pixels; None means the estimator's own: ``matching_radius_`` of
        a fitted `ParticlePicker`, ``radius`` of a `NonMaximumSuppression`. Pass a number if a
        search varies these, so that all candidates are scored alike.
    threshold : float or None, default=None
        Only picks with a score above it count. None means the estimator's own threshold, except
        for the average precision of a `ParticlePicker`, which is over all candidates. A lower one
        than the estimator's works for a picker, but not for a `NonMaximumSuppression`.

    Returns
    -------
    callable
        ``scorer(estimator, X, y)`` gives a float, the larger the better. X is a sequence of
        micrographs, y the sequence of their true centres, arrays of shape (k_i, 2). The estimator
        may be a picker, a `Pipeline` that ends in one, or a fitted search over either. It can be
        pickled.

    Raises
    ------
    ValueError
        If an argument is invalid.

    See Also
    --------
    puclassify.metrics.match_picks : How picks and true centres are paired.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify.model_selection import make_pick_scorer
    >>> from puclassify.picking import NonMaximumSuppression
    >>> score_map = np.zeros((5, 9))
    >>> score_map[2, [2, 7]] = 5.0, 4.0
    >>> nms = NonMaximumSuppression(radius=2.0, subpixel=False)
    >>> scorer = make_pick_scorer("recall", radius=1.0)
    >>> scorer(nms, [score_map], [np.array([[2.0, 2.0], [5.0, 2.0]])])
    0.5
    """
    check_option(metric, "metric", _METRICS)
    if radius is not None:
        expected = "a finite number of stored pixels, at least 0, or None"
        check_number(radius, "radius", expected, at_least=0)
    if threshold is not None and not (is_number(threshold) and not np.isnan(threshold)):
        raise ValueError(f"threshold must be a number or None, got {threshold!r}")
    return _PickScorer(metric, radius, threshold)


class _PickScorer:
    """Callable of (estimator, X, y); a class rather than a closure so that it can be pickled."""

    def __init__(self, metric: str, radius: float | None, threshold: float | None) -> None:
        self.metric = metric
        self.radius = radius
        self.threshold = threshold

    def __call__(self, estimator: Any, X: Any, y: Any) -> float:
        picker, X = final_picker(estimator, X)
        picks = self._picks(picker, X)
        radius = own_matching_radius(picker) if self.radius is None else self.radius
        if self._ranks:
            return pick_average_precision_score(y, picks, radius)
        precision, recall, f1 = pick_precision_recall_fscore(y, picks, radius)
        return {"precision": precision, "recall": recall, "f1": f1}[self.metric]

    def _picks(self, picker: Any, X: Any) -> Any:
        if self.threshold is None:
            return all_candidates(picker, X) if self._ranks else picker.predict(X)
        if is_particle_picker(picker):
            return picker.predict(X, threshold=self.threshold)
        tables = map(np.asarray, picker.predict(X))
        return [table[table[:, 2] > self.threshold] for table in tables]

    @property
    def _ranks(self) -> bool:
        return self.metric == "average_precision"

    def __repr__(self) -> str:
        return (
            f"make_pick_scorer({self.metric!r}, radius={self.radius!r}, "
            f"threshold={self.threshold!r})"
        )
