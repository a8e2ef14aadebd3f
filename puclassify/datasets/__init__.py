"""Simulated micrographs with known particles."""

from puclassify.datasets._micrographs import make_micrographs

__all__ = ["make_micrographs"]
