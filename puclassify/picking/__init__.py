"""Finding particles in micrographs."""

from puclassify.picking._particle_picker import ParticlePicker
from puclassify.picking._state import RECORDS as RECORDS
from puclassify.picking._state import HalfDiameter as HalfDiameter
from puclassify.picking._state import PickerState as PickerState
from puclassify.picking.estimates import THRESHOLD_RULES, ThresholdRule
from puclassify.picking.label_checks import OrientationCheck, check_orientation
from puclassify.picking.suppression import NonMaximumSuppression, non_maximum_suppression

__all__ = [
    "THRESHOLD_RULES",
    "NonMaximumSuppression",
    "OrientationCheck",
    "ParticlePicker",
    "ThresholdRule",
    "check_orientation",
    "non_maximum_suppression",
]
