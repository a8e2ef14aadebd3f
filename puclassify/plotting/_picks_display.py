"""A micrograph with its picks circled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from puclassify._last_step import last_step, own_matching_radius
from puclassify.grid import GridImage
from puclassify.metrics import check_matching_radius, check_true_and_picked, match_picks
from puclassify.plotting._axes import COLORS, axes_or_new
from puclassify.plotting._scale_bar import draw_scale_bar

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import EllipseCollection

__all__ = ["PicksDisplay"]


class PicksDisplay:
    """Picks on their micrograph, coloured by whether they match the truth.

    Create one with `from_estimator` or `from_predictions`, which compute the arguments below from
    the data. They become attributes.

    Parameters
    ----------
    micrograph : GridImage or ndarray of shape (height, width)
        The micrograph; an array is in stored pixels.
    picks : ndarray of shape (m, 2) or (m, 3)
        x, y and, where known, score of each pick in stored pixels.
    radius : float
        Radius of the circles in stored pixels.
    y_true : ndarray of shape (k, 2) or None, default=None
        x and y of the true centres in stored pixels, if they are to be shown.
    truth_index : ndarray of shape (m,) or None, default=None
        For each pick the row of its true centre or -1; needed with ``y_true``.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes of the micrograph, in stored pixels.
    figure_ : matplotlib Figure
        The figure of ``ax_``.
    image_ : matplotlib AxesImage
        The micrograph.
    circles_ : dict of matplotlib EllipseCollection
        The circles by "picks" or, with ``y_true``, by "matched", "unmatched" and "missed".

    See Also
    --------
    puclassify.metrics.match_picks : How picks and true centres are paired.

    Examples
    --------
    >>> import numpy as np
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from puclassify.plotting import PicksDisplay
    >>> micrograph = np.random.default_rng(0).normal(size=(64, 64))
    >>> picks = np.array([[20.0, 20.0, 3.0], [50.0, 40.0, 1.0]])
    >>> display = PicksDisplay.from_predictions(micrograph, picks, [[21.0, 20.0]], radius=8.0)
    >>> {kind: len(circles.get_offsets()) for kind, circles in display.circles_.items()}
    {'matched': 1, 'unmatched': 1, 'missed': 0}
    """

    def __init__(
        self,
        micrograph: GridImage | np.ndarray,
        picks: np.ndarray,
        *,
        radius: float,
        y_true: np.ndarray | None = None,
        truth_index: np.ndarray | None = None,
    ) -> None:
        self.micrograph = micrograph
        self.picks = picks
        self.radius = radius
        self.y_true = y_true
        self.truth_index = truth_index

    @classmethod
    def from_estimator(
        cls,
        picker: Any,
        micrograph: Any,
        y_true: ArrayLike | None = None,
        *,
        radius: float | None = None,
        ax: Axes | None = None,
        **plot_options: Any,
    ) -> Self:
        """Pick a micrograph and draw it.

        Parameters
        ----------
        picker : fitted ParticlePicker, NonMaximumSuppression, or a Pipeline or search of them
            The picker.
        micrograph : GridImage, ndarray of shape (height, width), or path
            One micrograph.
        y_true : array-like of shape (k, 2) or None, default=None
            x and y of the true centres in stored pixels.
        radius : float or None, default=None
            Radius of the circles and of the matching in stored pixels; None means the picker's
            own matching radius.
        ax : matplotlib Axes or None, default=None
            Axes to draw into; None means a new figure.
        **plot_options : dict
            More arguments of `plot`.

        Returns
        -------
        PicksDisplay
            The display, after drawing.
        """
        picks = picker.predict([micrograph])[0]
        if radius is None:
            radius = own_matching_radius(last_step(picker))
        return cls.from_predictions(micrograph, picks, y_true, radius=radius, ax=ax, **plot_options)

    @classmethod
    def from_predictions(
        cls,
        micrograph: Any,
        picks: ArrayLike,
        y_true: ArrayLike | None = None,
        *,
        radius: float,
        ax: Axes | None = None,
        **plot_options: Any,
    ) -> Self:
        """Draw given picks on their micrograph.

        Parameters
        ----------
        micrograph : GridImage, ndarray of shape (height, width), or path
            One micrograph.
        picks : array-like of shape (m, 2) or (m, 3), or DataFrame
            x, y and, where known, score of each pick in stored pixels.
        y_true : array-like of shape (k, 2) or None, default=None
            x and y of the true centres in stored pixels.
        radius : float
            Radius of the circles and of the matching in stored pixels.
        ax : matplotlib Axes or None, default=None
            Axes to draw into; None means a new figure.
        **plot_options : dict
            More arguments of `plot`.

        Returns
        -------
        PicksDisplay
            The display, after drawing.
        """
        if isinstance(micrograph, str | Path):
            from puclassify.io import read_micrograph

            micrograph = read_micrograph(micrograph)
        radius = check_matching_radius(radius)
        (truth_xy,), ((xy, score),) = check_true_and_picked(
            [[] if y_true is None else y_true], [picks]
        )
        table = xy if score is None else np.column_stack([xy, score])
        truth_index = None
        if y_true is not None:
            truth_index = match_picks([truth_xy], [table], radius)[0].truth_index
        display = cls(
            micrograph,
            table,
            radius=radius,
            y_true=None if y_true is None else truth_xy,
            truth_index=truth_index,
        )
        return display.plot(ax=ax, **plot_options)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        contrast: tuple[float, float] = (0.5, 99.5),
        legend: bool = True,
        color_by_score: bool = False,
        scale_bar: bool = False,
        image_options: dict[str, Any] | None = None,
        circle_options: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the micrograph and its circles.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw into; None means a new figure.
        contrast : (float, float), default=(0.5, 99.5)
            Percentiles of the pixels that become black and white. Extreme pixels, such as hot ones
            or those of a dark contaminant, would leave few greys for the rest.
        legend : bool, default=True
            Whether to show the number of circles of each kind above the micrograph.
        color_by_score : bool, default=False
            Whether picks have the colour of their score, with a bar of the colours beside the
            micrograph. Without scores, and with ``y_true``, the colours say the kind.
        scale_bar : bool, default=False
            Whether to draw a bar of a round length in nanometres, if the micrograph's
            ``pixel_size`` is known.
        image_options : dict or None, default=None
            More arguments of matplotlib's ``imshow``.
        circle_options : dict or None, default=None
            More arguments of matplotlib's ``EllipseCollection``.

        Returns
        -------
        PicksDisplay
            The display itself.
        """
        self.ax_, self.figure_ = axes_or_new(ax, figsize=(6.4, 6.8))
        grid = self.micrograph
        grid = grid if isinstance(grid, GridImage) else GridImage(np.asarray(grid))
        black, white = _percentiles(grid.values, contrast)
        options = {"cmap": "gray", "vmin": black, "vmax": white, "interpolation": "antialiased"}
        self.image_ = self.ax_.imshow(
            grid.values, **{"extent": grid.extent, **options, **(image_options or {})}
        )
        self.ax_.set(xlabel="x (pixels)", ylabel="y (pixels)")
        left, right, bottom, top = grid.extent
        self.ax_.set(xlim=(left, right), ylim=(bottom, top))
        self.circles_ = {
            kind: self._draw_circles(kind, xy, circle_options or {})
            for kind, xy in self._positions_by_kind().items()
        }
        if color_by_score and self.y_true is None and np.shape(self.picks)[1] > 2:
            self._color_by_score(self.circles_["picks"])
        if scale_bar and grid.pixel_size is not None:
            draw_scale_bar(self.ax_, grid.pixel_size)
        if grid.name is not None:
            self.ax_.set_title(grid.name, fontsize="medium", pad=24 if legend else None)
        if legend:
            self._draw_legend()
        return self

    def _positions_by_kind(self) -> dict[str, np.ndarray]:
        xy = np.asarray(self.picks)[:, :2]
        if self.y_true is None:
            return {"picks": xy}
        is_matched = np.asarray(self.truth_index) >= 0
        is_missed = np.ones(len(self.y_true), dtype=bool)
        is_missed[np.asarray(self.truth_index)[is_matched]] = False
        return {
            "matched": xy[is_matched],
            "unmatched": xy[~is_matched],
            "missed": np.asarray(self.y_true)[is_missed],
        }

    def _draw_circles(
        self, kind: str, xy: np.ndarray, options: dict[str, Any]
    ) -> EllipseCollection:
        from matplotlib.collections import EllipseCollection

        diameters = np.full(len(xy), 2.0 * self.radius)
        defaults = {
            "facecolors": "none",
            "edgecolors": COLORS[kind],
            "linewidths": self._line_width(),
            "linestyles": _line_style(kind),
            "label": kind,
        }
        circles = EllipseCollection(
            diameters,
            diameters,
            np.zeros(len(xy)),
            units="xy",
            offsets=xy,
            offset_transform=self.ax_.transData,
            **{**defaults, **options},
        )
        self.ax_.add_collection(circles)
        return circles

    def _color_by_score(self, circles: EllipseCollection) -> None:
        """Colour circles by their scores; the same colour means the same from one to 99 percent."""
        scores = np.asarray(self.picks)[:, 2]
        # Else the scores would colour nothing.
        circles.set_edgecolor(None)  # type: ignore[arg-type]
        circles.set_array(scores)
        circles.set_cmap("viridis")
        finite = scores[np.isfinite(scores)]
        if len(finite):
            circles.set_clim(*np.percentile(finite, [1, 99]))
        self.figure_.colorbar(circles, ax=self.ax_, shrink=0.8, label="score (logit)")

    def _line_width(self) -> float:
        """Return the line width in points, thinner for smaller circles."""
        box = self.ax_.get_window_extent()
        left, right = self.ax_.get_xlim()
        radius_in_points = self.radius * box.width / abs(right - left) * 72 / self.figure_.dpi
        return float(np.clip(radius_in_points / 5, 0.6, 1.6))

    def _draw_legend(self) -> None:
        from matplotlib.lines import Line2D

        handles = [
            Line2D(
                [],
                [],
                color=COLORS[kind],
                linestyle=_line_style(kind),
                label=f"{len(np.asarray(circles.get_offsets()))} {kind}",
            )
            for kind, circles in self.circles_.items()
        ]
        self.ax_.legend(
            handles=handles,
            loc="lower center",
            bbox_to_anchor=(0.5, 1.0),
            ncols=len(handles),
            frameon=False,
            fontsize="small",
        )


def _line_style(kind: str) -> Literal["--", "-"]:
    """Return dashes for circles that are not picks, so that kinds differ without colours too."""
    return "--" if kind == "missed" else "-"


def _percentiles(values: np.ndarray, contrast: tuple[float, float]) -> tuple[float, float]:
    low, high = contrast
    if not 0 <= low < high <= 100:
        raise ValueError(
            f"contrast must be two ascending percentiles between 0 and 100, got {contrast!r}"
        )
    finite = np.asarray(values, dtype=np.float64)
    finite = finite[np.isfinite(finite)]
    if finite.size == 0:
        return 0.0, 1.0
    black, white = np.percentile(finite, [low, high])
    return (float(black), float(white)) if white > black else (float(black), float(black) + 1.0)
