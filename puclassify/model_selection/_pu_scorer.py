"""Scorers of classifiers for search and cross-validation on PU labels."""

from __future__ import annotations

import inspect
import uuid
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from puclassify import metrics
from puclassify._last_step import own_prior, own_scenario
from puclassify._parameters import check_flag, check_probability, check_scenario
from puclassify._warnings import warn
from puclassify.model_selection._responses import (
    labels_of,
    logits_of,
    probabilities_of,
    scores_of,
)

__all__ = ["PU_SCORERS", "make_pu_scorer"]

_FEW = 30  # labelled positives in a validation set below which a warning is given


class _Metric(NamedTuple):
    """A metric, and the kind of prediction that it measures."""

    function: Callable
    response: Callable
    sign: int = 1
    needs_prior: bool = True


_METRICS = {
    "accuracy": _Metric(metrics.pu_accuracy_score, labels_of),
    "precision": _Metric(metrics.pu_precision_score, labels_of),
    "recall": _Metric(metrics.pu_recall_score, labels_of, needs_prior=False),
    "f1": _Metric(metrics.pu_f1_score, labels_of, needs_prior=False),
    "roc_auc": _Metric(metrics.pu_roc_auc_score, scores_of),
    "average_precision": _Metric(metrics.pu_average_precision_score, scores_of),
    "risk": _Metric(metrics.pu_risk_score, logits_of, sign=-1),
    "calibration_error": _Metric(metrics.pu_calibration_error, probabilities_of, sign=-1),
}
# Arguments that belong to one sample of examples, and not to a search
_OF_ONE_SAMPLE = {"y_true", "y_pred", "y_score", "propensities", "return_std"}
_NAMES = {metric.function: name for name, metric in _METRICS.items()}

# Scorers that have said so: by token, since a search over several processes pickles its scorer
# for every candidate.
_warned: set[str] = set()


def make_pu_scorer(metric, *, prior=None, scenario=None, return_std=False, **params):
    """Make a scorer for ``scoring=`` in searches and cross-validation on PU labels.

    Parameters
    ----------
    metric : str or function
        "accuracy", "precision", "recall", "f1" (the criterion of Lee and Liu), "roc_auc",
        "average_precision", "risk" or "calibration_error", also with ``pu_`` in front; or the
        function of `puclassify.metrics` itself.
    prior : float or None, default=None
        The class prior of the validation data; None means the fitted estimator's own, ``prior_``.
        Give a number wherever a search changes the prior, or its candidates are measured by
        different yardsticks. "recall" and "f1" need none.
    scenario : {"case_control", "single_training_set"} or None, default=None
        What the prior is over; None means the estimator's own parameter ``scenario``, and
        ``"case_control"`` where it has none.
    return_std : bool, default=False
        Whether to give the standard error too. The scorer then returns two numbers by name,
        ``{"pu_accuracy": ..., "pu_accuracy_std": ...}`` and so on, which a search takes as its
        only ``scoring``, with ``refit="pu_accuracy"``; `compare_candidates` reads them.
    **params : dict
        Further arguments of the metric, such as ``loss="sigmoid"`` or ``n_bins=5``.

    Returns
    -------
    callable
        ``scorer(estimator, X, y)`` gives a float, the larger the better: risk and calibration
        error are negated (and, with ``return_std``, named ``"neg_pu_risk"`` and
        ``"neg_pu_calibration_error"``). The estimator is a classifier with ``predict`` for the
        first four metrics, ``decision_function`` or else ``predict_proba`` for the next three (the
        risk takes the logit of the latter), and ``predict_proba`` for the calibration error; or a
        `Pipeline` or fitted search that ends in one. It can be pickled.

    Raises
    ------
    ValueError
        If an argument cannot be used.

    Warns
    -----
    UserWarning
        By the scorer, when a validation set holds fewer than 30 labelled positives: with the
        standard error, below which differences of candidates mean little. Each scorer, or each
        search that is given a name, says it once in a process.

    See Also
    --------
    puclassify.model_selection.PUStratifiedKFold : Puts labelled positives into every fold.
    compare_candidates : Which candidates of a search are told apart from its best one.
    make_pick_scorer : For pickers, with particles that are known.

    Notes
    -----
    With the estimator's own prior these scorers have names, once `puclassify` is imported:
    ``scoring="pu_accuracy"``, ``"pu_precision"``, ``"pu_recall"``, ``"pu_f1"``, ``"pu_roc_auc"``,
    ``"pu_average_precision"``, and, negated as scikit-learn's names say it, ``"neg_pu_risk"`` and
    ``"neg_pu_calibration_error"``. ``"pu_risk"`` is another name of the former.

    A classifier such as logistic regression, fitted to labelled against unlabelled, predicts who
    is labelled. Its ranking can be measured all the same; its ``predict`` finds too few positives.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import GridSearchCV
    >>> from puclassify.model_selection import PUStratifiedKFold, make_pu_scorer
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(1000, 5))
    >>> X[:400, 0] += 2                                       # 200 labelled of 400 positives
    >>> y = np.repeat([1, 0], [200, 800])
    >>> scorer = make_pu_scorer("roc_auc", prior=0.4, scenario="single_training_set")
    >>> cv = PUStratifiedKFold(random_state=0)
    >>> search = GridSearchCV(LogisticRegression(), {"C": [0.01, 1]}, scoring=scorer, cv=cv)
    >>> print(round(search.fit(X, y).best_score_, 2))
    0.91
    """
    name = _metric_name(metric)
    if prior is not None:
        check_probability(prior, "prior", "a number between 0 and 1, both excluded, or None")
    if scenario is not None:
        check_scenario(scenario)
    taken = set(inspect.signature(_METRICS[name].function).parameters)
    unknown = sorted(set(params) - (taken - _OF_ONE_SAMPLE))
    if unknown:
        raise ValueError(f"{_METRICS[name].function.__name__} takes no {', '.join(unknown)}")
    check_flag(return_std, "return_std")
    return _PUScorer(name, prior, scenario, return_std, params)


