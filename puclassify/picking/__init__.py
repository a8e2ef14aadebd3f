"""Finding particles in micrographs."""

from puclassify.picking._particle_picker import ParticlePicker
from puclassify.picking.estimates import THRESHOLD_RULES, ThresholdRule
from puclassify.picking.suppression import NonMaximumSuppression, non_maximum_suppression

__all__ = [
    "THRESHOLD_RULES",
    "NonMaximumSuppression",
    "ParticlePicker",
    "ThresholdRule",
    "non_maximum_suppression",
]
