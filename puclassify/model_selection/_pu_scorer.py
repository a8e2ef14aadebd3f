"""Scorers of classifiers for search and cross-validation on PU labels."""

from __future__ import annotations

import inspect
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.metadata_routing import MetadataRequest

from puclassify import metrics
from puclassify._labels import check_pu_labels
from puclassify._last_step import own_pos_label, own_prior, own_scenario
from puclassify._parameters import check_flag, check_probability, check_scenario
from puclassify._score_kinds import scores_of_an_estimator
from puclassify._warnings import warn
from puclassify.model_selection._candidate_priors import warn_if_priors_differ
from puclassify.model_selection._responses import (
    labels_of,
    logits_of,
    probabilities_of,
    scores_of,
)

__all__ = ["make_pu_scorer"]

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
    "f1": _Metric(metrics.pu_f1_score, labels_of),
    "lee_liu": _Metric(metrics.pu_lee_liu_score, labels_of, needs_prior=False),
    "roc_auc": _Metric(metrics.pu_roc_auc_score, scores_of),
    "average_precision": _Metric(metrics.pu_average_precision_score, scores_of),
    "risk": _Metric(metrics.pu_risk_score, logits_of, sign=-1),
    "calibration_error": _Metric(metrics.pu_calibration_error, probabilities_of, sign=-1),
}
# Arguments of one sample of examples, which make no sense for a search
_OF_ONE_SAMPLE = {"y_true", "y_pred", "y_score", "propensities", "sample_weight", "return_std"}
_METADATA = ("sample_weight", "propensities")
_NAMES = {metric.function: name for name, metric in _METRICS.items()}

# Tokens of scorers that have warned of few labelled positives: a search over several processes
# pickles its scorer for every candidate.
_warned: set[str] = set()