def _metric_name(metric) -> str:
    if not isinstance(metric, str):
        name = _NAMES.get(metric) if callable(metric) else None
    else:
        name = metric.removeprefix("neg_").removeprefix("pu_")
    if name not in _METRICS:
        raise ValueError(
            f"metric must be one of {', '.join(_METRICS)}, or such a function of "
            f"puclassify.metrics; got {metric!r}"
        )
    return name


class _PUScorer:
    """Callable of (estimator, X, y); a class rather than a closure so that it can be pickled."""

    def __init__(self, metric, prior, scenario, return_std, params):
        self.metric = metric
        self.prior = prior
        self.scenario = scenario
        self.return_std = return_std
        self.params = params
        self._token = uuid.uuid4().hex

    def __call__(self, estimator, X, y) -> float | dict[str, float]:
        metric = _METRICS[self.metric]
        settings = {
            "prior": own_prior(
                estimator,
                self.prior,
                own=None,
                required=metric.needs_prior,
                fix=f"make_pu_scorer({self.metric!r}, prior=<number>)",
            ),
            "scenario": own_scenario(estimator, self.scenario, own=None),
            **self.params,
        }
        response = metric.response(estimator, X)
        score, std = metric.function(y, response, return_std=True, **settings)
        self._warn_if_few(y, std)
        if not self.return_std:
            return metric.sign * score
        name = _scorer_name(self.metric)
        return {name: metric.sign * score, f"{name}_std": std}

    def _warn_if_few(self, y, std) -> None:
        labels, counts = np.unique(y, return_counts=True)
        if counts[-1] >= _FEW or self._token in _warned:
            return
        _warned.add(self._token)
        # It is 0 where, say, all of the few are found, and that is no precision.
        known = f": the standard error of its {self.metric} is about {std:.2g}"
        warn(
            f"a validation set holds {counts[-1]} labelled positives (label "
            f"{labels.tolist()[-1]!r}), too few to tell candidates apart that differ by "
            f"little{known if std > 0 else ''}; take fewer folds, repeat the split or label more",
            UserWarning,
        )

    def __deepcopy__(self, memo):
        # scikit-learn copies the scorer that a name stands for, once a search.
        return _PUScorer(self.metric, self.prior, self.scenario, self.return_std, dict(self.params))

    def _accept_sample_weight(self) -> bool:
        # Asked by scikit-learn of every scorer in a list, if fit is given weights.
        return False

    def __repr__(self) -> str:
        given = {"prior": self.prior, "scenario": self.scenario, **self.params}
        if self.return_std:
            given["return_std"] = True
        listed = "".join(f", {key}={value!r}" for key, value in given.items())
        return f"make_pu_scorer({self.metric!r}{listed})"


def _scorer_name(metric: str) -> str:
    return f"{'neg_' if _METRICS[metric].sign < 0 else ''}pu_{metric}"


# By the names that scikit-learn's scoring= takes
PU_SCORERS = {
    **{_scorer_name(metric): make_pu_scorer(metric) for metric in _METRICS},
    "pu_risk": make_pu_scorer("risk"),
}
