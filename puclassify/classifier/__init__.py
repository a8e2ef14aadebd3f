"""The region-level estimator and its training loop."""

from puclassify.classifier._calibration import UNCALIBRATED as UNCALIBRATED
from puclassify.classifier._parameters import (
    check_classifier_parameters as check_classifier_parameters,
)
from puclassify.classifier._progress import FitReport as FitReport
from puclassify.classifier._pu_image_classifier import PUImageClassifier
from puclassify.classifier._training import warn_if_diverged as warn_if_diverged

__all__ = ["PUImageClassifier"]
