"""The calibration error of predicted probabilities, from PU labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from puclassify.metrics._pu_bins import binned_sample

__all__ = ["pu_calibration_error"]


def pu_calibration_error(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    prior: float,
    scenario: str = "case_control",
    n_bins: int = 10,
    strategy: str = "uniform",
    debiased: bool = True,
    propensities: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    return_std: bool = False,
) -> float | tuple[float, float]:
    r"""Estimate the expected calibration error from PU labels.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        1 for labelled positive, 0 for unlabelled, or as in `PUImageClassifier`. At least two
        examples must be labelled positive.
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
        (``"case_control"``) or of everything; by weight, with ``sample_weight``.
    debiased : bool, default=True
        Whether to subtract what noise adds to absolute values. False gives the plain sum, which is
        far above 0 for a calibrated classifier and few labels.
    propensities : array-like of shape (n,) or None, default=None
        As in `pu_accuracy_score`.
    sample_weight : array-like of shape (n,) or None, default=None
        As in `pu_accuracy_score`.
    return_std : bool, default=False
        Whether to return the standard error too.

    Returns
    -------
    score : float
        The estimate, at least the distance of the mean probability from the prior, which is known
        without labels; if ``debiased``, no more than that where the gaps are within the noise.
    std : float
        Its standard error, with the prior taken as known; only with ``return_std``. It is too
        large where the gaps are within noise of 0 or all have one sign. With some 20 labelled
        positives it is too small, and the score is worth little.

    Raises
    ------
    ValueError
        If an argument is invalid, only one example is labelled positive, or the prior is
        impossible.

    See Also
    --------
    pu_calibration_curve : The shares of positives in the bins.
    sklearn.calibration.calibration_curve : The same bins, for fully labelled data.

    Notes
    -----
    The expected calibration error is the gap between the mean predicted probability
    :math:`\bar p_b` and the share of positives in a bin, weighted by the share
    :math:`q_\mathrm{m}(b)` of examples in the bin. Of these examples, by Bayes' rule,
    :math:`\pi\, q_\mathrm{p}(b) / q_\mathrm{m}(b)` are positive, with :math:`q_\mathrm{p}(b)` the
    share of the labelled positives in the bin, so that the quotient cancels:

    .. math:: \mathrm{ECE} = \sum_b q_\mathrm{m}(b)
              \left| \bar p_b - \pi \frac{q_\mathrm{p}(b)}{q_\mathrm{m}(b)} \right|
              = \sum_b |\delta_b|, \qquad
              \delta_b = q_\mathrm{m}(b)\, \bar p_b - \pi\, q_\mathrm{p}(b).

    The absolute value of a noisy :math:`\hat \delta_b` with the standard error :math:`\sigma_b` is
    too large on average, by :math:`0.8\, \sigma_b` where there is no gap: with a prior of 0.4 and
    500 labelled positives a calibrated classifier has a plain error of .04. Therefore the gaps are
    assumed to be spread as :math:`\mathcal{N}(0, \tau^2)` over the bins that are not empty, with
    :math:`\tau^2` the mean of :math:`\hat \delta_b^2 - \sigma_b^2`, or 0 if that is negative, and
    each absolute value is replaced by its mean given :math:`\hat \delta_b`, that of a folded normal
    distribution:

    .. math:: \mu_b\, (2 \Phi(\mu_b / s_b) - 1) + 2\, s_b\, \varphi(\mu_b / s_b), \qquad
              \mu_b = \frac{\tau^2 \hat \delta_b}{\tau^2 + \sigma_b^2}, \quad
              s_b^2 = \frac{\tau^2 \sigma_b^2}{\tau^2 + \sigma_b^2}.

    This removes most of the bias, not all: no unbiased estimate of an absolute value exists.

    Whatever the gaps of the bins, they add up to that of all examples, so that by the triangle
    inequality

    .. math:: \mathrm{ECE} \ge \left| \sum_b \delta_b \right| = \left| \bar p - \pi \right|,

    with :math:`\bar p` the mean probability of the unlabelled sample or of everything. Noise of the
    labelled positives does not enter this bound: it shifts them between the bins. The plain sum
    never falls below it; the debiased one is raised to it.

    References
    ----------
    .. [1] A. Kumar, P. Liang and T. Ma, "Verified Uncertainty Calibration", NeurIPS 2019, on the
       bias of the plain estimate; arXiv:1909.10155.

    Examples
    --------
    >>> from puclassify.metrics import pu_calibration_error
    >>> y_true = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    >>> y_score = [0.9, 0.9, 0.9, 0.3, 0.9, 0.9, 0.9, 0.3, 0.3, 0.3]
    >>> error = pu_calibration_error(y_true, y_score, prior=0.5, n_bins=2, debiased=False)
    >>> round(error, 3)  # |0.9 * 3/6 - 0.5 * 3/4| + |0.3 * 3/6 - 0.5 * 1/4|
    0.1
    """
    sample, p, bins = binned_sample(
        y_true,
        y_score,
        prior=prior,
        scenario=scenario,
        n_bins=n_bins,
        strategy=strategy,
        propensities=propensities,
        sample_weight=sample_weight,
        least=2,
    )
    pi = sample.prior
    gaps, noise = np.zeros(n_bins), np.zeros(n_bins)
    for b in range(n_bins):
        inside = (bins == b).astype(float)
        gaps[b] = sample.mean_of_mixture(p * inside) - pi * sample.mean_of_positives(inside)
        noise[b] = sample.standard_error(-pi * inside, p * inside) if debiased else 0.0
    error = float(np.sum(np.abs(gaps)))
    if debiased:
        certain = abs(sample.mean_of_mixture(p) - pi)
        error = max(certain, float(np.sum(_absolute(gaps, noise))))
    if not return_std:
        return error
    signs = np.sign(gaps)[bins]
    return error, sample.standard_error(-pi * signs, signs * p)


def _absolute(gaps: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Return the mean of absolute gaps given noisy ones, by empirical Bayes."""
    filled = noise > 0
    spread = max(0.0, float(np.mean((gaps**2 - noise**2)[filled]))) if filled.any() else 0.0
    if spread == 0:
        return np.zeros_like(gaps)
    kept = spread / (spread + noise**2)
    mean, std = kept * gaps, np.sqrt(kept) * noise
    z = np.divide(mean, std, out=np.zeros_like(gaps), where=filled)
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    return np.where(filled, mean * (2 * ndtr(z) - 1) + 2 * std * density, np.abs(gaps))
