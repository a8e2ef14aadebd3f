"""Prior estimators by name, for a display of several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from puclassify.prior import BBEPrior, DEDPULPrior

__all__ = ["named_estimators"]


def named_estimators(estimators: Iterable[Any] | Mapping[str, Any] | None, scenario: str) -> dict:
    """Return the estimators by name, after checking that all have the scenario."""
    if estimators is None:
        estimators = [DEDPULPrior(scenario=scenario, random_state=0), BBEPrior(scenario=scenario)]
    if not isinstance(estimators, Mapping):
        listed = [(type(estimator).__name__, estimator) for estimator in estimators]
        estimators = dict(listed)
        if len(estimators) < len(listed):
            raise ValueError(
                "estimators must differ in their class, got "
                f"{', '.join(name for name, _ in listed)}; give a dict by name"
            )
    for name, estimator in estimators.items():
        if not hasattr(estimator, "fit_scores"):
            raise ValueError(
                f"estimators must be prior estimators such as DEDPULPrior(), got {estimator!r} "
                f"for {name!r}"
            )
        if estimator.scenario != scenario:
            raise ValueError(
                f"scenario={scenario!r}, but {name} has scenario={estimator.scenario!r}, in which "
                "the prior means something else; give both the same"
            )
    return dict(estimators)
