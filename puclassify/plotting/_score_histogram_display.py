"""Histograms of the scores of labelled positives and of unlabelled examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from puclassify._last_step import own_prior, own_scenario
from puclassify._parameters import check_number, check_score_vector
from puclassify.metrics import PUSample
from puclassify.model_selection import scores_of
from puclassify.plotting._axes import COLORS, axes_or_new, legend_above
from puclassify.plotting._cv_results import HeldOutPredictions
from puclassify.prior import prior_of_unlabelled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ScoreHistogramDisplay"]

_STYLES: dict[str, dict[str, Any]] = {
    "unlabelled": {"fill": True, "color": COLORS["neutral"], "alpha": 0.45},
    "labelled positive": {"color": COLORS["first"]},
    "implied negative": {"color": COLORS["second"], "linestyle": "--"},
}


class ScoreHistogramDisplay:
    """Histograms of the scores of labelled positives and of unlabelled examples.

    Create one with `from_estimator`, `from_cv_results` or `from_predictions`.

    Parameters
    ----------
    scores_positive : ndarray of shape (n_positive,)
        Scores of the labelled positives.
    scores_unlabeled : ndarray of shape (n_unlabelled,)
        Scores of the unlabelled examples.
    prior : float or None, default=None
        Share of positives among the unlabelled examples. If given, it scales the histogram of the
        labelled positives, and the rest of the unlabelled histogram is drawn too.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes of the histograms.
    figure_ : matplotlib Figure
        The figure of ``ax_``.
    bin_edges_ : ndarray of shape (n_bins + 1,)
        The edges of the bins, the same for both.
    densities_ : dict of ndarray of shape (n_bins,)
        The heights by "unlabelled" and "labelled positive"; with a prior also by "implied
        negative", the difference of the two.
    threshold_line_ : matplotlib Line2D or None
        The vertical line at the threshold.

    See Also
    --------
    PriorDisplay : Estimates of the prior, and the ratio that bounds it.

    Notes
    -----
    The unlabelled examples are a mixture, ``p_u = prior * p_p + (1 - prior) * p_n``. With a prior,
    the labelled histogram is drawn as ``prior * p_p`` and the difference of the two as the implied
    ``(1 - prior) * p_n``, which no histogram of negatives is needed for. Where the labelled one
    stands clearly above the unlabelled one, the implied negatives are below 0: the prior is too
    large or the labelled positives are not drawn like those among the unlabelled, for instance
    because the classifier was trained on them. If they peak again under the labelled positives,
    the prior is too small.

    In the scenario of a single training set the prior of the others, without a label, is less than
    that over everything (`puclassify.prior.unlabelled_prior`).

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
    >>> display = ScoreHistogramDisplay.from_predictions(y, scores, prior=0.25, bins=5)
    >>> display.densities_["implied negative"].tolist()
    [0.5, 0.25, 0.0, 0.0, 0.0]
    """

    def __init__(
        self,
        scores_positive: np.ndarray,
        scores_unlabeled: np.ndarray,
        *,
        prior: float | None = None,
    ) -> None:
        self.scores_positive = scores_positive
        self.scores_unlabeled = scores_unlabeled
        self.prior = prior

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        *,
        prior: float | str | None = "auto",
        scenario: str = "auto",
        ax: Axes | None = None,
        **plot_options: Any,
    ) -> Self:
        """Score examples and draw the histograms.

        Parameters
        ----------
        estimator : fitted classifier
            Scores by ``decision_function`` or else by ``predict_proba``; a `Pipeline` will do.
        X : array-like of shape (n, ...)
            The examples.
        y : array-like of shape (n,)
            1 for labelled positive, 0 for unlabelled, or as in `PUImageClassifier`.
        prior : float, None or "auto", default="auto"
            As in `from_predictions`; "auto" means the estimator's ``prior_``, if it has one.
        scenario : {"case_control", "single_training_set", "auto"}, default="auto"
            As in `from_predictions`; "auto" means the estimator's, or else "case_control".
        ax : matplotlib Axes or None, default=None
            Axes to draw into; None means a new figure.
        **plot_options : dict
            More arguments of `plot`.

        Returns
        -------
        ScoreHistogramDisplay
            The display, after drawing.
        """
        return cls.from_predictions(
            y,
            scores_of(estimator, X),
            prior=own_prior(estimator, prior, own="auto", required=False),
            scenario=own_scenario(estimator, scenario, own="auto"),
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
        ax: Axes | None = None,
        **plot_options: Any,
    ) -> Self:
        """Draw the histograms of the held-out examples of all folds of a cross-validation.

        Parameters
        ----------
        cv_results : dict
            What `sklearn.model_selection.cross_validate` returns with ``return_estimator=True``
            and ``return_indices=True``.
        X : array-like of shape (n, ...)
            The examples that it was given.
        y : array-like of shape (n,)
            Their labels.
        prior : float, None or "auto", default="auto"
            As in `from_predictions`; "auto" means the mean of the classifiers' ``prior_``.
        scenario : {"case_control", "single_training_set", "auto"}, default="auto"
            As in `from_predictions`; "auto" means the classifiers', or else "case_control".
        ax : matplotlib Axes or None, default=None
            Axes to draw into; None means a new figure.
        **plot_options : dict
            More arguments of `plot`.

        Returns
        -------
        ScoreHistogramDisplay
            The display, after drawing.

        Raises
        ------
        ValueError
            If ``cv_results`` holds no classifiers or no indices, or as in `from_predictions`.

        Notes
        -----
        A fold holds few labelled positives, too few for a histogram of its own. The classifiers of
        the folds score alike where they are logits or probabilities of the same settings.
        """
        held_out = HeldOutPredictions.of(
            cv_results, X, scores_of, prior=prior, scenario=scenario, prior_required=False
        )
        return cls.from_predictions(
            held_out.labels(y),
            held_out.predicted,
            prior=held_out.prior,
            scenario=held_out.scenario,
            ax=ax,
            **plot_options,
        )

    @classmethod
    def from_predictions(
        cls,
        y: ArrayLike,
        scores: ArrayLike,
        *,
        prior: float | None = None,
        scenario: str = "case_control",
        ax: Axes | None = None,
        **plot_options: Any,
    ) -> Self:
        """Draw the histograms of given scores.

        Parameters
        ----------
        y : array-like of shape (n,)
            1 for labelled positive, 0 for unlabelled, or as in `PUImageClassifier`.
        scores : array-like of shape (n,)
            The score of each example, such as its logit.
        prior : float or None, default=None
            P(y = 1) among the unlabelled examples (``"case_control"``) or among all examples
            (``"single_training_set"``); None draws both histograms as densities.
        scenario : {"case_control", "single_training_set"}, default="case_control"
            Whether the labelled positives were drawn separately from the unlabelled sample, or
            some positives of one sample were labelled.
        ax : matplotlib Axes or None, default=None
            Axes to draw into; None means a new figure.
        **plot_options : dict
            More arguments of `plot`.

        Returns
        -------
        ScoreHistogramDisplay
            The display, after drawing.

        Raises
        ------
        ValueError
            If an argument is invalid or the prior is impossible.
        """
        scores = check_score_vector(scores, "scores")
        sample = PUSample.check(
            y, len(scores), prior=prior, scenario=scenario, name="scores", needs_prior=False
        )
        labelled = sample.positive
        if prior is not None:
            prior = prior_of_unlabelled(prior, scenario, labelled)
        return cls(scores[labelled], scores[~labelled], prior=prior).plot(ax=ax, **plot_options)

    def plot(
        self, ax: Axes | None = None, *, bins: int | ArrayLike = 50, threshold: float | None = 0.0
    ) -> Self:
        """Draw the histograms.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw into; None means a new figure.
        bins : int or array-like of shape (n_bins + 1,), default=50
            Number of bins over the range of all scores, or their edges.
        threshold : float or None, default=0.0
            Position of a vertical line, or None. A logit of 0 is a probability of 0.5.

        Returns
        -------
        ScoreHistogramDisplay
            The display itself.
        """
        self._check()
        self.ax_, self.figure_ = axes_or_new(ax, figsize=(5.6, 3.8))
        both = np.concatenate([self.scores_positive, self.scores_unlabeled])
        self.bin_edges_ = np.histogram_bin_edges(both, bins)
        unlabelled, positive = (
            np.histogram(scores, self.bin_edges_, density=True)[0]
            for scores in (self.scores_unlabeled, self.scores_positive)
        )
        self.densities_ = {"unlabelled": unlabelled, "labelled positive": positive}
        if self.prior is not None:
            self.densities_["labelled positive"] = positive * self.prior
            self.densities_["implied negative"] = unlabelled - positive * self.prior
        labels = self._labels()
        for kind, density in self.densities_.items():
            self.ax_.stairs(
                density, self.bin_edges_, label=labels[kind], linewidth=1.8, **_STYLES[kind]
            )
        self.threshold_line_ = None
        if threshold is not None:
            self.threshold_line_ = self.ax_.axvline(
                threshold, color="black", linestyle=":", linewidth=1.0
            )
        if lowest := min(0.0, *(density.min() for density in self.densities_.values())):
            self.ax_.axhline(0.0, color="black", linewidth=0.8)
        self.ax_.set(xlabel="score", ylabel="density", ylim=(1.1 * lowest, None))
        legend_above(self.ax_)
        return self

    def _labels(self) -> dict[str, str]:
        """Return the legend entry of each histogram."""
        scaled = "" if self.prior is None else f", times prior {self.prior:.3g}"
        return {
            "unlabelled": f"unlabelled (n = {len(self.scores_unlabeled)})",
            "labelled positive": f"labelled positive (n = {len(self.scores_positive)}{scaled})",
            "implied negative": "implied negative",
        }

    def _check(self) -> None:
        for name in ("scores_positive", "scores_unlabeled"):
            scores = np.asarray(getattr(self, name))
            if scores.size == 0 or not np.isfinite(scores).all():
                raise ValueError(
                    f"{name} must hold at least one score and only finite ones, got "
                    f"{scores.size} of which {np.isfinite(scores).sum()} are finite"
                )
        if self.prior is not None:
            expected = "a number from 0 to 1, or None"
            check_number(self.prior, "prior", expected, at_least=0, at_most=1)
