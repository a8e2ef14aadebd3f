"""Simulated micrographs with known particles, molecules to show in them, and simulated labels."""

from puclassify.datasets._label_particles import label_particles
from puclassify.datasets._label_positives import label_positives
from puclassify.datasets._local_contrast import local_contrast
from puclassify.datasets._micrographs import make_micrographs
from puclassify.datasets._molecules import (
    MembraneBelt,
    Molecule,
    Structure,
    list_structures,
    load_structure,
    read_volume,
)
from puclassify.datasets._simulator import MicrographSimulator, SimulatedMicrograph

__all__ = [
    "MembraneBelt",
    "MicrographSimulator",
    "Molecule",
    "SimulatedMicrograph",
    "Structure",
    "label_particles",
    "label_positives",
    "list_structures",
    "load_structure",
    "local_contrast",
    "make_micrographs",
    "read_volume",
]
