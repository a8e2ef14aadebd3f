"""The axes a display draws into, and the colours all displays share."""

from __future__ import annotations

__all__ = ["COLORS", "axes_or_new"]

# From the Okabe-Ito palette, which stays distinct under colour blindness and on grey micrographs.
COLORS = {
    "matched": "#56B4E9",
    "unmatched": "#D55E00",
    "missed": "#F0E442",
    "picks": "#56B4E9",
    "first": "#0072B2",
    "second": "#D55E00",
    "neutral": "#888888",
}


def axes_or_new(ax, **figure_options):
    """Return the axes given and its figure, or new ones."""
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
