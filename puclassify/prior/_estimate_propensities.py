"""Propensities from the attributes that a labeller goes by."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import expit, log_expit, logit
from sklearn.exceptions import ConvergenceWarning

from puclassify._labels import check_pu_labels
from puclassify._parameters import check_scenario, check_score_vector
from puclassify._warnings import warn

__all__ = ["estimate_propensities"]

_COEFFICIENT_SD = 10.0  # of the normal prior on coefficients, for attributes with a spread of 1
_SURE = 1e-9  # distance from 1 that keeps the log-likelihood finite
_SAME_SHARE = 0.1  # relative difference between two shares that are taken for the same


def estimate_propensities(
    attributes: ArrayLike,
    y: ArrayLike,
    proba: ArrayLike,
    *,
    scenario: str = "case_control",
) -> np.ndarray:
    r"""Estimate the probabilities with which positives were labelled, from what they depend on.

    Parameters
    ----------
    attributes : array-like of shape (n,) or (n, n_attributes)
        What the labeller went by, known for every example: size, contrast, brightness, the number
        of neighbours. Not all there is: see the Notes.
    y : array-like of shape (n,)
        1 for labelled positive, 0 for unlabelled, or as in `PUImageClassifier`.
    proba : array-like of shape (n,)
        P(y = 1) of each example by a classifier, such as ``predict_proba(X)[:, 1]``. Those of
        labelled positives are not used.
    scenario : {"case_control", "single_training_set"}, default="case_control"
        Whether the labelled positives were drawn separately from the unlabelled sample, or some
        positives of one sample were labelled.

    Returns
    -------
    ndarray of shape (n,)
        The propensities, above 0 and up to 1. In the case-control scenario, where they are only
        defined up to a common factor, the largest of the labelled positives is 1 and those of
        unlabelled examples are cut off there.

    Raises
    ------
    ValueError
        If an argument is invalid, or ``proba`` is lower for the labelled positives.

    Warns
    -----
    ConvergenceWarning
        If the likelihood has not reached its maximum.
    UserWarning
        If ``proba`` looks like the probability of having a label.

    See Also
    --------
    puclassify.PUImageClassifier.fit : Trains with propensities.
    puclassify.datasets.label_positives : Simulates labels with known propensities.

    Notes
    -----
    In a single training set, with :math:`p_i` the given probability, the propensity is
    :math:`e(a) = 1 / (1 + e^{-(w a + b)})` of the attributes :math:`a`, with the largest
    log-likelihood of the labels,

    .. math:: \sum_{i \in P} \log e(a_i) + \sum_{i \in U} \log(1 - p_i\, e(a_i)).

    This is what the EM algorithm of Bekker, Robberechts and Davis [1]_ (SAR-EM) converges to for a
    classifier that is held fixed. In the case-control scenario
    :math:`e(a) \propto e^{w a}`, by logistic regression of labelled positives against unlabelled
    examples that count :math:`p_i` each. A weak normal prior keeps :math:`w` finite.

    Alternate with the training, two or three times: a classifier that was trained without
    propensities calls positives that are hardly ever labelled negative, and so hides the bias that
    is to be found. Two things can not be told from PU labels alone:

    * The attributes must not determine the class. Where positives differ from negatives in nothing
      but the attributes, "positive and rarely labelled" and "negative" are the same labels.
    * The level in a single training set depends on the classifier: probabilities that are too
      small, by a prior that is too small, make the propensities too large. For weights only their
      ratios matter.

    References
    ----------
    .. [1] J. Bekker, P. Robberechts and J. Davis, "Beyond the Selected Completely at Random
       Assumption for Learning from Positive and Unlabeled Data", ECML PKDD 2019;
       arXiv:1809.03207.

    Examples
    --------
    Bright positives are labelled more often; brightness says nothing about the class:

    >>> import numpy as np
    >>> from puclassify.prior import estimate_propensities
    >>> rng = np.random.default_rng(0)
    >>> truth, brightness = rng.random(20000) < 0.4, rng.normal(size=20000)
    >>> e = 1 / (1 + np.exp(2 - brightness))
    >>> y = (truth & (rng.random(20000) < e)).astype(int)
    >>> found = estimate_propensities(brightness, y, truth, scenario="single_training_set")
    >>> bool(np.abs(found - e).max() < 0.05)
    True

    In alternation with a classifier::

        e = None
        for _ in range(3):
            classifier.fit(X, y, propensities=e)
            e = estimate_propensities(brightness, y, classifier.predict_proba(X)[:, 1])
    """
    check_scenario(scenario)
    p = check_score_vector(proba, "proba")
    if len(p) and not (p.min() >= 0 and p.max() <= 1):
        raise ValueError(
            f"proba must be probabilities, but it ranges from {p.min():.6g} to {p.max():.6g}; "
            "pass predict_proba(X)[:, 1]"
        )
    _, positive = check_pu_labels(y, len(p), None, name="proba")
    _check_class(p, positive, scenario == "single_training_set")
    design = np.column_stack([np.ones(len(p)), _standardised(attributes, len(p))])
    labelled, unlabelled, p = design[positive], design[~positive], p[~positive]
    one_set = scenario == "single_training_set"
    if not p.any():
        raise ValueError(
            "proba is 0 for all unlabelled examples, so that there is nobody to compare the "
            "labelled positives with; train the classifier with a larger prior"
        )

    def loss(coefficients: np.ndarray) -> tuple[float, np.ndarray]:
        of_labelled, of_unlabelled = labelled @ coefficients, unlabelled @ coefficients
        value = -np.sum(log_expit(of_labelled))
        gradient = -expit(-of_labelled) @ labelled
        if one_set:
            e = expit(of_unlabelled)
            missed = np.maximum(1 - p * e, _SURE)
            value -= np.sum(np.log(missed))
            gradient += (p * e * (1 - e) / missed) @ unlabelled
        else:
            value -= p @ log_expit(-of_unlabelled)
            gradient += (p * expit(of_unlabelled)) @ unlabelled
        shrunk = np.append(0.0, coefficients[1:]) / _COEFFICIENT_SD**2
        return value + shrunk @ coefficients / 2, gradient + shrunk

    share = len(labelled) / (len(labelled) + np.sum(p))
    start = np.append(logit(np.clip(share, 0.01, 0.99)), np.zeros(design.shape[1] - 1))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 1000})
    if not found.success:
        warn(
            f"the propensities are not those of the largest likelihood ({found.message}); give "
            "fewer attributes",
            ConvergenceWarning,
        )
    z = design @ found.x
    if one_set:
        return np.maximum(expit(z), np.finfo(float).tiny)
    return np.exp(np.clip(z - z[positive].max(), np.log(np.finfo(float).tiny), 0))


def _standardised(attributes: ArrayLike, n: int) -> np.ndarray:
    """Return attributes of shape (n, n_attributes), each of mean 0 and standard deviation 1."""
    try:
        checked = np.asarray(attributes, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"attributes must be numbers: {error}") from error
    checked = checked[:, None] if checked.ndim == 1 else checked
    if checked.ndim != 2 or len(checked) != n or checked.shape[1] == 0:
        raise ValueError(
            f"attributes must have shape ({n},) or ({n}, n_attributes), one row for each example, "
            f"got {np.shape(attributes)}"
        )
    wrong = np.flatnonzero(~np.isfinite(checked).all(axis=1))
    if len(wrong):
        raise ValueError(
            f"attributes must be finite, but those of {len(wrong)} of {n} examples are not, the "
            f"first at index {wrong[0]}; replace these values, or leave the attribute out"
        )
    spread = checked.std(axis=0)
    if not spread.all():
        raise ValueError(
            f"attributes holds a column of equal values (number {np.flatnonzero(spread == 0)[0]}), "
            "on which no label can depend; leave it out"
        )
    return (checked - checked.mean(axis=0)) / spread


def _check_class(p: np.ndarray, positive: np.ndarray, one_set: bool) -> None:
    """Refuse probabilities of the other class; warn of those of having a label."""
    of_labelled, of_others = p[positive].mean(), p[~positive].mean()
    if of_labelled < of_others:
        raise ValueError(
            f"proba is lower on average for the labelled positives ({of_labelled:.3g}) than for "
            f"the others ({of_others:.3g}); is it of the other class? Pass predict_proba(X)[:, 1]"
        )
    if one_set and abs(p.mean() - positive.mean()) < _SAME_SHARE * positive.mean():
        warn(
            f"proba is {p.mean():.3g} on average, the share of the labelled examples: is it the "
            "probability of having a label? Pass that of being positive, from a classifier that "
            "knows of the unlabelled positives"
        )
