"""Finding particles in micrographs."""

from puclassify.picking._particle_picker import ParticlePicker
from puclassify.picking.suppression import NonMaximumSuppression, non_maximum_suppression

__all__ = ["NonMaximumSuppression", "ParticlePicker", "non_maximum_suppression"]
