"""Held-out predictions of a cross-validation, for a display."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import _safe_indexing

from puclassify._last_step import last_step, own_prior, own_scenario

__all__ = ["HeldOutPredictions"]


class HeldOutPredictions(NamedTuple):
    """What the classifiers of all folds predict for the examples they were not trained on."""

    rows: np.ndarray  # of the data; several times those that were held out by several splits
    predicted: np.ndarray
    prior: float | None
    scenario: str
    name: str

    @classmethod
    def of(
        cls,
        cv_results: Mapping[str, Any],
        X: Any,
        response: Callable[[Any, Any], np.ndarray],
        *,
        prior: float | str | None,
        scenario: str,
        prior_required: bool = True,
    ) -> HeldOutPredictions:
        """Predict; ``prior="auto"`` means the mean of the classifiers' own."""
        missing = [name for name in ("estimator", "indices") if name not in cv_results]
        if missing:
            raise ValueError(
                f"cv_results has no {' and no '.join(map(repr, missing))}; make it by "
                "cross_validate(..., return_estimator=True, return_indices=True)"
            )
        classifiers, folds = cv_results["estimator"], cv_results["indices"]["test"]
        priors = [
            own_prior(one, prior, own="auto", required=prior_required, fix="prior=<number>")
            for one in classifiers
        ]
        scenarios = {own_scenario(one, scenario, own="auto") for one in classifiers}
        predicted = [
            response(one, _safe_indexing(X, rows))
            for one, rows in zip(classifiers, folds, strict=True)
        ]
        return cls(
            np.concatenate(folds),
            np.concatenate(predicted),
            priors[0] if len(set(priors)) == 1 else float(np.mean(priors)),
            scenarios.pop(),
            type(last_step(classifiers[0])).__name__,
        )

    def labels(self, y: ArrayLike) -> np.ndarray:
        """Return the labels, or another number for each example, in the order of predictions."""
        return np.asarray(y)[self.rows]
