"""Estimates of the class prior and the ratio that bounds it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone

from puclassify._parameters import check_number, check_probability, check_score_vector
from puclassify.metrics import PUSample, counts_above
from puclassify.plotting._axes import COLORS, axes_or_new, corners, legend_above
from puclassify.plotting._named_estimators import named_estimators
from puclassify.prior import BBEPrior, ratio_margin

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PriorDisplay"]

_COLORS_OF_ESTIMATES = tuple(COLORS[name] for name in ("first", "second", "third", "fourth"))
_STEP = 0.08  # between estimates, in units of recall


class PriorDisplay:
    r"""Estimates of the class prior with their intervals, and the ratio that bounds it.

    Create one with `from_scores` or `from_estimator`, which compute the arguments below from the
    data. They become attributes.

    Parameters
    ----------
    recall : ndarray of shape (n_thresholds,)
        Share of the labelled positives at or above each threshold.
    ratio : ndarray of shape (n_thresholds,)
        Share of the unlabelled sample at or above it, divided by the recall.
    upper_bound : ndarray of shape (n_thresholds,)
        An upper confidence bound of that ratio, simultaneously for all thresholds.
    estimates : dict of tuple of (float, (float, float)) or None, default=None
        Estimates of the prior and their confidence intervals, by name.
    confidence_level : float, default=0.9
        Confidence level of the upper bound, for the legend.
    true_prior : float or None, default=None
        Adds a line at this prior.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure of ``ax_``.
    ratio_line_, bound_line_ : matplotlib Line2D
        The ratio and its upper bound.
    least_bound_ : (float, float)
        Recall and upper bound where the bound is smallest, marked by a dot.
    bars_ : dict of matplotlib ErrorbarContainer
        The estimates by name, to the right of a recall of 1.
    true_line_ : matplotlib Line2D or None
        The line at the true prior.

    See Also
    --------
    puclassify.prior.BBEPrior : Estimates the prior by the ratio where the bound is smallest.
    ScoreHistogramDisplay : The scores as the mixture that a prior implies.

    Notes
    -----
    With the shares :math:`q_\mathrm{p}(c)` of the labelled positives and :math:`q_\mathrm{u}(c)` of
    the unlabelled sample (everything, in the scenario of a single training set) that score at least
    :math:`c`, the ratio is

    .. math:: \frac{q_\mathrm{u}(c)}{q_\mathrm{p}(c)}
              = \pi + (1 - \pi)\, \frac{q_\mathrm{n}(c)}{q_\mathrm{p}(c)} \ge \pi,

    with :math:`q_\mathrm{n}(c)` the share of the negatives. If the curve is level over a long range
    of small recall, only positives score so high, and its height is the prior. If the ratio falls
    all the way to the left, negatives are everywhere, and estimates are upper bounds at best. The
    bound is that of `BBEPrior <puclassify.prior.BBEPrior>` [1]_, which widens where few positives
    are left.

    References
    ----------
    .. [1] S. Garg, Y. Wu, A. Smola, S. Balakrishnan and Z. C. Lipton, "Mixture Proportion
       Estimation and PU Learning: A Modern Approach", NeurIPS 2021; arXiv:2111.00980.

    Examples
    --------
    >>> import matplotlib
    >>> import numpy as np
    >>> matplotlib.use("Agg")
    >>> from puclassify.plotting import PriorDisplay
    >>> rng = np.random.default_rng(0)
    >>> positives, unlabelled = rng.normal(2, 1, 1000), rng.normal(-2, 1, 5000)
    >>> unlabelled[:1500] += 4                                # 30 % of them are positive
    >>> scores = np.concatenate([positives, unlabelled])
    >>> y = np.repeat([1, 0], [1000, 5000])
    >>> display = PriorDisplay.from_scores(scores, y, true_prior=0.3)
    >>> {name: round(prior, 1) for name, (prior, interval) in display.estimates.items()}
    {'DEDPULPrior': 0.3, 'BBEPrior': 0.3}
    """

    def __init__(
        self,
        recall: np.ndarray,
        ratio: np.ndarray,
        upper_bound: np.ndarray,
        *,
        estimates: Mapping[str, tuple[float, tuple[float, float]]] | None = None,
        confidence_level: float = 0.9,
        true_prior: float | None = None,
    ) -> None:
        self.recall = recall
        self.ratio = ratio
        self.upper_bound = upper_bound
        self.estimates = {} if estimates is None else estimates
        self.confidence_level = confidence_level
        self.true_prior = true_prior

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        y: ArrayLike,
        *,
        true_prior: float | None = None,
        ax: Axes | None = None,
        **plot_options: Any,
    ) -> Self:
        """Draw the estimate of a fitted prior estimator.

        Parameters
        ----------
        estimator : fitted DEDPULPrior, BBEPrior or ElkanNotoPrior
            Fitted to examples by ``fit(X, y)``, which keeps their scores. For several estimators,
            or given scores, use `from_scores`.
        y : array-like of shape (n,)
            The labels that it was fitted to.
        true_prior : float or None, default=None
            The prior of the estimator's scenario, if it is known; adds a line.
        ax : matplotlib Axes or None, default=None
            Axes to draw into; None means a new figure.
        **plot_options : dict
            More arguments of `plot`.

        Returns
        -------
        PriorDisplay
            The display, after drawing.

        Raises
        ------
        ValueError
            If the estimator keeps no scores, or ``y`` has another length.
        """
        if not hasattr(estimator, "scores_"):
            raise ValueError(
                f"estimator {type(estimator).__name__} has no scores_: it was not fitted, or by "
                "fit_scores; use PriorDisplay.from_scores(scores, y, estimators=[estimator])"
            )
        return cls.from_scores(
            estimator.scores_,
            y,
            estimators=[estimator],
            scenario=estimator.scenario,
            true_prior=true_prior,
            ax=ax,
            **plot_options,
        )

    @classmethod
    def from_scores(
        cls,
        scores: ArrayLike,
        y: ArrayLike,
        *,
        estimators: Iterable[Any] | Mapping[str, Any] | None = None,
        scenario: str = "case_control",
        true_prior: float | None = None,
        ax: Axes | None = None,
        **plot_options: Any,
    ) -> Self:
        """Draw the ratio and the estimates of given scores.

        Parameters
        ----------
        scores : array-like of shape (n,)
            Held-out scores; higher means more positive.
        y : array-like of shape (n,)
            1 for labelled positive, 0 for unlabelled, or as in `PUImageClassifier`.
        estimators : sequence, or dict by name, of prior estimators; default=None
            Clones of those that are not fitted are fitted to the scores. None means `DEDPULPrior`
            and `BBEPrior`; an empty sequence draws the ratio alone.
        scenario : {"case_control", "single_training_set"}, default="case_control"
            Whether the labelled positives were drawn separately from the unlabelled sample, or
            some positives of one sample were labelled; the same as that of the estimators.
        true_prior : float or None, default=None
            The prior of the scenario, if it is known; adds a line.
        ax : matplotlib Axes or None, default=None
            Axes to draw into; None means a new figure.
        **plot_options : dict
            More arguments of `plot`.

        Returns
        -------
        PriorDisplay
            The display, after drawing.

        Raises
        ------
        ValueError
            If an argument is invalid, or the scores do not determine the prior.

        Warns
        -----
        UserWarning
            If an estimator that is fitted here disagrees with the one that it is compared with.
        """
        if true_prior is not None:
            expected = "a number between 0 and 1, both excluded, or None"
            check_probability(true_prior, "true_prior", expected)
        scores = check_score_vector(scores, "scores")
        sample = PUSample.check(
            y, len(scores), prior=true_prior, scenario=scenario, name="scores", needs_prior=False
        )
        named = named_estimators(estimators, scenario)
        estimates = {}
        for name, estimator in named.items():
            if not hasattr(estimator, "prior_"):
                estimator = clone(estimator).fit_scores(scores, y)
            estimates[name] = (estimator.prior_, estimator.confidence_interval_)
        of_bbe = [estimator for estimator in named.values() if isinstance(estimator, BBEPrior)]
        bound = of_bbe[0] if of_bbe else BBEPrior(scenario=scenario)
        _, n_labelled, n_mixture = counts_above(sample, scores)
        reached = n_labelled > 0
        n_positive, n = np.sum(sample.positive), np.sum(sample.mixture)
        recall = n_labelled[reached] / n_positive
        ratio = n_mixture[reached] / n / recall
        display = cls(
            recall,
            ratio,
            ratio + ratio_margin(n_positive, n, bound.delta, bound.gamma) / recall,
            estimates=estimates,
            confidence_level=1 - bound.delta,
            true_prior=true_prior,
        )
        return display.plot(ax=ax, **plot_options)

    def plot(
        self, ax: Axes | None = None, *, ymax: float | None = None, **line_options: Any
    ) -> Self:
        """Draw the ratio and the estimates.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw into; None means a new figure.
        ymax : float or None, default=None
            Upper end of the axis; None means room for the estimates, their intervals and the least
            upper bound.
        **line_options : dict
            More arguments of matplotlib's ``plot`` for the ratio.

        Returns
        -------
        PriorDisplay
            The display itself.
        """
        if ymax is not None:
            check_number(ymax, "ymax", "a positive number, or None", above=0)
        self.ax_, self.figure_ = axes_or_new(ax, figsize=(5.6, 4.2))
        rows = corners(np.asarray(self.recall))
        recall = np.asarray(self.recall)[rows]
        options = {"color": "black", "linewidth": 1.6, "label": "ratio of the shares above"}
        (self.ratio_line_,) = self.ax_.plot(
            recall, np.asarray(self.ratio)[rows], **{**options, **line_options}
        )
        (self.bound_line_,) = self.ax_.plot(
            recall,
            np.asarray(self.upper_bound)[rows],
            color=COLORS["neutral"],
            linewidth=1.2,
            label=f"its upper bound ({self.confidence_level:.0%})",
        )
        least = int(np.argmin(self.upper_bound))
        self.least_bound_ = float(self.recall[least]), float(self.upper_bound[least])
        self.ax_.plot(*self.least_bound_, "o", color=COLORS["neutral"], markersize=5)
        self.bars_ = self._draw_estimates()
        self.true_line_ = None
        if self.true_prior is not None:
            self.true_line_ = self.ax_.axhline(
                self.true_prior,
                color="black",
                linestyle=":",
                linewidth=1.2,
                label=f"true prior {self.true_prior:.3g}",
            )
        self.ax_.set(
            xlabel="share of labelled positives above the threshold",
            ylabel="prior",
            xlim=(0, 1 + _STEP * (len(self.estimates) + 1) if self.estimates else 1),
            xticks=np.linspace(0, 1, 6),
            ylim=(0, self._top() if ymax is None else ymax),
        )
        self.ax_.grid(alpha=0.25)
        legend_above(self.ax_)
        return self

    def _draw_estimates(self) -> dict:
        """Draw the estimates to the right of a recall of 1."""
        if self.estimates:
            self.ax_.axvspan(1, 1 + _STEP * (len(self.estimates) + 1), color="0.95", zorder=0)
        bars = {}
        for i, (name, (prior, (low, high))) in enumerate(dict(self.estimates).items()):
            has_interval = math.isfinite(low) and math.isfinite(high)
            interval = f" ({low:.3g} to {high:.3g})" if has_interval else ""
            bars[name] = self.ax_.errorbar(
                1 + _STEP * (i + 1),
                prior,
                [[max(prior - low, 0.0)], [max(high - prior, 0.0)]] if has_interval else None,
                fmt="o",
                color=_COLORS_OF_ESTIMATES[i % len(_COLORS_OF_ESTIMATES)],
                capsize=4,
                label=f"{name} {prior:.3g}{interval}",
            )
        return bars

    def _top(self) -> float:
        """Return the upper end of an axis that shows everything except the ends of the curves."""
        ends = [self.least_bound_[1], self.true_prior or 0.0]
        for prior, interval in dict(self.estimates).values():
            ends += [prior, *(end for end in interval if math.isfinite(end))]
        return min(1.02, 1.4 * max(ends))
