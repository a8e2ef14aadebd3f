"""Simulated micrographs with known particles, and simulated labels."""

from puclassify.datasets._label_particles import label_particles
from puclassify.datasets._label_positives import label_positives
from puclassify.datasets._local_contrast import local_contrast
from puclassify.datasets._micrographs import make_micrographs

__all__ = ["label_particles", "label_positives", "local_contrast", "make_micrographs"]
