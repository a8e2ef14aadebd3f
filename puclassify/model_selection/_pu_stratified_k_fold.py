"""Folds with equal shares of labelled positives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.model_selection import StratifiedKFold
from sklearn.utils import column_or_1d

from puclassify._labels import is_positive

__all__ = ["PUStratifiedKFold"]


_KINDS = {True: "labelled positives", False: "unlabelled examples", None: "examples"}


class PUStratifiedKFold(StratifiedKFold):
    """K folds with the same share of labelled positives and of unlabelled examples in each.

    Labelled positives are few, and a fold without them is useless for training and scoring.
    Unlike `sklearn.model_selection.StratifiedKFold` this shuffles by default (positives and
    unlabelled examples are usually stored one after the other, and positives micrograph by
    micrograph), and raises an error instead of a warning for a fold without a labelled positive.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    shuffle : bool, default=True
        Whether to assign examples to folds at random rather than in the order given.
    random_state : int, RandomState instance or None, default=None
        Makes the shuffling repeatable.

    See Also
    --------
    sklearn.model_selection.GroupKFold : Keeps all regions of one micrograph together; use it with
        ``RegionTable.groups`` wherever neighbouring regions overlap.

    Notes
    -----
    Folds are the same whichever of the two labels means "labelled positive".

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify.model_selection import PUStratifiedKFold
    >>> y = np.array([1] * 4 + [0] * 12)
    >>> folds = PUStratifiedKFold(n_splits=4, random_state=0)
    >>> [(len(test), int(y[test].sum())) for _, test in folds.split(np.zeros(16), y)]
    [(4, 1), (4, 1), (4, 1), (4, 1)]
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(n_splits=n_splits, shuffle=shuffle, random_state=random_state)

    def split(
        self, X: Any, y: ArrayLike, groups: Any = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the training and the test indices of each fold.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            The examples; only their number is used.
        y : array-like of shape (n,)
            1 for labelled positive, 0 for unlabelled, or any other two labels.
        groups : None
            Ignored; to keep micrographs together use `sklearn.model_selection.GroupKFold`.

        Yields
        ------
        train : ndarray of int
            Indices of the training examples.
        test : ndarray of int
            Indices of the test examples.

        Raises
        ------
        ValueError
            If ``y`` does not hold exactly two labels, or there are fewer labelled positives or
            fewer unlabelled examples than folds.
        """
        self._check_labels(y)
        yield from super().split(X, y, groups)

    def _check_labels(self, y: ArrayLike) -> None:
        labels, counts = np.unique(column_or_1d(y), return_counts=True)
        if labels.size != 2:
            shown = labels[:5].tolist()
            raise ValueError(
                "y must hold two labels, 0 or -1 for unlabelled and 1 for labelled positive; got "
                f"{labels.size} distinct: {shown}{'...' if labels.size > 5 else ''}"
            )
        for label, count in zip(labels.tolist(), counts.tolist()):
            kind = _KINDS[is_positive(label)]
            if count < self.n_splits:
                raise ValueError(
                    f"y holds {count} {kind} (label {label!r}), fewer than n_splits="
                    f"{self.n_splits}: some folds would have none; use n_splits <= {count}"
                    if count > 1
                    else f"y holds only one of the {kind} (label {label!r}), too few for "
                    f"n_splits={self.n_splits} folds; label more"
                )
