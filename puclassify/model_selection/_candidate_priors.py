"""The priors with which the candidates of one search are scored."""

from __future__ import annotations

from typing import Any

from puclassify._last_step import last_step
from puclassify._parameters import is_number
from puclassify._warnings import warn

__all__ = ["warn_if_priors_differ"]

# By the token of a scorer, which every process of a search has a copy of; None once it has warned.
_first_priors: dict[str, float | None] = {}


def warn_if_priors_differ(token: str, estimator: Any, metric: str) -> None:
    """Warn once of estimators with different priors, each of which is scored with its own.

    Estimated priors are those of the training data, which differ from fold to fold.
    """
    last = last_step(estimator)
    prior = getattr(last, "prior_", None)
    if not (is_number(prior) and is_number(getattr(last, "prior", None))):
        return
    first = _first_priors.setdefault(token, prior)
    if first is None or first == prior:
        return
    _first_priors[token] = None
    warn(
        f"one scorer of pu_{metric} has scored estimators with prior={first:.4g} and with "
        f"prior={prior:.4g}, each with its own; on the same data the scores of such candidates "
        "cannot be compared, and a search prefers an extreme prior. Pass "
        f"make_pu_scorer({metric!r}, prior=<number>), or 'lee_liu', which needs no prior"
    )
