"""How the scores of labelled positives and of unlabelled examples are spread."""

from __future__ import annotations

from numbers import Real

import numpy as np
from sklearn.utils import check_consistent_length, column_or_1d

from puclassify.model_selection._final_picker import last_step
from puclassify.plotting._axes import COLORS, axes_or_new

__all__ = ["ScoreHistogramDisplay"]


class ScoreHistogramDisplay:
    """Histograms of the scores of labelled positives and of unlabelled examples.

    Make one with `from_estimator` or `from_predictions`.

    Parameters
    ----------
    scores_positive : ndarray of shape (n_positive,)
        Scores of the labelled positives.
    scores_unlabeled : ndarray of shape (n_unlabelled,)
        Scores of the unlabelled examples.
    prior : float or None, default=None
        Fraction of positives among the unlabelled examples. Where given, the histogram of the
        labelled positives is scaled by it.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where the histograms are drawn.
    figure_ : matplotlib Figure
        The figure of ``ax_``.
    bin_edges_ : ndarray of shape (n_bins + 1,)
        The edges of the bins, the same for both.
    densities_ : dict of ndarray of shape (n_bins,)
        The heights under "unlabelled" and "labelled positive".
    threshold_line_ : matplotlib Line2D or None
        The vertical line at the threshold.

    Notes
    -----
    The unlabelled examples are a mixture, ``p_u = prior * p_p + (1 - prior) * p_n``. With a prior,
    the labelled histogram is drawn as ``prior * p_p`` and should nowhere stand clearly above the
    unlabelled one. Where it does, the prior is too large or the labelled positives are not drawn
    like those among the unlabelled.

    Examples
    --------
    >>> import matplotlib
    >>> import numpy as np
    >>> matplotlib.use("Agg")
    >>> from puclassify.plotting import ScoreHistogramDisplay
    >>> y = np.array([1, 1, 0, 0, 0, 0])
    >>> scores = np.array([2.0, 3.0, -2.0, -1.0, -1.5, 2.5])
    >>> display = ScoreHistogramDisplay.from_predictions(y, scores, bins=5)
    >>> display.densities_["unlabelled"].tolist()
    [0.5, 0.25, 0.0, 0.0, 0.25]
    """

    def __init__(self, scores_positive, scores_unlabeled, *, prior=None):
        self.scores_positive = scores_positive
        self.scores_unlabeled = scores_unlabeled
        self.prior = prior

    @classmethod
    def from_estimator(cls, estimator, X, y, *, prior="auto", ax=None, **plot_options):
        """Score examples and draw the histograms.

        Parameters
        ----------
        estimator : fitted classifier with ``decision_function``
            What scores, such as a `PUImageClassifier` or a `Pipeline` that ends in one.
        X : array-like of shape (n, ...)
            The examples.
        y : array-like of shape (n,)
            1 for labelled positives, 0 or -1 for unlabelled examples.
        prior : float, None or "auto", default="auto"
            Fraction of positives among the unlabelled examples; "auto" takes the estimator's
            ``prior_`` where it has one, None draws both as densities.
        ax : matplotlib Axes or None, default=None
            Where to draw; None means a new figure.
        **plot_options : dict
            Further arguments of `plot`.

        Returns
        -------
        ScoreHistogramDisplay
            The display, drawn.
        """
        if prior == "auto":
            prior = getattr(last_step(estimator), "prior_", None)
        scores = estimator.decision_function(X)
        return cls.from_predictions(y, scores, prior=prior, ax=ax, **plot_options)

    @classmethod
    def from_predictions(cls, y, scores, *, prior=None, ax=None, **plot_options):
        """Draw the histograms of scores that are already there.

        Parameters
        ----------
        y : array-like of shape (n,)
            1 for labelled positives, 0 or -1 for unlabelled examples; of any other two labels the
            larger is the labelled positive.
        scores : array-like of shape (n,)
            The score of each example, such as its logit.
        prior : float or None, default=None
            Fraction of positives among the unlabelled examples; None draws both as densities.
        ax : matplotlib Axes or None, default=None
            Where to draw; None means a new figure.
        **plot_options : dict
            Further arguments of `plot`.

        Returns
        -------
        ScoreHistogramDisplay
            The display, drawn.
        """
        y, scores = column_or_1d(y), column_or_1d(scores)
        check_consistent_length(y, scores)
        labels = np.unique(y)
        if labels.size != 2:
            raise ValueError(
                "y must hold two labels, 0 or -1 for unlabelled and 1 for labelled positive; got "
                f"{labels[:5].tolist()}"
            )
        is_labelled = y == labels[1]
        display = cls(scores[is_labelled], scores[~is_labelled], prior=prior)
        return display.plot(ax=ax, **plot_options)

    def plot(self, ax=None, *, bins=50, threshold=0.0):
        """Draw the histograms.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw; None means a new figure.
        bins : int or array-like of shape (n_bins + 1,), default=50
            Number of bins over the range of all scores, or their edges.
        threshold : float or None, default=0.0
            Where to draw a vertical line; None draws none. A logit of 0 is a probability of 0.5.

        Returns
        -------
        ScoreHistogramDisplay
            The display itself.
        """
        self._check()
        self.ax_, self.figure_ = axes_or_new(ax, figsize=(5.6, 3.8))
        both = np.concatenate([self.scores_positive, self.scores_unlabeled])
        self.bin_edges_ = np.histogram_bin_edges(both, bins)
        positive = np.histogram(self.scores_positive, self.bin_edges_, density=True)[0]
        self.densities_ = {
            "unlabelled": np.histogram(self.scores_unlabeled, self.bin_edges_, density=True)[0],
            "labelled positive": positive * (1.0 if self.prior is None else self.prior),
        }
        colors = {"unlabelled": COLORS["neutral"], "labelled positive": COLORS["first"]}
        counts = (len(self.scores_unlabeled), len(self.scores_positive))
        for (kind, density), count in zip(self.densities_.items(), counts):
            is_scaled = self.prior is not None and kind == "labelled positive"
            scaled = f", times prior {self.prior:.3g}" if is_scaled else ""
            self.ax_.stairs(
                density,
                self.bin_edges_,
                fill=kind == "unlabelled",
                color=colors[kind],
                alpha=0.45 if kind == "unlabelled" else 1.0,
                linewidth=1.8,
                label=f"{kind} (n = {count}{scaled})",
            )
        self.threshold_line_ = None
        if threshold is not None:
            self.threshold_line_ = self.ax_.axvline(
                threshold, color="black", linestyle=":", linewidth=1.0
            )
        self.ax_.set(xlabel="score", ylabel="density", ylim=(0, None))
        self.ax_.legend(
            loc="lower center",
            bbox_to_anchor=(0.5, 1.0),
            ncols=2,
            frameon=False,
            fontsize="small",
        )
        return self

    def _check(self) -> None:
        for name in ("scores_positive", "scores_unlabeled"):
            scores = np.asarray(getattr(self, name))
            if scores.size == 0 or not np.isfinite(scores).all():
                raise ValueError(
                    f"{name} must hold at least one score and only finite ones, got "
                    f"{scores.size} of which {np.isfinite(scores).sum()} are finite"
                )
        if self.prior is not None and not (
            isinstance(self.prior, Real) and 0 < float(self.prior) <= 1
        ):
            raise ValueError(f"prior must be above 0 and at most 1, or None; got {self.prior!r}")