def make_pu_scorer(
    metric: str | Callable,
    *,
    prior: float | None = None,
    scenario: str | None = None,
    return_std: bool = False,
    **params: Any,
) -> Callable[[Any, Any, Any], float | dict[str, float]]:
    """Make a scorer for ``scoring=`` in searches and cross-validation on PU labels.

    Parameters
    ----------
    metric : str or function
        "accuracy", "precision", "recall", "f1", "lee_liu", "roc_auc", "average_precision", "risk"
        or "calibration_error", with or without ``pu_`` in front; or the function of
        `puclassify.metrics` itself.
    prior : float or None, default=None
        The class prior of the validation data; None means the fitted estimator's own, ``prior_``.
        Pass a number if a search varies the prior, so that all candidates are scored alike.
        "recall" and "lee_liu" need none.
    scenario : {"case_control", "single_training_set"} or None, default=None
        The scenario of the prior; None means the estimator's own parameter ``scenario``, or
        ``"case_control"`` if it has none.
    return_std : bool, default=False
        Whether to return the standard error too. The scorer then returns two numbers by name, such
        as ``{"pu_accuracy": ..., "pu_accuracy_std": ...}``; pass it as the only ``scoring`` of a
        search, with ``refit="pu_accuracy"``. `compare_candidates` reads them.
    **params : dict
        Further arguments of the metric, such as ``loss="sigmoid"`` or ``n_bins=5``.

    Returns
    -------
    callable
        ``scorer(estimator, X, y)`` returns a float, the larger the better: risk and calibration
        error are negated (and, with ``return_std``, named ``"neg_pu_risk"`` and
        ``"neg_pu_calibration_error"``). The estimator is a classifier with ``predict`` for the
        first five metrics, ``decision_function`` or else ``predict_proba`` for the next three (the
        risk uses the logit of the latter), and ``predict_proba`` for the calibration error; or a
        `Pipeline` or fitted search that ends in one. It also takes ``sample_weight`` and
        ``propensities`` of the validation data, which a search hands on after
        ``scorer.set_score_request(sample_weight=True, propensities=True)`` where scikit-learn's
        metadata routing is enabled. The scorer can be pickled. That of one of the
        first five metrics also tunes the threshold of a `TunedThresholdClassifierCV`, which hands
        scorers no estimator: give ``prior`` and ``scenario``.

    Raises
    ------
    ValueError
        If an argument is invalid.

    Warns
    -----
    UserWarning
        By the scorer, if a validation set holds fewer than 30 labelled positives. The warning
        states the standard error; smaller differences of candidates mean little. Also if the
        scorer, without a ``prior``, scores estimators that were given different ones, whose scores
        cannot be compared. Each scorer, or each search that is given a name, warns once of either
        in a process.

    See Also
    --------
    puclassify.model_selection.PUStratifiedKFold : Puts labelled positives into every fold.
    compare_candidates : Shows which candidates of a search are worse by more than chance.
    make_pick_scorer : For pickers, with known particles.

    Notes
    -----
    With the estimator's own prior these scorers have names, once `puclassify` is imported:
    ``scoring="pu_accuracy"``, ``"pu_precision"``, ``"pu_recall"``, ``"pu_f1"``,
    ``"pu_lee_liu"``, ``"pu_roc_auc"``, ``"pu_average_precision"``, and, negated like others of
    scikit-learn, ``"neg_pu_risk"`` and ``"neg_pu_calibration_error"``. ``"pu_risk"`` is another
    name of ``"neg_pu_risk"``.

    A classifier such as logistic regression, fitted to labelled against unlabelled examples,
    predicts what is labelled. Metrics of ranking apply to it; its ``predict`` returns too few
    positives.

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
    accepted = set(inspect.signature(_METRICS[name].function).parameters)
    unknown = sorted(set(params) - (accepted - _OF_ONE_SAMPLE))
    if unknown:
        raise ValueError(
            f"{_METRICS[name].function.__name__} accepts no {', '.join(unknown)} in a scorer"
        )
    check_flag(return_std, "return_std")
    return _PUScorer(name, prior, scenario, return_std, params)


def _metric_name(metric: Any) -> str:
    if not isinstance(metric, str):
        name = _NAMES.get(metric) if callable(metric) else None
    else:
        name = metric.removeprefix("neg_").removeprefix("pu_")
    if name not in _METRICS:
        raise ValueError(
            f"metric must be one of {', '.join(_METRICS)}, or the function of puclassify.metrics; "
            f"got {metric!r}"
        )
    return name


class _PUScorer:
    """Callable of (estimator, X, y); a class rather than a closure so that it can be pickled."""

    def __init__(
        self,
        metric: str,
        prior: float | None,
        scenario: str | None,
        return_std: bool,
        params: dict[str, Any],
    ) -> None:
        self.metric = metric
        self.prior = prior
        self.scenario = scenario
        self.return_std = return_std
        self.params = params
        self._token = uuid.uuid4().hex
        # Metadata, and the names under which it is passed. None is an error if it is passed at all.
        self._requests: dict[str, Any] = dict.fromkeys(_METADATA)

    def __call__(
        self,
        estimator: Any,
        X: Any,
        y: Any,
        sample_weight: ArrayLike | None = None,
        propensities: ArrayLike | None = None,
    ) -> float | dict[str, float]:
        metric = _METRICS[self.metric]
        if metric.needs_prior and self.prior is None:
            warn_if_priors_differ(self._token, estimator, self.metric)
        settings = {
            "prior": own_prior(
                estimator,
                self.prior,
                own=None,
                required=metric.needs_prior,
                fix=f"make_pu_scorer({self.metric!r}, prior=<number>)",
            ),
            "scenario": own_scenario(estimator, self.scenario, own=None),
            "sample_weight": sample_weight,
            "propensities": propensities,
            **self.params,
        }
        response = metric.response(estimator, X)
        classes, positive = check_pu_labels(
            y, len(response), None, pos_label=own_pos_label(estimator)
        )
        if metric.response is labels_of:
            response = _is_positive(response, classes)
        with scores_of_an_estimator():  # a tree, or one neighbour, knows only 0 and 1
            score, std = metric.function(positive, response, return_std=True, **settings)
        self._warn_if_few(classes[1], int(np.sum(positive)), std)
        if not self.return_std:
            return metric.sign * score
        name = _scorer_name(self.metric)
        return {name: metric.sign * score, f"{name}_std": std}

    # scikit-learn makes the scorer of thresholds from the following three and the routing.

    def _score_func(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None = None,
        propensities: ArrayLike | None = None,
    ) -> float:
        """Score labels, without an estimator to ask for its prior and scenario."""
        self._check_scores_labels()
        settings = {
            "prior": self.prior,
            "scenario": self.scenario or "case_control",
            "sample_weight": sample_weight,
            "propensities": propensities,
            **self.params,
        }
        classes, positive = check_pu_labels(y_true, len(np.asarray(y_pred)), None)
        predicted = _is_positive(np.asarray(y_pred), classes)
        score, std = _METRICS[self.metric].function(
            positive, predicted, return_std=True, **settings
        )
        self._warn_if_few(classes[1], int(np.sum(positive)), std)
        return score

    @property
    def _sign(self) -> int:
        return _METRICS[self.metric].sign

    @property
    def _kwargs(self) -> dict[str, Any]:
        return {}

    def set_score_request(self, **requests: bool | str | None) -> _PUScorer:
        """Say which of ``sample_weight`` and ``propensities`` a search hands on to the scorer."""
        unknown = sorted(set(requests) - set(_METADATA))
        if unknown:
            raise TypeError(
                f"a PU scorer takes sample_weight and propensities, but no {', '.join(unknown)}"
            )
        self._requests = dict.fromkeys(_METADATA) | requests
        return self

    def get_metadata_routing(self) -> MetadataRequest:
        """Return what was requested."""
        routing = MetadataRequest(owner=self)
        for name, alias in self._requests.items():
            routing.score.add_request(param=name, alias=alias)
        return routing

    def _check_scores_labels(self) -> None:
        if _METRICS[self.metric].response is not labels_of:
            of_labels = [name for name, one in _METRICS.items() if one.response is labels_of]
            raise ValueError(
                f"{self!r} scores no labels, so that no threshold can be tuned by it; take one of "
                f"{', '.join(of_labels)}"
            )
        needed = {"recall": (), "lee_liu": ("scenario",)}.get(self.metric, ("prior", "scenario"))
        missing = [name for name in needed if getattr(self, name) is None]
        if missing:
            listed = "".join(f", {name}=..." for name in missing)
            raise ValueError(
                f"{self!r} means the estimator's own {' and '.join(missing)}, but a scorer of "
                f"thresholds is given no estimator; pass make_pu_scorer({self.metric!r}{listed})"
            )

    def _warn_if_few(self, label: Any, count: int, std: float) -> None:
        if count >= _FEW or self._token in _warned:
            return
        _warned.add(self._token)
        # It is 0 where all of the few are predicted positive, say, which is not exact.
        known = f": the standard error of its {self.metric} is about {std:.2g}"
        warn(
            f"a validation set holds {count} labelled positives (label {label.tolist()!r}), too "
            f"few to distinguish candidates that differ by little{known if std > 0 else ''}; use "
            "fewer folds, repeat the split or label more",
            UserWarning,
        )

    def __deepcopy__(self, memo: Any) -> _PUScorer:
        # scikit-learn copies the scorer behind a name for every search, which then warns again.
        copied = _PUScorer(
            self.metric, self.prior, self.scenario, self.return_std, dict(self.params)
        )
        return copied.set_score_request(**self._requests)

    def _accept_sample_weight(self) -> bool:
        # scikit-learn calls this on every scorer if fit gets weights.
        return True

    def __repr__(self) -> str:
        given = {"prior": self.prior, "scenario": self.scenario, **self.params}
        if self.return_std:
            given["return_std"] = True
        listed = "".join(f", {key}={value!r}" for key, value in given.items())
        return f"make_pu_scorer({self.metric!r}{listed})"


def _is_positive(predicted: Any, classes: np.ndarray) -> np.ndarray:
    """Return which predicted labels are the second of two; refuse others."""
    predicted = np.asarray(predicted)
    unknown = predicted[~np.isin(predicted, classes)]
    if len(unknown):
        raise ValueError(
            f"the estimator predicts {np.unique(unknown)[:5].tolist()}, but the labels of y are "
            f"{classes.tolist()}; score it with the labels that it was fitted to"
        )
    return predicted == classes[1]


def _scorer_name(metric: str) -> str:
    return f"{'neg_' if _METRICS[metric].sign < 0 else ''}pu_{metric}"
