"""Atomic models in PDB and mmCIF files."""

from __future__ import annotations

import os
from types import ModuleType

import numpy as np

from puclassify.datasets._molecules._molecule import NUCLEIC_ACID_CONTRAST, Molecule

__all__ = ["MODEL_ENDINGS", "read_atomic_model"]

MODEL_ENDINGS = (".pdb", ".ent", ".cif", ".mmcif", ".pdb.gz", ".ent.gz", ".cif.gz", ".mmcif.gz")
_ATOM_WIDTH = 1.5


def _gemmi() -> ModuleType:
    try:
        import gemmi
    except ImportError as error:
        raise ImportError(
            "reading atomic models needs gemmi: pip install 'puclassify[molecules]'"
        ) from error
    return gemmi


def read_atomic_model(path: str | os.PathLike[str], name: str) -> Molecule:
    """Read the first biological assembly of the file, or its first model where it names none."""
    gemmi = _gemmi()
    try:
        structure = gemmi.read_structure(os.fspath(path))
    except (RuntimeError, ValueError, IndexError) as error:
        raise ValueError(f"{path} cannot be read as a PDB or mmCIF file: {error}") from error
    if not len(structure):
        raise ValueError(f"{path} holds no model; is it a file of coordinates?")
    structure.setup_entities()
    structure.remove_alternative_conformations()
    structure.remove_hydrogens()
    structure.remove_waters()
    model = structure[0]
    if structure.assemblies:
        model = gemmi.make_assembly(structure.assemblies[0], model, gemmi.HowToNameCopiedChain.Dup)
    points, weights = [], []
    for chain in model:
        for residue in chain:
            is_nucleic = gemmi.find_tabulated_residue(residue.name).is_nucleic_acid()
            contrast = NUCLEIC_ACID_CONTRAST if is_nucleic else 1.0
            for atom in residue:
                points.append(atom.pos.tolist())
                weights.append(atom.element.weight * contrast)
    if not points:
        raise ValueError(f"{path} holds no atoms besides water and hydrogens")
    return Molecule(name, np.array(points), np.array(weights), width=_ATOM_WIDTH)
