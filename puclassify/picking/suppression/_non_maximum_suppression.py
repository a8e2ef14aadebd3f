"""Non-maximum suppression as the last step of a pipeline: from score maps to picks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import TransformerMixin
from sklearn.utils import TransformerTags

from puclassify._containers import container_of, picks_in, set_container
from puclassify.base import PUBaseEstimator
from puclassify.grid import GridImage
from puclassify.metrics import pick_average_precision_score
from puclassify.picking.suppression._suppress import (
    check_suppression_parameters,
    non_maximum_suppression,
)

__all__ = ["NonMaximumSuppression"]

Maps = Sequence[GridImage | np.ndarray] | np.ndarray


class NonMaximumSuppression(TransformerMixin, PUBaseEstimator):
    """Pick the maxima of score maps; each pick suppresses all lower ones within a radius.

    Parameters
    ----------
    radius : float
        Suppression radius in stored pixels, at least 0. A pick suppresses every other position at
        a distance of ``radius`` or less. Half the particle's diameter is a good start.
    threshold : float, default=0.0
        Only scores strictly above it are picked; ``-inf`` keeps every finite score.
    max_picks : int or None, default=None
        Keep at most this many picks of each map, the best; None means no limit.
    border : float, default=0
        Positions closer than this many stored pixels to the outermost row or column of the map
        are not picked.
    subpixel : bool, default=True
        Move each pick to the top of the paraboloid fitted to the 3 x 3 scores around it. The
        suppression uses grid points, and the reported score is that of the grid point.

    See Also
    --------
    puclassify.picking.non_maximum_suppression : The same for a single map, and the algorithm.

    Notes
    -----
    The transformer learns nothing; ``fit`` only checks the parameters. Positions are visited by
    descending score, those of equal score by ascending y, then x.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify.picking import NonMaximumSuppression
    >>> score_map = np.zeros((5, 9))
    >>> score_map[2, [2, 3, 7]] = 5.0, 3.0, 4.0
    >>> nms = NonMaximumSuppression(radius=2.0, subpixel=False)
    >>> picks = nms.fit_transform([score_map])
    >>> picks[0]
    array([[2., 2., 5.],
           [7., 2., 4.]])
    >>> nms.score([score_map], [np.array([[2.0, 2.0], [7.0, 3.0]])])
    1.0
    """

    def __init__(
        self,
        radius: float,
        *,
        threshold: float = 0.0,
        max_picks: int | None = None,
        border: float = 0,
        subpixel: bool = True,
    ):
        self.radius = radius
        self.threshold = threshold
        self.max_picks = max_picks
        self.border = border
        self.subpixel = subpixel

    def fit(self, X: Maps, y: Any = None) -> NonMaximumSuppression:
        """Check the parameters; nothing is learnt.

        Parameters
        ----------
        X : sequence of n score maps
            Ignored.
        y : None
            Ignored.

        Returns
        -------
        NonMaximumSuppression
            The transformer itself.
        """
        self._check_parameters()
        return self

    def predict(self, X: Maps) -> np.ndarray:
        """Pick every map.

        Parameters
        ----------
        X : sequence of n score maps
            `GridImage` or 2-D arrays (maps of step 1 and offset 0), of any sizes.

        Returns
        -------
        ndarray of n objects
            For each map an array of shape (k, 3): x, y and score, by descending score, x and y in
            stored pixels.
        """
        self._check_parameters()
        score_maps = _check_score_maps(X)
        picks = np.empty(len(score_maps), dtype=object)
        for i, score_map in enumerate(score_maps):
            picks[i] = non_maximum_suppression(score_map, **self.get_params(deep=False))
        return picks

    def transform(self, X: Maps) -> np.ndarray:
        """Pick every map; return picks in the container chosen with `set_output`.

        Parameters
        ----------
        X : sequence of n score maps
            `GridImage` or 2-D arrays (maps of step 1 and offset 0), of any sizes.

        Returns
        -------
        ndarray of n objects
            The picks of `predict`: an array for each map or, after
            ``set_output(transform="pandas")``, a DataFrame with the columns x, y and score.
        """
        picks, container = self.predict(X), container_of(self)
        for i, table in enumerate(picks):
            picks[i] = picks_in(container, table)
        return picks

    def set_output(self, *, transform: str | None = None) -> NonMaximumSuppression:
        """Choose what `transform` returns for each map; `predict` always returns arrays.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            "default" for arrays, else DataFrames with the columns x, y and score; None changes
            nothing.

        Returns
        -------
        NonMaximumSuppression
            The transformer itself.
        """
        set_container(self, transform)
        return self

    def score(self, X: Maps, y: Sequence[ArrayLike], radius: float | None = None) -> float:
        """Average precision of the picks above the threshold.

        Parameters
        ----------
        X : sequence of n score maps
            `GridImage` or 2-D arrays (maps of step 1 and offset 0), of any sizes.
        y : sequence of n arrays of shape (k_i, 2)
            x and y of the true centres in stored pixels.
        radius : float or None, default=None
            Matching radius in stored pixels; None means the suppression radius.

        Returns
        -------
        float
            Average precision between 0 and 1.
        """
        matching_radius = self.radius if radius is None else radius
        return pick_average_precision_score(y, self.predict(X), matching_radius)

    def _check_parameters(self) -> None:
        check_suppression_parameters(
            self.radius, self.threshold, self.max_picks, self.border, self.subpixel
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.transformer_tags = TransformerTags(preserves_dtype=[])
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags


def _check_score_maps(X):
    """Refuse a single map and what has no length."""
    is_numeric_array = isinstance(X, np.ndarray) and X.dtype != object
    if isinstance(X, GridImage) or (is_numeric_array and X.ndim == 2):
        raise ValueError(
            f"X must be a sequence of score maps, got one map of shape {X.shape}; pass [score_map]"
        )
    if not hasattr(X, "__len__"):
        raise TypeError(
            f"X must be a sequence of score maps with a length, got {type(X).__name__}; "
            "pass list(X)"
        )
    return X
