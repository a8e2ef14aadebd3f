"""What a fitted picker expects of its picks, however many it takes."""

from __future__ import annotations

import numpy as np

from puclassify._last_step import (
    all_candidates,
    final_picker,
    last_step,
    own_matching_radius,
)
from puclassify.metrics import pick_precision_recall_curve
from puclassify.plotting._axes import COLORS, axes_or_new, legend_above

__all__ = ["PickQualityDisplay"]

_STYLES = {"precision": COLORS["first"], "recall": COLORS["second"], "f1": COLORS["third"]}
_NAMES = {"precision": "precision", "recall": "recall", "f1": "F1"}
_MOST_POINTS = 1000  # of a line, which a figure cannot resolve anyway
_BEYOND = 2.0  # how far the axis goes, in numbers of picks or of particles


class PickQualityDisplay:
    """Precision, recall and F1 that a picker expects, against the number of picks.

    Make one with `from_estimator`; the arguments below are then worked out and become attributes.

    Parameters
    ----------
    expected : dict
        As `ParticlePicker.expected_quality` gives it.
    at_threshold : dict or None, default=None
        As ``threshold_report_`` of a picker: what is expected at the threshold in use, marked by
        dots.
    observed : dict of ndarray of shape (m,) or None, default=None
        ``n_picks`` of a micrograph, and ``precision``, ``recall`` and ``f1`` of these picks as
        measured against known particles.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where the curves are drawn.
    figure_ : matplotlib Figure
        The figure of ``ax_``.
    lines_ : dict of matplotlib Line2D
        The expected curves under "precision", "recall" and "f1".
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
    Everything solid is estimated from the labels alone and is about the training micrographs. The
    bands are pointwise. They, and the interval of the number of particles, come from classifiers
    trained on half of the labels, and the lines from the final one, which may rank better: a line
    can leave its band. The estimates take labelled particles that are a random choice of all.

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

    def __init__(self, expected, *, at_threshold=None, observed=None):
        self.expected = expected
        self.at_threshold = at_threshold
        self.observed = observed

    @classmethod
    def from_estimator(cls, picker, X=None, y=None, *, radius=None, ax=None, **plot_options):
        """Draw what a picker expects, and beside it what known particles say.

        Parameters
        ----------
        picker : ParticlePicker, or a Pipeline or search of it
            Fitted, with estimates.
        X : sequence of n micrographs or None, default=None
            Micrographs to measure the picks of; they had best not be those of the training, of
            whose labels the picker has learnt. None measures nothing.
        y : sequence of n arrays of shape (k_i, 2) or None, default=None
            x and y of all their particles, in stored pixels.
        radius : float or None, default=None
            Matching radius in stored pixels; None means the picker's own.
        ax : matplotlib Axes or None, default=None
            Where to draw; None means a new figure.
        **plot_options : dict
            Further arguments of `plot`.

        Returns
        -------
        PickQualityDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            If the picker is none that makes estimates.
        ValueError
            If the fit made no estimates, or only one of ``X`` and ``y`` is given.
        """
        if (X is None) != (y is None):
            given, missing = ("X", "y") if y is None else ("y", "X")
            raise ValueError(
                f"{given} is given but {missing} is not: measuring picks takes the micrographs, "
                "X, and the centres of all their particles, y"
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
        if X is not None:
            radius = own_matching_radius(picker) if radius is None else radius
            observed = _measured(y, all_candidates(picker, X), radius)
        display = cls(expected, at_threshold=picker.threshold_report_, observed=observed)
        return display.plot(ax=ax, **plot_options)

    def plot(self, ax=None, *, max_picks=None, **line_options):
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw; None means a new figure.
        max_picks : float or None, default=None
            Picks per micrograph up to which curves are drawn; None means twice the number of
            particles or of picks at the threshold, whichever is larger.
        **line_options : dict
            Further arguments of matplotlib's ``plot`` for the expected curves.

        Returns
        -------
        PickQualityDisplay
            The display itself.
        """
        self.ax_, self.figure_ = axes_or_new(ax, figsize=(6.0, 4.0))
        end = self._end() if max_picks is None else max_picks
        self.lines_, self.bands_, self.observed_lines_, self.points_ = {}, {}, {}, {}
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
            self._draw_observed(end)
        if self.at_threshold is not None:
            self._draw_points()
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

    def _draw_number(self):
        number, interval = self.expected["n_particles"], self.expected["n_particles_interval"]
        self.number_band_ = self.ax_.axvspan(*interval, color=COLORS["neutral"], alpha=0.15, lw=0)
        low, high = (f"{end:.3g}" for end in interval)
        self.number_line_ = self.ax_.axvline(
            number,
            color=COLORS["neutral"],
            linewidth=1.2,
            label=f"particles: {number:.3g} ({low} to {high})",
        )

    def _draw_observed(self, end):
        n_picks, rows = _up_to(self.observed["n_picks"], end)
        for name in _STYLES:
            (self.observed_lines_[name],) = self.ax_.plot(
                n_picks,
                np.asarray(self.observed[name])[rows],
                color=self.lines_[name].get_color(),
                linestyle="--",
                linewidth=1.2,
            )
        self.ax_.plot([], [], color="black", linestyle="--", linewidth=1.2, label="measured")

    def _draw_points(self):
        n_picks = self.at_threshold["n_picks"]
        for name in _STYLES:
            (self.points_[name],) = self.ax_.plot(
                [n_picks],
                [self.at_threshold[name]],
                "o",
                color=self.lines_[name].get_color(),
                clip_on=False,
                zorder=3,
            )
        threshold = self.at_threshold["threshold"]
        label = f"threshold {threshold:.2f}: {n_picks:.3g} picks"
        self.ax_.plot([], [], "o", color="black", label=label)


def _measured(y_true, candidates, radius) -> dict[str, np.ndarray]:
    """Return precision, recall and F1 of the best candidates, for any number of them."""
    precision, recall, thresholds = pick_precision_recall_curve(y_true, candidates, radius)
    precision, recall = precision[:-1], recall[:-1]
    scores = np.sort(np.concatenate([picks[:, 2] for picks in candidates]))
    n_picks = (len(scores) - np.searchsorted(scores, thresholds)) / len(candidates)
    total = precision + recall
    f1 = np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)
    return {"n_picks": n_picks, "precision": precision, "recall": recall, "f1": f1}


def _up_to(n_picks, end):
    """Return the numbers of picks to draw, ascending, and the rows that they stand in."""
    n_picks = np.asarray(n_picks)
    rows = np.argsort(n_picks, kind="stable")
    beyond = np.searchsorted(n_picks[rows], end, side="right")
    rows = rows[: beyond + 1]  # one beyond, so that lines reach the edge
    if len(rows) > _MOST_POINTS:
        rows = rows[np.linspace(0, len(rows) - 1, _MOST_POINTS).astype(int)]
    return n_picks[rows], rows
