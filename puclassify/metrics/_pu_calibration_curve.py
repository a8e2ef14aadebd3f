"""The share of positives in bins of predicted probability, from PU labels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from puclassify.metrics._pu_bins import binned_sample
from puclassify.metrics._pu_shares import positive_shares

__all__ = ["BinnedShares", "binned_shares", "pu_calibration_curve"]


def pu_calibration_curve(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    prior: float,
    scenario: str = "case_control",
    n_bins: int = 10,
    strategy: str = "uniform",
    return_std: bool = False,
) -> tuple[np.ndarray, ...]:
    r"""Estimate the share of positives in bins of predicted probability from PU labels.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        1 for labelled positive, 0 for unlabelled, or as in `PUImageClassifier`.
    y_score : array-like of shape (n,)
        Predicted probabilities of the positive class.
    prior : float
        P(y = 1) among the unlabelled examples (``"case_control"``) or among all examples
        (``"single_training_set"``).
    scenario : {"case_control", "single_training_set"}, default="case_control"
        As in `pu_accuracy_score`.
    n_bins : int, default=10
        Number of bins of predicted probability.
    strategy : {"uniform", "quantile"}, default="uniform"
        Whether the bins have equal widths, or hold equally many examples of the unlabelled sample
        (``"case_control"``) or of everything.
    return_std : bool, default=False
        Whether to return the standard errors too.

    Returns
    -------
    prob_true : ndarray of shape (n_filled,)
        The share of positives in each bin that holds an example of the unlabelled sample or of
        everything; other bins are left out. It is not clipped: above 1, either there are few
        examples or the prior is too large.
    prob_pred : ndarray of shape (n_filled,)
        The mean probability in these bins.
    std : ndarray of shape (n_filled,)
        Standard errors of ``prob_true``, with the prior taken as known; only with ``return_std``.
        In a bin without a labelled positive it is 0, which is too small.

    Raises
    ------
    ValueError
        If an argument is invalid or the prior is impossible.

    See Also
    --------
    pu_calibration_error : The distance of the curve from the diagonal as one number.
    puclassify.plotting.ReliabilityDisplay : Draws the curve with error bars.
    sklearn.calibration.calibration_curve : The same for fully labelled data.

    Notes
    -----
    With the shares :math:`q_\mathrm{p}(b)` of the labelled positives and :math:`q_\mathrm{m}(b)`
    of the unlabelled sample or of everything in a bin, by Bayes' rule the share of positives in it
    is :math:`\pi\, q_\mathrm{p}(b) / q_\mathrm{m}(b)`: the precision of predicting positive for
    what is in the bin. The standard errors are those of the delta method, as in
    `pu_precision_score`.

    Examples
    --------
    >>> from puclassify.metrics import pu_calibration_curve
    >>> y_true = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    >>> y_score = [0.9, 0.9, 0.9, 0.3, 0.9, 0.9, 0.9, 0.3, 0.3, 0.3]
    >>> prob_true, prob_pred = pu_calibration_curve(y_true, y_score, prior=0.5, n_bins=2)
    >>> prob_true.tolist()  # 0.5 * (1/4) / (3/6), 0.5 * (3/4) / (3/6)
    [0.25, 0.75]
    >>> prob_pred.round(3).tolist()
    [0.3, 0.9]
    """
    shares = binned_shares(
        y_true, y_score, prior=prior, scenario=scenario, n_bins=n_bins, strategy=strategy
    )
    curve = shares.prob_true, shares.prob_pred
    return (*curve, shares.std) if return_std else curve


class BinnedShares(NamedTuple):
    """Shares of positives in the bins that hold an example of the mixture, of shape (n_filled,)."""

    prob_true: np.ndarray
    prob_pred: np.ndarray
    std: np.ndarray
    of_one: np.ndarray  # how much one labelled positive adds to prob_true


def binned_shares(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    prior: float,
    scenario: str,
    n_bins: int,
    strategy: str,
    name: str = "y_score",
) -> BinnedShares:
    """Estimate the share of positives in each bin; arguments as in `pu_calibration_curve`."""
    sample, p, bins = binned_sample(
        y_true,
        y_score,
        prior=prior,
        scenario=scenario,
        n_bins=n_bins,
        strategy=strategy,
        least=1,
        name=name,
    )
    n_labelled, n_mixture = (
        np.bincount(bins[members], minlength=n_bins)
        for members in (sample.positive, sample.mixture)
    )
    filled = n_mixture > 0
    n_labelled, n_mixture = n_labelled[filled], n_mixture[filled]
    total = np.bincount(bins[sample.mixture], p[sample.mixture], minlength=n_bins)
    prob_true, std = positive_shares(sample, n_labelled, n_mixture)
    of_one, _ = positive_shares(sample, np.ones_like(n_mixture), n_mixture)
    return BinnedShares(prob_true, total[filled] / n_mixture, std, of_one)
