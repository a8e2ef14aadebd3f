"""Precision against recall of picks."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from puclassify._last_step import (
    all_candidates,
    final_picker,
    own_matching_radius,
)
from puclassify.metrics import (
    pick_average_precision_score,
    pick_precision_recall_curve,
    pick_precision_recall_fscore,
)
from puclassify.plotting._axes import axes_or_new, curve_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PickPrecisionRecallDisplay"]


class PickPrecisionRecallDisplay:
    """The precision-recall curve of picks over a set of micrographs.

    Create one with `from_estimator` or `from_predictions`, which compute the arguments below from
    the data. They become attributes.

    Parameters
    ----------
    precision : ndarray of shape (n_thresholds + 1,)
        Precision at each threshold, from `puclassify.metrics.pick_precision_recall_curve`.
    recall : ndarray of shape (n_thresholds + 1,)
        Recall at each threshold; it starts below 1 where particles have no pick.
    average_precision : float or None, default=None
        Shown in the legend.
    name : str or None, default=None
        Name of the curve in the legend.
    operating_point : (float, float) or None, default=None
        Precision and recall at the threshold in use; adds a dot.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes of the curve.
    figure_ : matplotlib Figure
        The figure of ``ax_``.
    line_ : matplotlib Line2D
        The curve.
    point_ : matplotlib Line2D or None
        The dot at the operating point.

    See Also
    --------
    puclassify.metrics.match_picks : How picks and true centres are paired.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from puclassify.plotting import PickPrecisionRecallDisplay
    >>> truth = [[10.0, 10.0], [30.0, 10.0]]
    >>> picks = [[10.0, 10.0, 3.0], [90.0, 10.0, 2.0], [30.0, 10.0, 1.0]]
    >>> display = PickPrecisionRecallDisplay.from_predictions([truth], [picks], 5.0, name="net")
    >>> display.line_.get_label()
    'net (AP = 0.83)'
    """

    def __init__(
        self,
        precision: np.ndarray,
        recall: np.ndarray,
        *,
        average_precision: float | None = None,
        name: str | None = None,
        operating_point: tuple[float, float] | None = None,
    ) -> None:
        self.precision = precision
        self.recall = recall
        self.average_precision = average_precision
        self.name = name
        self.operating_point = operating_point

    @classmethod
    def from_estimator(
        cls,
        picker: Any,
        X: Any,
        y: Collection[ArrayLike],
        *,
        radius: float | None = None,
        name: str | None = None,
        ax: Axes | None = None,
        **line_options: Any,
    ) -> Self:
        """Pick micrographs and draw the curve, with a dot at the picker's threshold.

        Parameters
        ----------
        picker : fitted ParticlePicker, NonMaximumSuppression, or a Pipeline or search of them
            The picker.
        X : sequence of n micrographs
            The micrographs (score maps for a `NonMaximumSuppression`).
        y : sequence of n arrays of shape (k_i, 2)
            x and y of the true centres in stored pixels.
        radius : float or None, default=None
            Matching radius in stored pixels; None means the picker's own.
        name : str or None, default=None
            Name in the legend; None means the class of the picker.
        ax : matplotlib Axes or None, default=None
            Axes to draw into; None means a new figure.
        **line_options : dict
            More arguments of matplotlib's ``plot``.

        Returns
        -------
        PickPrecisionRecallDisplay
            The display, after drawing.
        """
        picker, X = final_picker(picker, X)
        radius = own_matching_radius(picker) if radius is None else radius
        return cls.from_predictions(
            y,
            all_candidates(picker, X),
            radius,
            threshold=getattr(picker, "threshold_", None),
            name=type(picker).__name__ if name is None else name,
            ax=ax,
            **line_options,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: Collection[ArrayLike],
        y_pred: Collection[ArrayLike],
        radius: float,
        *,
        threshold: float | None = None,
        name: str | None = None,
        ax: Axes | None = None,
        **line_options: Any,
    ) -> Self:
        """Draw the curve of given picks.

        Parameters
        ----------
        y_true : sequence of n arrays of shape (k_i, 2)
            x and y of the true centres in stored pixels.
        y_pred : sequence of n arrays of shape (m_i, 3)
            x, y and score of the picks, at a low threshold: a high one cuts the curve short.
        radius : float
            Matching radius in stored pixels.
        threshold : float or None, default=None
            Adds a dot at the precision and recall of the picks with a score above it.
        name : str or None, default=None
            Name in the legend.
        ax : matplotlib Axes or None, default=None
            Axes to draw into; None means a new figure.
        **line_options : dict
            More arguments of matplotlib's ``plot``.

        Returns
        -------
        PickPrecisionRecallDisplay
            The display, after drawing.
        """
        precision, recall, _ = pick_precision_recall_curve(y_true, y_pred, radius)
        operating_point = None
        if threshold is not None:
            operating_point = pick_precision_recall_fscore(
                y_true, y_pred, radius, threshold=threshold
            )[:2]
        display = cls(
            precision,
            recall,
            average_precision=pick_average_precision_score(y_true, y_pred, radius),
            name=name,
            operating_point=operating_point,
        )
        return display.plot(ax=ax, **line_options)

    def plot(self, ax: Axes | None = None, *, name: str | None = None, **line_options: Any) -> Self:
        """Draw the curve; call it with the same axes for several curves side by side.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw into; None means a new figure.
        name : str or None, default=None
            Name in the legend; None means the attribute ``name``.
        **line_options : dict
            More arguments of matplotlib's ``plot``.

        Returns
        -------
        PickPrecisionRecallDisplay
            The display itself.
        """
        self.ax_, self.figure_ = axes_or_new(ax, figsize=(5.0, 4.8))
        # Without the closing point at recall 0, precision 1, which no threshold reaches.
        recall, precision = np.asarray(self.recall), np.asarray(self.precision)
        if len(recall) > 1:
            recall = np.append(recall[:-1], 0.0)
            precision = np.append(precision[:-1], precision[-2])
        label = curve_label(self.name if name is None else name, "AP", self.average_precision, 2)
        options = {"drawstyle": "steps-post", "linewidth": 1.8, "label": label, **line_options}
        (self.line_,) = self.ax_.plot(recall, precision, **options)
        self.point_ = None
        if self.operating_point is not None:
            at_precision, at_recall = self.operating_point
            (self.point_,) = self.ax_.plot(
                [at_recall], [at_precision], "o", color=self.line_.get_color(), clip_on=False
            )
        self.ax_.set(xlabel="recall", ylabel="precision", xlim=(0, 1.0), ylim=(0, 1.02))
        self.ax_.set_aspect("equal")
        self.ax_.grid(alpha=0.25)
        if label is not None:
            self.ax_.legend(loc="lower left", frameon=False)
        return self
