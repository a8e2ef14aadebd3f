"""Everything that a fit sets on its picker."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from puclassify.classifier import UNCALIBRATED
from puclassify.picking.estimates import AUTO_RULE, EstimationTask, PickQuality

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
    diameter_scale_: float
    pretrained_report_: dict[str, Any] | None
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
        *,
        lowest_threshold: float = -np.inf,
        diameter_scale: float = 1.0,
        pretrained_report: dict[str, Any] | None = None,
    ) -> FittedAttributes:
        """Return the attributes; a rule for the threshold stands for 0 without estimates.

        The largest expected F1 has no threshold below the lowest.
        """
        threshold = task.threshold
        if not isinstance(threshold, float):
            lowest = lowest_threshold if threshold == AUTO_RULE else -np.inf
            chosen = 0.0 if quality is None else quality.choose_threshold(threshold)
            threshold = max(chosen, lowest)
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
            diameter_scale_=diameter_scale,
            pretrained_report_=pretrained_report,
            _scorer=scorer,
            _quality=quality,
        )

    @classmethod
    def without_micrographs(
        cls,
        preprocessing: Any,
        scorer: Any,
        line: tuple[float, float],
        threshold: float,
        matching_radius: float,
        pixel_size: float | str,
        pretrained_report: dict[str, Any],
    ) -> FittedAttributes:
        """Return those of a pretrained network whose micrographs are unknown."""
        return cls(
            preprocessing_=preprocessing,
            classifier_=scorer.classifier,
            history_=scorer.history,
            prior_=float("nan"),
            threshold_=threshold,
            threshold_report_=None,
            expected_particles_=None,
            calibration_=line,
            matching_radius_=matching_radius,
            pixel_size_=pixel_size,
            n_labels_=0,
            n_micrographs_=0,
            diameter_scale_=1.0,
            pretrained_report_=pretrained_report,
            _scorer=scorer,
            _quality=None,
        )

    def with_scorer(self, scorer: Any) -> FittedAttributes:
        """Return the attributes with another scorer."""
        return replace(self, _scorer=scorer, classifier_=scorer.classifier, history_=scorer.history)
