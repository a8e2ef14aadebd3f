"""Comparison of the candidates of a search with its best one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.stats import norm, t

from puclassify._parameters import check_number, check_probability
from puclassify._warnings import warn

__all__ = ["compare_candidates"]

_FEWEST_PAIRED = 3  # splits from which the spread of differences is estimated


def compare_candidates(
    cv_results: Mapping[str, Any],
    *,
    metric: str = "score",
    test_size: float | None = None,
    level: float = 0.95,
) -> dict[str, np.ndarray]:
    r"""Show which candidates of a search are worse than its best one by more than chance.

    Parameters
    ----------
    cv_results : dict
        ``cv_results_`` of a fitted `GridSearchCV` or another search of scikit-learn.
    metric : str, default="score"
        Name of what is compared: "score" where ``scoring`` gives one number, the scorer's name
        where it gives several, such as "pu_accuracy". The larger the better.
    test_size : float or None, default=None
        Share of the data in each validation set, between 0 and 1; None means one over the number
        of splits, which is right for K folds.
    level : float, default=0.95
        Confidence, from 0.5 up to 1, at which a candidate counts as worse.

    Returns
    -------
    dict of str to ndarray of shape (n_candidates,)
        Columns of a table, the best candidate first: ``"candidate"``, the index in
        ``cv_results``; ``"params"``; ``"mean"``, the mean score; ``"difference"``, the mean score
        minus that of the best; ``"std"``, the standard error of that difference; and
        ``"told_apart"``, whether the candidate is worse than the best with the confidence
        ``level``. Failed candidates come last and have NaN.

    Raises
    ------
    ValueError
        If an argument is invalid, every candidate failed, or the accuracy of the scores is unknown:
        fewer than three splits, and no standard errors beside the scores.

    Warns
    -----
    UserWarning
        If no candidate is distinguishable from the best: the validation sets hold too few labelled
        positives for these candidates, and the choice among them is random.

    See Also
    --------
    make_pu_scorer : Returns standard errors too, with ``return_std=True``.

    Notes
    -----
    With at least three splits a candidate is compared with the best split by split, on the same
    examples. With :math:`d_k` the difference of their scores on split :math:`k` of :math:`K`,
    :math:`s^2` the variance of these and :math:`\rho` the ``test_size``, the standard error is
    that of the corrected resampled t-test (Nadeau and Bengio [1]_, section 3),

    .. math:: \sigma^2 = \left( \frac{1}{K} + \frac{\rho}{1 - \rho} \right) s^2,

    where the second term accounts for the overlap of the training sets, and the quantile is that of
    Student's distribution with :math:`K - 1` degrees of freedom.

    With fewer splits the standard errors from the scorer are added in quadrature, as if the two
    candidates had been scored on different examples. Since the same examples are easy or difficult
    for both, the sum is too large, the more so the more alike the candidates are: candidates that
    differ by it do differ, and with more folds others may too.

    Every candidate is compared with the best as if it were the only one. The score of the best is
    too high on average, since it was selected for being the highest.

    References
    ----------
    .. [1] C. Nadeau and Y. Bengio, "Inference for the Generalization Error", Machine Learning 52,
       2003.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from puclassify.model_selection import PUStratifiedKFold, make_pu_scorer
    >>> from puclassify.model_selection import compare_candidates
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(1000, 5))
    >>> X[:400, 0] += 2                                       # 200 labelled of 400 positives
    >>> y = np.repeat([1, 0], [200, 800])
    >>> scorer = make_pu_scorer("roc_auc", prior=0.4, scenario="single_training_set")
    >>> cv, grid = PUStratifiedKFold(random_state=0), {"n_neighbors": [1, 30, 60]}
    >>> search = GridSearchCV(KNeighborsClassifier(), grid, scoring=scorer, cv=cv).fit(X, y)
    >>> table = compare_candidates(search.cv_results_)
    >>> for row in zip(*(table[name] for name in ("params", "difference", "std", "told_apart"))):
    ...     print("{} {:.3f} ({:.3f}) {}".format(*row))
    {'n_neighbors': 60} 0.000 (0.000) False
    {'n_neighbors': 30} -0.013 (0.009) False
    {'n_neighbors': 1} -0.328 (0.053) True
    """
    check_number(level, "level", "a number of at least 0.5 and below 1", at_least=0.5, below=1)
    if test_size is not None:
        expected = "a number between 0 and 1, both excluded, or None"
        check_probability(test_size, "test_size", expected)
    scores = _by_split(cv_results, metric)
    if scores is None:
        raise ValueError(
            f"cv_results holds no scores named metric={metric!r}; it has "
            f"{', '.join(_names(cv_results)) or 'none'}"
        )
    means = scores.mean(axis=0)
    if np.isnan(means).all():
        raise ValueError(f"every candidate failed: cv_results holds no {metric} but NaN")
    order = np.argsort(-means, kind="stable")  # NaN last
    scores, differences = scores[:, order], means[order] - means[order[0]]
    if len(scores) >= _FEWEST_PAIRED:
        std = _paired(scores, 1 / len(scores) if test_size is None else test_size)
        quantile = t.ppf(level, len(scores) - 1)
    else:
        std = _unpaired(_by_split(cv_results, f"{metric}_std"), order, metric, len(scores))
        quantile = norm.ppf(level)
    told_apart = differences < -quantile * std
    told_apart[0] = False
    if len(order) > 1 and not told_apart.any():
        warn(
            f"none of the other {len(order) - 1} candidates is distinguishable from the best by "
            f"{metric}: the smallest standard error of a difference is {np.nanmin(std[1:]):.2g}, "
            f"the largest difference {-np.nanmin(differences):.2g}. The validation sets hold too "
            "few labelled positives to distinguish these candidates; label more, or use more folds",
            UserWarning,
        )
    return {
        "candidate": order,
        "params": np.array([cv_results["params"][i] for i in order], dtype=object),
        "mean": means[order],
        "difference": differences,
        "std": std,
        "told_apart": told_apart,
    }


def _by_split(cv_results: Mapping[str, Any], name: str) -> np.ndarray | None:
    """Return the scores named ``name`` of shape (n_splits, n_candidates), or None."""
    rows: list[np.ndarray] = []
    while f"split{len(rows)}_test_{name}" in cv_results:
        rows.append(np.asarray(cv_results[f"split{len(rows)}_test_{name}"], dtype=np.float64))
    return np.array(rows) if rows else None


def _names(cv_results: Mapping[str, Any]) -> list[str]:
    """Return the names of all scores."""
    names = (key.removeprefix("mean_test_") for key in cv_results if key.startswith("mean_test_"))
    return [name for name in names if not name.endswith("_std")]


def _paired(scores: np.ndarray, test_size: float) -> np.ndarray:
    """Return standard errors of the differences from the first column, from their spread."""
    spread = np.var(scores - scores[:, :1], axis=0, ddof=1)
    return np.sqrt((1 / len(scores) + test_size / (1 - test_size)) * spread)


def _unpaired(stds: np.ndarray | None, order: np.ndarray, metric: str, n_splits: int) -> np.ndarray:
    """Return standard errors of the differences from the first column, from those of the scores."""
    if stds is None:
        raise ValueError(
            f"the search has {n_splits} split{'s' * (n_splits > 1)}, too few to estimate a spread, "
            f"and no standard errors of {metric}; use "
            "scoring=make_pu_scorer(<metric>, return_std=True), or at least three folds"
        )
    variances = np.sum(stds[:, order] ** 2, axis=0) / len(stds) ** 2
    of_differences = np.sqrt(variances + variances[0])
    of_differences[0] = 0.0
    return of_differences
