"""Varied micrographs for pretraining: scenes drawn in NumPy, formed in PyTorch."""

from puclassify.datasets._simulator._micrograph_simulator import MicrographSimulator
from puclassify.datasets._simulator._simulated_micrograph import SimulatedMicrograph

__all__ = ["MicrographSimulator", "SimulatedMicrograph"]
