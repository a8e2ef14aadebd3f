"""The region-level estimator, and the training that it shares with the picker."""

from puclassify.classifier._calibration import UNCALIBRATED as UNCALIBRATED
from puclassify.classifier._fine_tuning import LOWEST_RATE as LOWEST_RATE
from puclassify.classifier._fine_tuning import fine_tuning_rate as fine_tuning_rate
from puclassify.classifier._fine_tuning import share_of_steps as share_of_steps
from puclassify.classifier._forward import crop_to_field as crop_to_field
from puclassify.classifier._forward import module_version as module_version
from puclassify.classifier._parameters import (
    check_classifier_parameters as check_classifier_parameters,
)
from puclassify.classifier._progress import FitReport as FitReport
from puclassify.classifier._progress import Interrupt as Interrupt
from puclassify.classifier._pu_image_classifier import PUImageClassifier
from puclassify.classifier._pu_image_classifier import adopt_training as adopt_training
from puclassify.classifier._pu_image_classifier import scoring_dtype as scoring_dtype
from puclassify.classifier._state import ClassifierState as ClassifierState
from puclassify.classifier._tasks import Tiles as Tiles
from puclassify.classifier._trainer import Trained as Trained
from puclassify.classifier._trainer import Trainer as Trainer
from puclassify.classifier._trainer import warn_if_diverged as warn_if_diverged

__all__ = ["PUImageClassifier"]
