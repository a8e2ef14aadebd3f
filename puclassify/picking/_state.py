"""What a fitted picker consists of, for those who keep it elsewhere than in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from puclassify._containers import check_container
from puclassify._parameters import check_number, check_whole_number
from puclassify._pixel_size import check_pixel_size
from puclassify.classifier import UNCALIBRATED, PUImageClassifier
from puclassify.picking._fitted_attributes import FittedAttributes
from puclassify.picking._geometry import HalfDiameter, PickingGeometry
from puclassify.picking._particle_picker import ParticlePicker
from puclassify.picking._picker_parameters import check_picker_parameters
from puclassify.picking.estimates import (
    MicrographQuality,
    ParticleProbability,
    PickQuality,
    check_threshold,
)
from puclassify.picking.scoring import NetworkScorer
from puclassify.picking.tiles import STEPS_PER_EPOCH

__all__ = ["RECORDS", "HalfDiameter", "PickerState"]

# Dataclasses of a picker's estimates, by name.
RECORDS: dict[str, type] = {
    "MicrographQuality": MicrographQuality,
    "ParticleProbability": ParticleProbability,
    "PickQuality": PickQuality,
}


@dataclass(frozen=True)
class PickerState:
    """All that a fit sets on a `ParticlePicker`, as plain values beside two estimators."""

    preprocessing: Any
    classifier: PUImageClassifier
    prior: float
    threshold: float
    threshold_report: dict[str, Any] | None
    expected_particles: float | None
    calibration: tuple[float, float]
    matching_radius: float
    pixel_size: float | str
    n_labels: int
    n_micrographs: int
    diameter: float  # in stored pixels
    label_radius: float | None
    steps_per_epoch: int
    quality: PickQuality | None = None
    output: str | None = None  # of set_output
    diameter_scale: float = 1.0
    pretrained_report: dict[str, Any] | None = None

    @classmethod
    def of(cls, picker: ParticlePicker) -> PickerState:
        """Read it from a fitted picker, whose classifier is a network."""
        fitted = picker._get_fitted()
        scorer = fitted._scorer
        if not isinstance(scorer, NetworkScorer):
            raise TypeError(
                f"the picker's classifier is {fitted.classifier_!r}; only networks "
                "(PUImageClassifier) are data alone. For others use joblib.dump, and load only "
                "files that you trust"
            )
        return cls(
            fitted.preprocessing_,
            fitted.classifier_,
            fitted.prior_,
            fitted.threshold_,
            fitted.threshold_report_,
            fitted.expected_particles_,
            fitted.calibration_,
            fitted.matching_radius_,
            fitted.pixel_size_,
            fitted.n_labels_,
            fitted.n_micrographs_,
            scorer.geometry.diameter,
            scorer.geometry.label_radius,
            scorer.steps_per_epoch,
            fitted._quality,
            getattr(picker, "_sklearn_output_config", {}).get("transform"),
            fitted.diameter_scale_,
            fitted.pretrained_report_,
        )

    @classmethod
    def untrained(
        cls, picker: ParticlePicker, preprocessing: Any, classifier: PUImageClassifier
    ) -> PickerState:
        """Return that of a picker with a network that was trained elsewhere, nobody knows on what.

        The threshold and the pixel size are the picker's; the latter is a number, or "header".
        """
        check_picker_parameters(picker)
        threshold = check_threshold(picker.threshold)
        if not isinstance(threshold, float):
            raise ValueError(
                f"threshold={picker.threshold!r} needs estimates from labels, which there are "
                "none of: pass a logit"
            )
        is_known = not isinstance(picker.pixel_size, str)
        diameter = picker.particle_diameter / (float(picker.pixel_size) if is_known else 1.0)
        return cls(
            preprocessing,
            classifier,
            prior=float("nan"),
            threshold=threshold,
            threshold_report=None,
            expected_particles=None,
            calibration=UNCALIBRATED,
            matching_radius=float(picker.matching_radius or diameter / 2),
            pixel_size=picker.pixel_size,
            n_labels=0,
            n_micrographs=0,
            diameter=diameter,
            label_radius=picker.label_radius,
            steps_per_epoch=STEPS_PER_EPOCH,
        )

    def check(self) -> None:
        """Refuse values that no fit sets, by name."""
        if not isinstance(self.classifier, PUImageClassifier):
            raise ValueError(f"classifier must be a PUImageClassifier, got {self.classifier!r}")
        if not hasattr(self.classifier, "module_"):
            raise ValueError("classifier is not fitted")
        if not hasattr(self.preprocessing, "transform"):
            raise ValueError(f"preprocessing must be a transformer, got {self.preprocessing!r}")
        if not np.isnan(self.prior):  # which is unknown
            check_number(self.prior, "prior", "from 0 to 1", at_least=0, at_most=1)
        if not isinstance(self.threshold, float) or np.isnan(self.threshold):
            raise ValueError(f"threshold must be a logit, got {self.threshold!r}")
        if self.expected_particles is not None:
            check_number(self.expected_particles, "expected_particles", "at least 0", at_least=0)
        slope, intercept = self.calibration
        for name, value in (("slope", slope), ("intercept", intercept)):
            check_number(value, f"calibration: {name}", "a finite number")
        for name in ("matching_radius", "diameter", "diameter_scale"):
            check_number(getattr(self, name), name, "a positive number", above=0)
        if self.label_radius is not None:
            check_number(self.label_radius, "label_radius", "a positive number", above=0)
        check_pixel_size(self.pixel_size)
        for name in ("n_labels", "n_micrographs"):
            check_whole_number(getattr(self, name), name, at_least=0)
        check_whole_number(self.steps_per_epoch, "steps_per_epoch", at_least=1)
        for name in ("threshold_report", "pretrained_report"):
            if not isinstance(getattr(self, name), dict | None):
                raise ValueError(f"{name} must be a dict or None")
        if self.quality is not None:
            _check_quality(self.quality)
        if self.output is not None:
            check_container(self.output, "output")

    def set_on(self, picker: ParticlePicker) -> ParticlePicker:
        """Make a picker the fitted one that this was read from."""
        check_picker_parameters(picker)
        geometry = PickingGeometry(self.diameter, self.label_radius)
        picker._set_fitted(
            FittedAttributes(
                preprocessing_=self.preprocessing,
                classifier_=self.classifier,
                history_=self.classifier.history_,  # type: ignore[arg-type]
                prior_=self.prior,
                threshold_=self.threshold,
                threshold_report_=self.threshold_report,
                expected_particles_=self.expected_particles,
                calibration_=self.calibration,
                matching_radius_=self.matching_radius,
                pixel_size_=self.pixel_size,
                n_labels_=self.n_labels,
                n_micrographs_=self.n_micrographs,
                diameter_scale_=self.diameter_scale,
                pretrained_report_=self.pretrained_report,
                _scorer=NetworkScorer(self.classifier, geometry, self.steps_per_epoch),
                _quality=self.quality,
            )
        )
        return picker.set_output(transform=self.output)


def _check_quality(quality: Any) -> None:
    """Refuse estimates whose arrays do not belong together."""
    if not isinstance(quality, PickQuality):
        raise ValueError(f"quality must be a PickQuality, got {type(quality).__name__}")
    if not isinstance(quality.micrographs, MicrographQuality):
        raise ValueError("quality: micrographs must be a MicrographQuality")
    if not isinstance(quality.by_source, tuple) or not quality.by_source:
        raise ValueError("quality: by_source must be a tuple of ParticleProbability")
    for probability in (quality.probability, *quality.by_source):
        _check_probability_model(probability)
    micrographs = quality.micrographs
    logits, groups, areas = (
        _array(getattr(micrographs, name), name) for name in ("logits", "groups", "areas")
    )
    if not (len(logits) and logits.shape == groups.shape and np.all(np.diff(logits) >= 0)):
        raise ValueError("quality: logits must be ascending, with a group each")
    if groups.dtype.kind != "i" or not (0 <= groups.min() <= groups.max() < len(areas)):
        raise ValueError("quality: groups must be the numbers of micrographs")
    if not np.all(areas > 0):
        raise ValueError("quality: areas must be positive")


def _check_probability_model(model: Any) -> None:
    if not isinstance(model, ParticleProbability):
        raise ValueError("quality: probability must be a ParticleProbability")
    for name in ("slope", "intercept", "detected_fraction", "meaningless_share"):
        check_number(getattr(model, name), f"quality: {name}", "a finite number")
    if not 0 < model.detected_fraction <= 1 or model.slope == 0:
        raise ValueError("quality: detected_fraction must be from 0 to 1, and no slope 0")
    centres, counts = (_array(getattr(model, name), name) for name in ("bin_centres", "bin_counts"))
    weights = _array(model.alternative_weights, "alternative_weights")
    alternatives = _array(model.alternatives, "alternatives", 2)
    if centres.shape != counts.shape or alternatives.shape != (len(weights), 2):
        raise ValueError("quality: the lengths of a ParticleProbability's arrays differ")


def _array(value: Any, name: str, n_axes: int = 1) -> np.ndarray:
    if not (
        isinstance(value, np.ndarray)
        and value.ndim == n_axes
        and value.dtype.kind in "fi"
        and np.isfinite(value).all()
    ):
        raise ValueError(f"quality: {name} must be an array of finite numbers of {n_axes} axes")
    return value
