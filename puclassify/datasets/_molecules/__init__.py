"""Molecules to simulate micrographs of: packed ones, and files of atoms and densities."""

from puclassify.datasets._molecules._belt import add_belt, find_belt
from puclassify.datasets._molecules._molecule import (
    MembraneBelt,
    Molecule,
    gather_points,
    half_sphere,
)
from puclassify.datasets._molecules._packed import (
    Structure,
    check_structure,
    list_structures,
    load_structure,
)
from puclassify.datasets._molecules._volume_files import MoleculeList, Volumes, read_volume

__all__ = [
    "MembraneBelt",
    "Molecule",
    "MoleculeList",
    "Structure",
    "Volumes",
    "add_belt",
    "check_structure",
    "find_belt",
    "gather_points",
    "half_sphere",
    "list_structures",
    "load_structure",
    "read_volume",
]
