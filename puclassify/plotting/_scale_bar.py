"""A scale bar in a micrograph."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_scale_bar", "round_length"]

_SHARE = 0.25  # of the width, at most
_MARGIN, _THICKNESS = 0.04, 0.012  # shares of the axes


def round_length(longest: float) -> float:
    """Return the largest 1, 2 or 5 times a power of ten that is not longer."""
    power = 10.0 ** math.floor(math.log10(longest))
    return max(n * power for n in (1, 2, 5) if n * power <= longest * (1 + 1e-9))


def draw_scale_bar(ax: Axes, pixel_size: float) -> float:
    """Draw a bar of a round length at the lower left of axes in pixels of ``pixel_size`` Å.

    The length in Å is returned.
    """
    from matplotlib.patches import Rectangle

    left, right = ax.get_xlim()
    width = abs(right - left)
    length = round_length(_SHARE * width * pixel_size)
    share = length / pixel_size / width
    bar = Rectangle((_MARGIN, _MARGIN), share, _THICKNESS, transform=ax.transAxes)
    bar.set(facecolor="white", edgecolor="black", linewidth=0.5, label="scale bar")
    ax.add_patch(bar)
    text = f"{length / 10:g} nm" if length < 10_000 else f"{length / 10_000:g} µm"
    ax.text(
        _MARGIN + share / 2,
        _MARGIN + 1.5 * _THICKNESS,
        text,
        transform=ax.transAxes,
        ha="center",
        va="bottom",
        color="white",
        bbox={"facecolor": "black", "alpha": 0.5, "edgecolor": "none", "pad": 1.5},
    )
    return length
