"""Particles cut out of micrographs, in stacks that other programs read."""

from puclassify.particles._extract_particles import extract_particles
from puclassify.particles._extracted_particles import ExtractedParticles

__all__ = ["ExtractedParticles", "extract_particles"]
