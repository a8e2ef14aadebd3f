"""Finding particles in micrographs."""

from puclassify.picking._non_maximum_suppression import NonMaximumSuppression
from puclassify.picking._particle_picker import ParticlePicker
from puclassify.picking._suppression import non_maximum_suppression

__all__ = ["NonMaximumSuppression", "ParticlePicker", "non_maximum_suppression"]
