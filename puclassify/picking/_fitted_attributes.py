"""Everything that a fit sets on its picker."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from puclassify.classifier import UNCALIBRATED
from puclassify.picking.estimates import EstimationTask, PickQuality

__all__ = ["FittedAttributes"]


@dataclass(frozen=True)
class FittedAttributes:
    """The fitted attributes of a picker, under their names on it.

    ``_scorer`` holds the network and ``_quality`` the estimates, None if there are none.
    """

    preprocessing_: Any
    classifier_: Any
    history_: list[dict]
    prior_: float
    threshold_: float
    threshold_report_: dict[str, Any] | None
    expected_particles_: float | None
    calibration_: tuple[float, float]
    matching_radius_: float
    pixel_size_: float | str
    n_labels_: int
    n_micrographs_: int
    _scorer: Any
    _quality: PickQuality | None

    @classmethod
    def of(
        cls,
        preprocessing: Any,
        scorer: Any,
        task: EstimationTask,
        prior: float,
        pixel_size: float | str,
        quality: PickQuality | None = None,
    ) -> FittedAttributes:
        """Return the attributes; a rule for the threshold stands for 0 without estimates."""
        threshold = task.threshold
        if not isinstance(threshold, float):
            threshold = 0.0 if quality is None else quality.choose_threshold(threshold)
        return cls(
            preprocessing_=preprocessing,
            classifier_=scorer.classifier,
            history_=scorer.history,
            prior_=prior,
            threshold_=threshold,
            threshold_report_=None if quality is None else quality.report(threshold),
            expected_particles_=None if quality is None else quality.n_particles,
            calibration_=UNCALIBRATED if quality is None else quality.calibration,
            matching_radius_=task.matching_radius,
            pixel_size_=pixel_size,
            n_labels_=task.n_labels,
            n_micrographs_=task.n_micrographs,
            _scorer=scorer,
            _quality=quality,
        )

    def with_scorer(self, scorer: Any) -> FittedAttributes:
        """Return the attributes with another scorer."""
        return replace(self, _scorer=scorer, classifier_=scorer.classifier, history_=scorer.history)
