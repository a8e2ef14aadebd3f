"""What a fitted classifier consists of, for those who keep it elsewhere than in memory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted
from torch import nn

from puclassify._containers import check_container
from puclassify._parameters import check_flag, check_number
from puclassify.classifier._pixel_scale import PixelScale
from puclassify.classifier._pu_image_classifier import PUImageClassifier

__all__ = ["ClassifierState"]

_LARGEST_SIDE = 10**6


@dataclass(frozen=True)
class ClassifierState:
    """All that a fit sets on a `PUImageClassifier`, as plain values beside its network."""

    classes: np.ndarray
    module: nn.Module
    image_shape: tuple[int, ...]
    prior: float
    unlabelled_prior: float
    calibration: tuple[float, float]
    history: list[dict]
    needs_float32: bool
    pixel_scale: tuple[float, float, float, float] | None = None
    n_features_in: int | None = None
    feature_names_in: np.ndarray | None = None
    output: str | None = None  # the container that set_output asked for

    @classmethod
    def of(cls, classifier: PUImageClassifier) -> ClassifierState:
        """Read it from a fitted classifier."""
        check_is_fitted(classifier, "module_")
        own = vars(classifier)
        scale = own.get("_pixel_scale")
        return cls(
            own["classes_"],
            own["module_"],
            own["image_shape_"],
            own["prior_"],
            own["unlabelled_prior_"],
            own["calibration_"],
            own["history_"],
            own["_needs_float32"],
            None if scale is None else tuple(scale),
            own.get("n_features_in_"),
            own.get("feature_names_in_"),
            own.get("_sklearn_output_config", {}).get("transform"),
        )

    def check(self) -> None:
        """Refuse values that no fit sets, by name; the network is not looked at."""
        classes = self.classes
        if not (isinstance(classes, np.ndarray) and classes.shape == (2,)):
            raise ValueError(f"classes must be an array of two labels, got {classes!r}")
        check_shape(self.image_shape)
        for name in ("prior", "unlabelled_prior"):
            value = getattr(self, name)
            if not (isinstance(value, float) and math.isnan(value)):  # which is unknown
                check_number(value, name, "from 0 to 1", at_least=0, at_most=1)
        check_calibration(self.calibration)
        check_history(self.history)
        check_flag(self.needs_float32, "needs_float32")
        if self.pixel_scale is not None:
            _check_numbers(self.pixel_scale, 4, "pixel_scale")
        is_row = len(self.image_shape) == 1
        if self.n_features_in is not None and (
            not is_row or self.n_features_in != self.image_shape[0]
        ):
            raise ValueError(f"n_features_in={self.n_features_in!r} is not {self.image_shape}")
        names = self.feature_names_in
        if names is not None and not (
            isinstance(names, np.ndarray) and is_row and names.shape == self.image_shape
        ):
            raise ValueError(f"feature_names_in must name {self.image_shape} features")
        if self.output is not None:
            check_container(self.output, "output")

    def set_on(self, classifier: PUImageClassifier) -> PUImageClassifier:
        """Make a classifier the fitted one that this was read from."""
        fitted = {
            "classes_": self.classes,
            "module_": self.module,
            "image_shape_": self.image_shape,
            "prior_": self.prior,
            "unlabelled_prior_": self.unlabelled_prior,
            "calibration_": self.calibration,
            "history_": self.history,
            "n_iter_": len(self.history),
            "_needs_float32": self.needs_float32,
            "_pixel_scale": None if self.pixel_scale is None else PixelScale(*self.pixel_scale),
        }
        if self.n_features_in is not None:
            fitted["n_features_in_"] = self.n_features_in
        if self.feature_names_in is not None:
            fitted["feature_names_in_"] = self.feature_names_in
        if self.output is not None:
            fitted["_sklearn_output_config"] = {"transform": self.output}
        classifier.__dict__.update(fitted)
        return classifier


def check_shape(shape: Any) -> None:
    """Refuse what is no shape of a sample: (features,) or (c, h, w)."""
    if not (
        isinstance(shape, tuple)
        and len(shape) in (1, 3)
        and all(type(side) is int and 1 <= side <= _LARGEST_SIDE for side in shape)
    ):
        raise ValueError(f"image_shape must be (features,) or (c, h, w), got {shape!r}")


def check_calibration(calibration: Any) -> None:
    """Refuse what is no slope and intercept."""
    _check_numbers(calibration, 2, "calibration")


def check_history(history: Any) -> None:
    """Refuse what is no list of one record for each epoch."""
    if not (isinstance(history, list) and all(isinstance(epoch, Mapping) for epoch in history)):
        raise ValueError("history must be a list of one dict for each epoch")


def _check_numbers(values: Any, n: int, name: str) -> None:
    if not (
        isinstance(values, tuple)
        and len(values) == n
        and all(isinstance(one, float) and math.isfinite(one) for one in values)
    ):
        raise ValueError(f"{name} must be {n} finite numbers, got {values!r}")
