"""Precision and recall that a fitted picker expects, against the number of picks."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from puclassify._last_step import (
    all_candidates,
    final_picker,
    last_step,
    own_matching_radius,
)
from puclassify.metrics import pick_precision_recall_curve
from puclassify.plotting._axes import COLORS, axes_or_new, legend_above

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection
    from matplotlib.lines import Line2D

__all__ = ["PickQualityDisplay"]

_STYLES = {"precision": COLORS["first"], "recall": COLORS["second"], "f1": COLORS["third"]}
_NAMES = {"precision": "precision", "recall": "recall", "f1": "F1"}
_MOST_POINTS = 1000  # of a line; a figure does not resolve more
_BEYOND = 2.0  # right end of the axis, in numbers of picks or of particles


class PickQualityDisplay:
    """Precision, recall and F1 that a picker expects, against the number of picks.

    Create one with `from_estimator`, which computes the arguments below. They become attributes.

    Parameters
    ----------
    expected : dict
        Result of `ParticlePicker.expected_quality`.
    at_threshold : dict or None, default=None
        ``threshold_report_`` of a picker, what it expects at the threshold in use; adds dots.
    observed : dict of ndarray of shape (m,) or None, default=None
        ``n_picks`` per micrograph, and ``precision``, ``recall`` and ``f1`` of these picks measured
        against known particles.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes of the curves.
    figure_ : matplotlib Figure
        The figure of ``ax_``.
    lines_ : dict of matplotlib Line2D
        The expected curves, by "precision", "recall" and "f1".
    bands_ : dict of matplotlib PolyCollection
        Their 90 % bands.
    observed_lines_ : dict of matplotlib Line2D
        The measured curves, dashed, in the same colours; empty without them.
    points_ : dict of matplotlib Line2D
        The dots at the threshold; empty without ``at_threshold``.
    number_band_ : matplotlib Rectangle
        The 90 % interval of the number of particles.
    number_line_ : matplotlib Line2D
        The number of particles.

    See Also
    --------
    puclassify.ParticlePicker.expected_quality : The numbers.
    PickPrecisionRecallDisplay : Precision against recall, from all true particles.

    Notes
    -----
    Solid lines are estimated from the labels alone and describe the training micrographs. The bands
    are pointwise. They, and the interval of the number of particles, come from classifiers trained
    on half of the labels, the lines from the final one, which may rank better: a line can leave its
    band. The estimates assume that the labelled particles are a random choice of all.

    Examples
    --------
    >>> import matplotlib
    >>> import numpy as np
    >>> matplotlib.use("Agg")
    >>> from puclassify.plotting import PickQualityDisplay
    >>> precision, recall = np.array([1.0, 0.9, 0.5]), np.array([0.5, 0.9, 1.0])
    >>> expected = {"n_picks": np.array([5.0, 10.0, 20.0]), "n_particles": 10.0}
    >>> expected |= {"precision": precision, "recall": recall, "n_particles_interval": (8.0, 13.0)}
    >>> expected["f1"] = 2 * precision * recall / (precision + recall)
    >>> for name in ("precision", "recall", "f1"):
    ...     expected[f"{name}_interval"] = expected[name][:, None] * [0.9, 1.0]
    >>> display = PickQualityDisplay(expected).plot()
    >>> display.lines_["recall"].get_ydata().tolist()
    [0.5, 0.9, 1.0]
    """

    def __init__(
        self,
        expected: dict[str, Any],
        *,
        at_threshold: dict[str, Any] | None = None,
        observed: dict[str, np.ndarray] | None = None,
    ) -> None:
        self.expected = expected
        self.at_threshold = at_threshold
        self.observed = observed

    @classmethod
    def from_estimator(
        cls,
        picker: Any,
        X: Any = None,
        y: Collection[ArrayLike] | None = None,
        *,
        radius: float | None = None,
        ax: Axes | None = None,
        **plot_options: Any,
    ) -> Self:
        """Draw what a picker expects, with the curves measured against known particles, if any.

        Parameters
        ----------
        picker : ParticlePicker, or a Pipeline or search of it
            Fitted, with estimates.
        X : sequence of n micrographs or None, default=None
            Micrographs for the measured curves, best held-out, since the picker has learnt from the
            labels of the training micrographs.
        y : sequence of n arrays of shape (k_i, 2) or None, default=None
            x and y of all their particles, in stored pixels.
        radius : float or None, default=None
            Matching radius in stored pixels; None means the picker's own.
        ax : matplotlib Axes or None, default=None
            Axes to draw into; None means a new figure.
        **plot_options : dict
            More arguments of `plot`.

        Returns
        -------
        PickQualityDisplay
            The display, after drawing.

        Raises
        ------
        TypeError
            If the picker is not one that makes estimates.
        ValueError
            If the fit made no estimates, or only one of ``X`` and ``y`` is given.
        """
        if (X is None) != (y is None):
            given, missing = ("X", "y") if y is None else ("y", "X")
            raise ValueError(
                f"{given} is given but {missing} is not: measuring picks needs the micrographs, X, "
                "and the centres of all their particles, y"
            )
        if X is None:
            picker = last_step(picker)
        else:
            picker, X = final_picker(picker, X)
        if not hasattr(picker, "expected_quality"):
            raise TypeError(
                f"picker must be a ParticlePicker, got {type(picker).__name__}, which does not "
                "estimate the quality of its picks"
            )
        expected, observed = picker.expected_quality(), None
        if X is not None and y is not None:
            radius = own_matching_radius(picker) if radius is None else radius
            observed = _measured(y, all_candidates(picker, X), radius)
        display = cls(expected, at_threshold=picker.threshold_report_, observed=observed)
        return display.plot(ax=ax, **plot_options)

    def plot(
        self, ax: Axes | None = None, *, max_picks: float | None = None, **line_options: Any
    ) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw into; None means a new figure.
        max_picks : float or None, default=None
            Right end of the axis, in picks per micrograph; None means twice the number of particles
            or of picks at the threshold, whichever is larger.
        **line_options : dict
            More arguments of matplotlib's ``plot`` for the expected curves.

        Returns
        -------
        PickQualityDisplay
            The display itself.
        """
        self.ax_, self.figure_ = axes_or_new(ax, figsize=(6.0, 4.0))
        end = self._end() if max_picks is None else max_picks
        self.lines_: dict[str, Line2D] = {}
        self.bands_: dict[str, PolyCollection] = {}
        self.observed_lines_: dict[str, Line2D] = {}
        self.points_: dict[str, Line2D] = {}
        n_picks, rows = _up_to(self.expected["n_picks"], end)
        for name, color in _STYLES.items():
            values, ends = (
                np.asarray(self.expected[key])[rows] for key in (name, f"{name}_interval")
            )
            options = {"color": color, "linewidth": 1.8, "label": _NAMES[name], **line_options}
            (self.lines_[name],) = self.ax_.plot(n_picks, values, **options)
            self.bands_[name] = self.ax_.fill_between(
                n_picks, *ends.T, color=self.lines_[name].get_color(), alpha=0.2, linewidth=0
            )
        if self.observed is not None:
            self._draw_observed(self.observed, end)
        if self.at_threshold is not None:
            self._draw_points(self.at_threshold)
        self._draw_number()
        self.ax_.set(
            xlabel="picks per micrograph",
            ylabel="precision, recall, F1",
            xlim=(0, end),
            ylim=(0, 1.02),
        )
        self.ax_.grid(alpha=0.25)
        legend_above(self.ax_)
        return self

    def _end(self) -> float:
        numbers = [self.expected["n_particles"], self.expected["n_particles_interval"][1] / _BEYOND]
        if self.at_threshold is not None:
            numbers.append(self.at_threshold["n_picks"])
        return _BEYOND * max(numbers)

    def _draw_number(self) -> None:
        number, interval = self.expected["n_particles"], self.expected["n_particles_interval"]
        self.number_band_ = self.ax_.axvspan(*interval, color=COLORS["neutral"], alpha=0.15, lw=0)
        low, high = (f"{end:.3g}" for end in interval)
        self.number_line_ = self.ax_.axvline(
            number,
            color=COLORS["neutral"],
            linewidth=1.2,
            label=f"particles: {number:.3g} ({low} to {high})",
        )

    def _draw_observed(self, observed: dict[str, np.ndarray], end: float) -> None:
        n_picks, rows = _up_to(observed["n_picks"], end)
        for name in _STYLES:
            (self.observed_lines_[name],) = self.ax_.plot(
                n_picks,
                np.asarray(observed[name])[rows],
                color=self.lines_[name].get_color(),
                linestyle="--",
                linewidth=1.2,
            )
        self.ax_.plot([], [], color="black", linestyle="--", linewidth=1.2, label="measured")

    def _draw_points(self, at_threshold: dict[str, Any]) -> None:
        n_picks = at_threshold["n_picks"]
        for name in _STYLES:
            (self.points_[name],) = self.ax_.plot(
                [n_picks],
                [at_threshold[name]],
                "o",
                color=self.lines_[name].get_color(),
                clip_on=False,
                zorder=3,
            )
        threshold = at_threshold["threshold"]
        label = f"threshold {threshold:.2f}: {n_picks:.3g} picks"
        self.ax_.plot([], [], "o", color="black", label=label)


def _measured(
    y_true: Collection[ArrayLike], candidates: Collection[np.ndarray], radius: float
) -> dict[str, np.ndarray]:
    """Return precision, recall and F1 of the highest-scoring candidates, for any number of them."""
    precision, recall, thresholds = pick_precision_recall_curve(y_true, candidates, radius)
    precision, recall = precision[:-1], recall[:-1]
    scores = np.sort(np.concatenate([picks[:, 2] for picks in candidates]))
    n_picks = (len(scores) - np.searchsorted(scores, thresholds)) / len(candidates)
    total = precision + recall
    f1 = np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)
    return {"n_picks": n_picks, "precision": precision, "recall": recall, "f1": f1}


def _up_to(n_picks: ArrayLike, end: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of picks up to ``end``, ascending, and their rows."""
    n_picks = np.asarray(n_picks)
    rows = np.argsort(n_picks, kind="stable")
    beyond = np.searchsorted(n_picks[rows], end, side="right")
    rows = rows[: beyond + 1]  # one beyond, so that lines reach the edge
    if len(rows) > _MOST_POINTS:
        rows = rows[np.linspace(0, len(rows) - 1, _MOST_POINTS).astype(int)]
    return n_picks[rows], rows
