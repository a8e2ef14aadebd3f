"""Reliability diagrams, estimated from PU labels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
from numpy.typing import ArrayLike
from sklearn.calibration import calibration_curve

from puclassify._last_step import last_step, own_prior, own_scenario
from puclassify._parameters import check_score_vector
from puclassify.metrics import PUSample, binned_shares, pu_calibration_error
from puclassify.model_selection import probabilities_of
from puclassify.plotting._axes import axes_below, axes_or_new, curve_label, legend_above
from puclassify.plotting._confidence import normal_quantile
from puclassify.plotting._cv_results import HeldOutPredictions
from puclassify.plotting._true_classes import check_true_classes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ReliabilityDisplay"]

_DIAGONAL = "calibrated"
_N_HISTOGRAM_BINS = 20


class ReliabilityDisplay:
    r"""Reliability diagram from PU labels: the share of positives in bins of probability.

    Create one with `from_estimator`, `from_cv_results` or `from_predictions`, which compute the
    arguments below from the data. They become attributes.

    Parameters
    ----------
    prob_true : ndarray of shape (n_bins,)
        Estimated share of positives in each bin, from `puclassify.metrics.pu_calibration_curve`.
    prob_pred : ndarray of shape (n_bins,)
        Mean predicted probability in each bin.
    std : ndarray of shape (n_bins,) or None, default=None
        Standard errors of ``prob_true``; adds error bars.
    of_one : ndarray of shape (n_bins,) or None, default=None
        How much one labelled positive adds to ``prob_true``, for the bars of bins without any.
    probabilities : ndarray of shape (n_mixture,) or None, default=None
        The predicted probabilities of the unlabelled examples (``"case_control"``) or of all; adds
        their histogram below.
    calibration_error : float or None, default=None
        Shown in the legend.
    name : str or None, default=None
        Name of the diagram in the legend.
    true_curve : (ndarray, ndarray) or None, default=None
        Share of true positives and mean probability in bins, from scikit-learn.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes of the diagram.
    histogram_ax_ : matplotlib Axes or None
        The axes of the histogram below.
    figure_ : matplotlib Figure
        The figure of both.
    line_ : matplotlib Line2D
        The line through the estimated shares.
    bars_ : ndarray of shape (2, n_bins) or None
        Lengths of the error bars below and above the shares.
    true_line_ : matplotlib Line2D or None
        The crosses of the true classes.

    See Also
    --------
    puclassify.metrics.pu_calibration_error : The distance from the diagonal as one number.
    puclassify.metrics.pu_calibration_curve : The numbers.
    sklearn.calibration.CalibrationDisplay : The same for fully labelled data.

    Notes
    -----
    Points above the diagonal are probabilities that are too low. An error of the prior moves all
    shares up or down in proportion. The bars follow from the standard errors, which are 0 for a bin
    without a labelled positive. The bar of such a bin extends up to the largest share at which it
    would hold none with a probability of :math:`1 - c`, with :math:`c` the confidence level:
    :math:`-\log(1 - c)` times the share that one labelled positive adds ("rule of three").

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from puclassify.plotting import ReliabilityDisplay
    >>> y = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    >>> p = [0.9, 0.9, 0.9, 0.3, 0.9, 0.9, 0.9, 0.3, 0.3, 0.3]
    >>> display = ReliabilityDisplay.from_predictions(y, p, prior=0.5, n_bins=2)
    >>> display.line_.get_ydata().tolist()  # 0.5 * (1/4) / (3/6), 0.5 * (3/4) / (3/6)
    [0.25, 0.75]
    """

    def __init__(
        self,
        prob_true: np.ndarray,
        prob_pred: np.ndarray,
        *,
        std: np.ndarray | None = None,
        of_one: np.ndarray | None = None,
        probabilities: np.ndarray | None = None,
        calibration_error: float | None = None,
        name: str | None = None,
        true_curve: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> None:
        self.prob_true = prob_true
        self.prob_pred = prob_pred
        self.std = std
        self.of_one = of_one
        self.probabilities = probabilities
        self.calibration_error = calibration_error
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
        n_bins: int = 10,
        strategy: str = "uniform",
        true_classes: ArrayLike | None = None,
        name: str | None = None,
        ax: Axes | None = None,
        **plot_options: Any,
    ) -> Self:
        """Predict probabilities and draw the diagram.

        Parameters
        ----------
        estimator : fitted classifier with ``predict_proba``
            The classifier; a `Pipeline` will do.
        X : array-like of shape (n, ...)
            Held-out examples.
        y : array-like of shape (n,)
            1 for labelled positive, 0 for unlabelled, or as in `PUImageClassifier`.
        prior : float or "auto", default="auto"
            As in `from_predictions`; "auto" means the estimator's ``prior_``.
        scenario : {"case_control", "single_training_set", "auto"}, default="auto"
            As in `from_predictions`; "auto" means the estimator's, or else "case_control".
        n_bins : int, default=10
            Number of bins of predicted probability.
        strategy : {"uniform", "quantile"}, default="uniform"
            Whether the bins have equal widths or hold equally many examples.
        true_classes : array-like of shape (n,) or None, default=None
            1 for positives and 0 for negatives, if they are known; adds their shares.
        name : str or None, default=None
            Name in the legend; None means the class of the estimator.
        ax : matplotlib Axes or None, default=None
            Axes to draw into; None means a new figure.
        **plot_options : dict
            More arguments of `plot`.

        Returns
        -------
        ReliabilityDisplay
            The display, after drawing.
        """
        return cls.from_predictions(
            y,
            probabilities_of(estimator, X),
            prior=own_prior(
                estimator,
                prior,
                own="auto",
                fix="prior=<number>, such as that of puclassify.prior.DEDPULPrior",
            ),
            scenario=own_scenario(estimator, scenario, own="auto"),
            n_bins=n_bins,
            strategy=strategy,
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
        n_bins: int = 10,
        strategy: str = "uniform",
        true_classes: ArrayLike | None = None,
        name: str | None = None,
        ax: Axes | None = None,
        **plot_options: Any,
    ) -> Self:
        """Draw the diagram of the held-out examples of all folds of a cross-validation.

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
        n_bins : int, default=10
            Number of bins of predicted probability.
        strategy : {"uniform", "quantile"}, default="uniform"
            Whether the bins have equal widths or hold equally many examples.
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
        ReliabilityDisplay
            The display, after drawing.

        Raises
        ------
        ValueError
            If ``cv_results`` holds no classifiers or no indices, or as in `from_predictions`.

        Notes
        -----
        A fold holds few labelled positives, too few for a diagram of its own; it is the average
        over the classifiers of the folds.
        """
        held_out = HeldOutPredictions.of(
            cv_results, X, probabilities_of, prior=prior, scenario=scenario
        )
        return cls.from_predictions(
            held_out.labels(y),
            held_out.predicted,
            prior=held_out.prior,  # type: ignore[arg-type]
            scenario=held_out.scenario,
            n_bins=n_bins,
            strategy=strategy,
            true_classes=None if true_classes is None else held_out.labels(true_classes),
            name=held_out.name if name is None else name,
            ax=ax,
            **plot_options,
        )

    @classmethod
    def from_predictions(
        cls,
        y: ArrayLike,
        y_prob: ArrayLike,
        *,
        prior: float,
        scenario: str = "case_control",
        n_bins: int = 10,
        strategy: str = "uniform",
        true_classes: ArrayLike | None = None,
        name: str | None = None,
        ax: Axes | None = None,
        **plot_options: Any,
    ) -> Self:
        """Draw the diagram of given probabilities.

        Parameters
        ----------
        y : array-like of shape (n,)
            1 for labelled positive, 0 for unlabelled, or as in `PUImageClassifier`. At least two
            examples must be labelled positive.
        y_prob : array-like of shape (n,)
            Predicted probabilities of the positive class.
        prior : float
            P(y = 1) among the unlabelled examples (``"case_control"``) or among all examples
            (``"single_training_set"``).
        scenario : {"case_control", "single_training_set"}, default="case_control"
            Whether the labelled positives were drawn separately from the unlabelled sample, or
            some positives of one sample were labelled.
        n_bins : int, default=10
            Number of bins of predicted probability.
        strategy : {"uniform", "quantile"}, default="uniform"
            Whether the bins have equal widths or hold equally many examples.
        true_classes : array-like of shape (n,) or None, default=None
            1 for positives and 0 for negatives, if they are known; adds their shares, over the
            unlabelled examples (``"case_control"``) or over all.
        name : str or None, default=None
            Name in the legend.
        ax : matplotlib Axes or None, default=None
            Axes to draw into; None means a new figure.
        **plot_options : dict
            More arguments of `plot`.

        Returns
        -------
        ReliabilityDisplay
            The display, after drawing.

        Raises
        ------
        ValueError
            If an argument is invalid, only one example is labelled positive, or the prior is
            impossible.
        """
        probabilities = check_score_vector(y_prob, "y_prob")
        settings: dict[str, Any] = {"prior": prior, "scenario": scenario}
        bins: dict[str, Any] = {"n_bins": n_bins, "strategy": strategy}
        shares = binned_shares(y, probabilities, name="y_prob", **settings, **bins)
        error = cast("float", pu_calibration_error(y, probabilities, **settings, **bins))
        sample = PUSample.check(y, len(probabilities), name="y_prob", **settings)
        probabilities = probabilities[sample.mixture]
        true_curve = None
        if true_classes is not None:
            truth = check_true_classes(true_classes, sample)
            true_curve = calibration_curve(truth, probabilities, **bins)
        display = cls(
            shares.prob_true,
            shares.prob_pred,
            std=shares.std,
            of_one=shares.of_one,
            probabilities=probabilities,
            calibration_error=error,
            name=name,
            true_curve=true_curve,
        )
        return display.plot(ax=ax, **plot_options)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        name: str | None = None,
        confidence_level: float = 0.95,
        **line_options: Any,
    ) -> Self:
        """Draw the diagram; call it with the same axes for several classifiers side by side.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw into; None means a new figure. The histogram gets the lower part.
        name : str or None, default=None
            Name in the legend; None means the attribute ``name``.
        confidence_level : float, default=0.95
            Confidence level of the bars, between 0 and 1.
        **line_options : dict
            More arguments of matplotlib's ``errorbar``.

        Returns
        -------
        ReliabilityDisplay
            The display itself.
        """
        self.bars_ = self._bars(confidence_level)
        self.ax_, self.figure_ = axes_or_new(ax, figsize=(5.6, 4.8))
        top = self.ax_.get_ylim()[1]  # of diagrams drawn before
        if _DIAGONAL not in self.ax_.get_legend_handles_labels()[1]:
            self.ax_.plot([0, 1], [0, 1], ":", color="black", linewidth=1.0, label=_DIAGONAL)
        name = self.name if name is None else name
        label = curve_label(name, "calibration error", self.calibration_error, 3)
        options = {"fmt": "o-", "linewidth": 1.4, "markersize": 4.5, "capsize": 3, "label": label}
        drawn = self.ax_.errorbar(
            self.prob_pred, self.prob_true, self.bars_, **{**options, **line_options}
        )
        self.line_ = drawn.lines[0]
        self.true_line_ = None
        if self.true_curve is not None:
            shares, means = self.true_curve
            (self.true_line_,) = self.ax_.plot(
                means, shares, "x", color="black", markersize=6, label="true classes", zorder=3
            )
        above = np.max(self.prob_true, initial=1.0)
        top = max(top, 1.05 * min(float(above), 2.0))
        self.ax_.set(ylabel="share of positives", xlim=(0, 1), ylim=(-0.03, top))
        self.ax_.grid(alpha=0.25)
        legend_above(self.ax_)
        self.histogram_ax_ = None
        if self.probabilities is None:
            self.ax_.set_xlabel("predicted probability")
        else:
            self.histogram_ax_ = self._draw_histogram(self.probabilities)
        return self

    def _draw_histogram(self, probabilities: np.ndarray) -> Axes:
        below = axes_below(self.ax_, 0.22)
        edges = np.linspace(0, 1, _N_HISTOGRAM_BINS + 1)
        counts = np.histogram(probabilities, edges)[0]
        shares = counts / len(probabilities)
        below.stairs(shares, edges, color=self.line_.get_color(), linewidth=1.4)
        below.set(xlabel="predicted probability", ylabel="share")
        return below

    def _bars(self, confidence_level: float) -> np.ndarray | None:
        n_errors = normal_quantile(confidence_level)
        if self.std is None:
            return None
        bars = np.tile(n_errors * np.asarray(self.std), (2, 1))
        if self.of_one is not None:
            limit = -math.log1p(-confidence_level) * np.asarray(self.of_one)
            bars[1] = np.where(np.asarray(self.prob_true) == 0, limit, bars[1])
        return bars
