"""Axes, colours and legends of displays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.legend import Legend

__all__ = ["COLORS", "axes_below", "axes_or_new", "corners", "curve_label", "legend_above"]

# The Okabe-Ito palette: distinct under colour blindness and on grey micrographs.
COLORS = {
    "matched": "#56B4E9",
    "unmatched": "#D55E00",
    "missed": "#F0E442",
    "picks": "#56B4E9",
    "first": "#0072B2",
    "second": "#D55E00",
    "third": "#009E73",
    "fourth": "#CC79A7",
    "neutral": "#888888",
}


def axes_or_new(ax: Axes | None, **figure_options: Any) -> tuple[Axes, Any]:
    """Return the axes given and its figure, or new ones with ``figure_options``."""
    if ax is not None:
        return ax, ax.figure
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            'plotting needs matplotlib, which is not installed: pip install "puclassify[plot]"'
        ) from error
    figure, ax = plt.subplots(layout="constrained", **figure_options)
    return ax, figure


def axes_below(ax: Axes, share: float) -> Axes:
    """Return axes with the same x axis in the lower ``share`` of given ones, made only once."""
    label = f"_below {id(ax)}"
    for other in ax.figure.axes:
        if other.get_label() == label:
            return other
    ax.tick_params(labelbottom=False)
    ax.set_xlabel("")
    place = ax.get_subplotspec()
    if place is not None:
        grid = place.subgridspec(2, 1, height_ratios=[1 - share, share], hspace=0.05)
        ax.set_subplotspec(grid[0])
        return ax.figure.add_subplot(grid[1], sharex=ax, label=label)
    x, y, width, height = ax.get_position().bounds
    ax.set_position((x, y + share * height, width, (1 - share) * height))
    return ax.figure.add_axes((x, y, width, 0.9 * share * height), sharex=ax, label=label)


def legend_above(ax: Axes) -> Legend:
    """Draw a legend of two columns above an axes."""
    return ax.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False, fontsize="small"
    )


def curve_label(name: str | None, measure: str, value: float | None, n_digits: int) -> str | None:
    """Return ``"name (measure = value)"`` for the legend, where name or value may be missing."""
    if value is None:
        return name
    score = f"{measure} = {value:.{n_digits}f}"
    return score if name is None else f"{name} ({score})"


def corners(x: np.ndarray) -> np.ndarray:
    """Return the rows of a curve without those between the first and the last of equal x."""
    changes = np.diff(x) != 0
    return np.flatnonzero(np.append(True, changes) | np.append(changes, True))
