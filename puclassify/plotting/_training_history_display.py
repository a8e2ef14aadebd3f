"""The loss over the epochs of a training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from puclassify._last_step import last_step
from puclassify._parameters import is_number
from puclassify.plotting._axes import COLORS, axes_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["TrainingHistoryDisplay"]

_COLOR_OF_KEY = {"train_loss": COLORS["first"], "valid_loss": COLORS["second"]}


class TrainingHistoryDisplay:
    """Curves of the losses (or other metrics) of a training over its epochs.

    Create one with `from_estimator` or `from_history`.

    Parameters
    ----------
    epochs : dict of ndarray
        For each curve the epochs at which it has a value.
    values : dict of ndarray
        For each curve its values.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes of the curves.
    figure_ : matplotlib Figure
        The figure of ``ax_``.
    lines_ : dict of matplotlib Line2D
        The curves by name.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from puclassify.plotting import TrainingHistoryDisplay
    >>> history = [{"epoch": 1, "train_loss": 0.7}, {"epoch": 2, "train_loss": 0.4}]
    >>> display = TrainingHistoryDisplay.from_history(history)
    >>> display.lines_["train_loss"].get_ydata().tolist()
    [0.7, 0.4]
    """

    def __init__(self, epochs: dict[str, np.ndarray], values: dict[str, np.ndarray]) -> None:
        self.epochs = epochs
        self.values = values

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        keys: str | Sequence[str] | None = None,
        ax: Axes | None = None,
        **line_options: Any,
    ) -> Self:
        """Draw the training of a fitted estimator.

        Parameters
        ----------
        estimator : fitted PUImageClassifier or ParticlePicker, or a Pipeline or search of them
            Has the ``history_`` that is drawn.
        keys : str, sequence of str or None, default=None
            Entries of the history to draw; None means all that end in "loss".
        ax : matplotlib Axes or None, default=None
            Axes to draw into; None means a new figure.
        **line_options : dict
            More arguments of matplotlib's ``plot``.

        Returns
        -------
        TrainingHistoryDisplay
            The display, after drawing.
        """
        estimator = last_step(estimator)
        if not hasattr(estimator, "history_"):
            raise ValueError(
                f"estimator {type(estimator).__name__} has no history_; fit it first, and pass an "
                "estimator that trains a network"
            )
        return cls.from_history(estimator.history_, keys=keys, ax=ax, **line_options)

    @classmethod
    def from_history(
        cls,
        history: Iterable[dict[str, Any]],
        *,
        keys: str | Sequence[str] | None = None,
        ax: Axes | None = None,
        **line_options: Any,
    ) -> Self:
        """Draw a training history.

        Parameters
        ----------
        history : sequence of dict
            One dict for each epoch, such as ``{"epoch": 1, "train_loss": 0.7}``; epochs without
            an "epoch" are numbered from 1.
        keys : str, sequence of str or None, default=None
            Entries to draw; None means all that end in "loss".
        ax : matplotlib Axes or None, default=None
            Axes to draw into; None means a new figure.
        **line_options : dict
            More arguments of matplotlib's ``plot``.

        Returns
        -------
        TrainingHistoryDisplay
            The display, after drawing.
        """
        history = list(history)
        present = list(dict.fromkeys(key for row in history for key in row if _is_curve(row, key)))
        if keys is None:
            keys = [key for key in present if key.endswith("loss")]
        keys = [keys] if isinstance(keys, str) else keys
        unknown = sorted(set(keys) - set(present))
        if unknown or not keys:
            raise ValueError(
                f"history of {len(history)} epochs has no numbers under "
                f"{', '.join(map(repr, unknown)) or 'a key that ends in loss'}; "
                f"it has {present}"
            )
        epochs, values = {}, {}
        for key in keys:
            points = [
                (row.get("epoch", i), row[key])
                for i, row in enumerate(history, start=1)
                if _is_curve(row, key)
            ]
            epochs[key], values[key] = np.array(points, dtype=np.float64).T
        return cls(epochs, values).plot(ax=ax, **line_options)

    def plot(self, ax: Axes | None = None, **line_options: Any) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw into; None means a new figure.
        **line_options : dict
            More arguments of matplotlib's ``plot``.

        Returns
        -------
        TrainingHistoryDisplay
            The display itself.
        """
        self.ax_, self.figure_ = axes_or_new(ax, figsize=(5.6, 3.8))
        from matplotlib.ticker import MaxNLocator

        self.lines_ = {}
        for key, epochs in self.epochs.items():
            options = {
                "color": _COLOR_OF_KEY.get(key),
                "linewidth": 1.8,
                # On a curve of few points, markers show which were measured.
                "marker": "o" if len(epochs) <= 30 else None,
                "markersize": 3.5,
                "label": key.replace("_", " "),
            }
            (self.lines_[key],) = self.ax_.plot(
                epochs, self.values[key], **{**options, **line_options}
            )
        only_losses = all(key.endswith("loss") for key in self.epochs)
        self.ax_.set(xlabel="epoch", ylabel="loss" if only_losses else "value")
        self.ax_.xaxis.set_major_locator(MaxNLocator(integer=True))
        self.ax_.grid(alpha=0.25)
        self.ax_.legend(frameon=False)
        return self


def _is_curve(row: dict[str, Any], key: str) -> bool:
    value = row.get(key)
    return key != "epoch" and is_number(value)
