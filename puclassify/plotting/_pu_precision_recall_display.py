"""Precision against recall, estimated from PU labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import precision_recall_curve

from puclassify._last_step import last_step, own_prior, own_scenario
from puclassify._parameters import check_score_vector
from puclassify.metrics import PUSample, pu_average_precision_score, pu_precision_recall_curve
from puclassify.model_selection import scores_of
from puclassify.plotting._axes import axes_or_new, corners, curve_label
from puclassify.plotting._confidence import normal_quantile
from puclassify.plotting._cv_results import HeldOutPredictions
from puclassify.plotting._true_classes import check_true_classes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import ErrorbarContainer

__all__ = ["PUPrecisionRecallDisplay"]


class PUPrecisionRecallDisplay:
    """The precision-recall curve of the true classes, estimated from PU labels, with its band.

    Create one with `from_estimator`, `from_cv_results` or `from_predictions`, which compute the
    arguments below from the data. They become attributes.

    Parameters
    ----------
    precision : ndarray of shape (n_thresholds + 1,)
        Precision at each threshold, from `puclassify.metrics.pu_precision_recall_curve`.
    recall : ndarray of shape (n_thresholds + 1,)
        Recall at each threshold.
    thresholds : ndarray of shape (n_thresholds,)
        The thresholds, in increasing order.
    precision_std, recall_std : ndarray of shape (n_thresholds + 1,) or None, default=None
        Their standard errors; that of the precision adds the band.
    average_precision : float or None, default=None
        Shown in the legend.
    name : str or None, default=None
        Name of the curve in the legend.
    true_curve : (ndarray, ndarray) or None, default=None
        Precision and recall of the true classes, from scikit-learn.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes of the curve.
    figure_ : matplotlib Figure
        The figure of ``ax_``.
    line_ : matplotlib Line2D
        The curve.
    band_ : matplotlib PolyCollection or None
        The confidence band of the precision.
    point_ : matplotlib ErrorbarContainer or None
        The dot at the threshold, with error bars of the same confidence.
    true_line_ : matplotlib Line2D or None
        The curve of the true classes.

    See Also
    --------
    PickPrecisionRecallDisplay : The curve of picks, from all true particles.
    puclassify.metrics.pu_precision_recall_curve : The numbers.
    sklearn.metrics.PrecisionRecallDisplay : The same for fully labelled data.

    Notes
    -----
    The band is pointwise: at each threshold the precision is in it with the given confidence, with
    the prior taken as known. An error of the prior moves the whole curve up or down in proportion,
    and a curve that stays above 1 means that the prior is too large. The errors at neighbouring
    thresholds are nearly the same, so that a curve leaves its band over a long range or not at all.

    Examples
    --------
    >>> import matplotlib
    >>> import numpy as np
    >>> matplotlib.use("Agg")
    >>> from puclassify.plotting import PUPrecisionRecallDisplay
    >>> rng = np.random.default_rng(0)
    >>> positives, unlabelled = rng.normal(2, 1, 500), rng.normal(0, 1, 4000)
    >>> unlabelled[:1600] += 2                                # 40 % of them are positive
    >>> scores, labels = np.append(positives, unlabelled), np.repeat([1, 0], [500, 4000])
    >>> display = PUPrecisionRecallDisplay.from_predictions(labels, scores, prior=0.4, name="net")
    >>> display.line_.get_label()
    'net (AP = 0.88)'
    """

    def __init__(
        self,
        precision: np.ndarray,
        recall: np.ndarray,
        thresholds: np.ndarray,
        *,
        precision_std: np.ndarray | None = None,
        recall_std: np.ndarray | None = None,
        average_precision: float | None = None,
        name: str | None = None,
        true_curve: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> None:
        self.precision = precision
        self.recall = recall
        self.thresholds = thresholds
        self.precision_std = precision_std
        self.recall_std = recall_std
        self.average_precision = average_precision
        self.name = name
        self.true_curve = true_curve

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        *,
        prior: float | str | None = "auto",
        scenario: str = "auto",
        true_classes: ArrayLike | None = None,
        name: str | None = None,
        ax: Axes | None = None,
        **plot_options: Any,
    ) -> Self:
        """Score examples and draw the curve.

        Parameters
        ----------
        estimator : fitted classifier
            Scores by ``decision_function`` or else by ``predict_proba``; a `Pipeline` will do.
        X : array-like of shape (n, ...)
            Held-out examples.
        y : array-like of shape (n,)
            1 for labelled positive, 0 for unlabelled, or as in `PUImageClassifier`.
        prior : float or "auto", default="auto"
            As in `from_predictions`; "auto" means the estimator's ``prior_``.
        scenario : {"case_control", "single_training_set", "auto"}, default="auto"
            As in `from_predictions`; "auto" means the estimator's, or else "case_control".
        true_classes : array-like of shape (n,) or None, default=None
            1 for positives and 0 for negatives, if they are known; adds their curve.
        name : str or None, default=None
            Name in the legend; None means the class of the estimator.
        ax : matplotlib Axes or None, default=None
            Axes to draw into; None means a new figure.
        **plot_options : dict
            More arguments of `plot`.

        Returns
        -------
        PUPrecisionRecallDisplay
            The display, after drawing.
        """
        return cls.from_predictions(
            y,
            scores_of(estimator, X),
            prior=own_prior(
                estimator,
                prior,
                own="auto",
                fix="prior=<number>, such as that of puclassify.prior.DEDPULPrior",
            ),
            scenario=own_scenario(estimator, scenario, own="auto"),
            true_classes=true_classes,
            name=type(last_step(estimator)).__name__ if name is None else name,
            ax=ax,
            **plot_options,
        )

    @classmethod
    def from_cv_results(
        cls,
        cv_results: Mapping[str, Any],
        X: Any,
        y: ArrayLike,
        *,
        prior: float | str | None = "auto",
        scenario: str = "auto",
        true_classes: ArrayLike | None = None,
        name: str | None = None,
        ax: Axes | None = None,
        **plot_options: Any,
    ) -> Self:
        """Draw the curve of the held-out examples of all folds of a cross-validation.

        Parameters
        ----------
        cv_results : dict
            What `sklearn.model_selection.cross_validate` returns with ``return_estimator=True``
            and ``return_indices=True``.
        X : array-like of shape (n, ...)
            The examples that it was given.
        y : array-like of shape (n,)
            Their labels.
        prior : float or "auto", default="auto"
            As in `from_predictions`; "auto" means the mean of the classifiers' ``prior_``.
        scenario : {"case_control", "single_training_set", "auto"}, default="auto"
            As in `from_predictions`; "auto" means the classifiers', or else "case_control".
        true_classes : array-like of shape (n,) or None, default=None
            As in `from_predictions`.
        name : str or None, default=None
            Name in the legend; None means the class of the classifiers.
        ax : matplotlib Axes or None, default=None
            Axes to draw into; None means a new figure.
        **plot_options : dict
            More arguments of `plot`.

        Returns
        -------
        PUPrecisionRecallDisplay
            The display, after drawing.

        Raises
        ------
        ValueError
            If ``cv_results`` holds no classifiers or no indices, or as in `from_predictions`.

        Notes
        -----
        A fold holds few labelled positives, too few for a curve of its own. The classifiers of
        the folds score alike where they are logits or probabilities of the same settings.
        """
        held_out = HeldOutPredictions.of(cv_results, X, scores_of, prior=prior, scenario=scenario)
        return cls.from_predictions(
            held_out.labels(y),
            held_out.predicted,
            prior=held_out.prior,  # type: ignore[arg-type]
            scenario=held_out.scenario,
            true_classes=None if true_classes is None else held_out.labels(true_classes),
            name=held_out.name if name is None else name,
            ax=ax,
            **plot_options,
        )

    @classmethod
    def from_predictions(
        cls,
        y: ArrayLike,
        scores: ArrayLike,
        *,
        prior: float,
        scenario: str = "case_control",
        true_classes: ArrayLike | None = None,
        name: str | None = None,
        ax: Axes | None = None,
        **plot_options: Any,
    ) -> Self:
        """Draw the curve of given scores.

        Parameters
        ----------
        y : array-like of shape (n,)
            1 for labelled positive, 0 for unlabelled, or as in `PUImageClassifier`. At least two
            examples must be labelled positive.
        scores : array-like of shape (n,)
            Held-out scores; higher means more positive.
        prior : float
            P(y = 1) among the unlabelled examples (``"case_control"``) or among all examples
            (``"single_training_set"``).
        scenario : {"case_control", "single_training_set"}, default="case_control"
            Whether the labelled positives were drawn separately from the unlabelled sample, or
            some positives of one sample were labelled.
        true_classes : array-like of shape (n,) or None, default=None
            1 for positives and 0 for negatives, if they are known; adds their curve, over the
            unlabelled examples (``"case_control"``) or over all.
        name : str or None, default=None
            Name in the legend.
        ax : matplotlib Axes or None, default=None
            Axes to draw into; None means a new figure.
        **plot_options : dict
            More arguments of `plot`.

        Returns
        -------
        PUPrecisionRecallDisplay
            The display, after drawing.

        Raises
        ------
        ValueError
            If an argument is invalid, only one example is labelled positive, or the prior is
            impossible.
        """
        scores = check_score_vector(scores, "scores")
        settings: dict[str, Any] = {"prior": prior, "scenario": scenario}
        precision, recall, thresholds, precision_std, recall_std = pu_precision_recall_curve(
            y, scores, return_std=True, **settings
        )
        true_curve = None
        if true_classes is not None:
            sample = PUSample.check(y, len(scores), name="scores", **settings)
            truth = check_true_classes(true_classes, sample)
            true_curve = precision_recall_curve(truth, scores[sample.mixture])[:2]
        display = cls(
            precision,
            recall,
            thresholds,
            precision_std=precision_std,
            recall_std=recall_std,
            average_precision=cast("float", pu_average_precision_score(y, scores, **settings)),
            name=name,
            true_curve=true_curve,
        )
        return display.plot(ax=ax, **plot_options)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        name: str | None = None,
        threshold: float | None = None,
        confidence_level: float = 0.95,
        **line_options: Any,
    ) -> Self:
        """Draw the curve; call it with the same axes for several curves side by side.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw into; None means a new figure.
        name : str or None, default=None
            Name in the legend; None means the attribute ``name``.
        threshold : float or None, default=None
            Adds a dot where scores of at least this are predicted positive.
        confidence_level : float, default=0.95
            Confidence level of the band and the error bars, between 0 and 1.
        **line_options : dict
            More arguments of matplotlib's ``plot``.

        Returns
        -------
        PUPrecisionRecallDisplay
            The display itself.

        Raises
        ------
        ValueError
            If no example of the mixture scores as high as the threshold.
        """
        n_errors = normal_quantile(confidence_level)
        at_threshold = None if threshold is None else self._row(threshold)
        self.ax_, self.figure_ = axes_or_new(ax, figsize=(5.6, 4.4))
        top = self.ax_.get_ylim()[1]  # of curves drawn before
        name = self.name if name is None else name
        recall, precision, std = self._corners()
        label = curve_label(name, "AP", self.average_precision, 2)
        options = {"drawstyle": "steps-post", "linewidth": 1.8, "label": label}
        (self.line_,) = self.ax_.plot(recall, precision, **{**options, **line_options})
        color = self.line_.get_color()
        self.band_ = None
        if std is not None:
            low, high = np.maximum(precision - n_errors * std, 0.0), precision + n_errors * std
            self.band_ = self.ax_.fill_between(
                recall, low, high, step="post", color=color, alpha=0.2, linewidth=0
            )
        self.point_ = None
        if at_threshold is not None:
            self.point_ = self._mark(at_threshold, n_errors, color)
        self.true_line_ = None
        if self.true_curve is not None:
            true_precision, true_recall = (np.asarray(values)[:-1] for values in self.true_curve)
            (self.true_line_,) = self.ax_.plot(
                np.append(true_recall, 0.0),
                np.append(true_precision, true_precision[-1]),
                color="black",
                linestyle="--",
                linewidth=1.0,
                drawstyle="steps-post",
                label="true classes" if name is None else f"{name}, true classes",
            )
        # Near recall 0 the precision depends on a handful of examples.
        highest = np.max(precision[recall >= 0.1], initial=1.0)
        top = max(top, 1.05 * min(float(highest), 2.0))
        self.ax_.set(xlabel="recall", ylabel="precision", xlim=(0, 1.0), ylim=(0, top))
        self.ax_.grid(alpha=0.25)
        if self.ax_.get_legend_handles_labels()[1]:
            self.ax_.legend(loc="lower left", frameon=False)
        return self

    def _corners(self) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Return recall, precision and its error where the line turns, extended to recall 0.

        The closing point at recall 0, precision 1, belongs to no threshold and is left out.
        """
        recall, precision = (np.asarray(values)[:-1] for values in (self.recall, self.precision))
        rows = corners(recall)
        rows = np.append(rows, rows[-1])
        std = None if self.precision_std is None else np.asarray(self.precision_std)[rows]
        if std is not None and np.isnan(std).any():
            std = None
        return np.append(recall[rows[:-1]], 0.0), precision[rows], std

    def _row(self, threshold: float) -> int:
        row = int(np.searchsorted(self.thresholds, threshold))
        if row == len(self.thresholds):
            raise ValueError(
                f"threshold={threshold} is above all scores of the examples of the curve, the "
                f"highest of which is {self.thresholds[-1]:.6g}; give a lower one"
            )
        return row

    def _mark(self, row: int, n_errors: float, color: Any) -> ErrorbarContainer:
        bars: dict[str, Any] = {
            name: None if std is None else n_errors * std[row]
            for name, std in (("xerr", self.recall_std), ("yerr", self.precision_std))
        }
        return self.ax_.errorbar(
            self.recall[row],
            self.precision[row],
            **bars,
            fmt="o",
            color=color,
            capsize=3,
            clip_on=False,
            zorder=3,
        )
