"""The molecules that come with the package."""

from __future__ import annotations

import csv
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np

from puclassify._parameters import did_you_mean
from puclassify.datasets._molecules._molecule import (
    NUCLEIC_ACID_CONTRAST,
    MembraneBelt,
    Molecule,
)

__all__ = ["Structure", "check_structure", "list_structures", "load_structure"]

_NUCLEIC_ACID = 1  # a kind of residue


class Structure(NamedTuple):
    """One of the molecules that come with the package.

    Parameters
    ----------
    name : str
        What `load_structure` and ``kind=`` call it, mostly the PDB id in lower case.
    title : str
        What it is; empty where only the id is known.
    mass : float
        In kilodalton.
    diameter : float
        Longest extent in ångström.
    symmetry : str
        Point group, such as "C1", "D7" or "I".
    elongation : float
        Longest divided by shortest principal extent.
    shape : str
        "globular", "elongated" or "flat".
    membrane : bool
        Whether it spans a membrane.

    Examples
    --------
    >>> from puclassify.datasets import list_structures
    >>> list_structures()[0].title, list_structures()[0].symmetry
    ('rubisco', 'C4')
    """

    name: str
    title: str
    mass: float
    diameter: float
    symmetry: str
    elongation: float
    shape: str
    membrane: bool


@lru_cache(maxsize=1)
def _rows() -> dict[str, dict[str, str]]:
    with (files("puclassify.datasets") / "structures" / "structures.csv").open() as file:
        return {row["name"]: row for row in csv.DictReader(file)}


@lru_cache(maxsize=1)
def _arrays() -> dict[str, np.ndarray]:
    with (
        (files("puclassify.datasets") / "structures" / "residues.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as packed,
    ):
        return {name: packed[name] for name in packed.files}


def list_structures() -> list[Structure]:
    """List the molecules that come with the package.

    They are 179 biological assemblies of the Protein Data Bank from 19 to 19,000 kDa: enzymes,
    cages, chaperonins, capsids, membrane proteins, antibodies, RNA and rods. Coordinates of the
    Protein Data Bank are in the public domain (wwPDB, CC0 1.0).

    Returns
    -------
    list of Structure
        In a fixed order.

    See Also
    --------
    load_structure : One of them as points.

    Examples
    --------
    >>> from puclassify.datasets import list_structures
    >>> structures = list_structures()
    >>> len(structures)
    179
    >>> [s.title for s in structures if s.symmetry == "D7"]
    ['GroEL 14-mer', 'Crystal Structure of an Archaeal Sm Protein from Sulfolobus solfataric']
    """
    return [
        Structure(
            name=row["name"],
            title=row["title"],
            mass=float(row["mass_kDa"]),
            diameter=float(row["max_diameter_A"]),
            symmetry=row["symmetry"],
            elongation=float(row["elongation"]),
            shape=row["shape"],
            membrane=row["membrane"] == "1",
        )
        for row in _rows().values()
    ]


def check_structure(name: str) -> str:
    """Return the name of a packed structure as it is listed."""
    rows = _rows()
    if isinstance(name, str) and name.lower() in rows:
        return name.lower()
    hint = did_you_mean(name, rows) if isinstance(name, str) else ""
    raise ValueError(
        f"there is no structure named {name!r} among the {len(rows)} of list_structures(){hint}"
        "; pass files of your own as volumes="
    )


def load_structure(name: str) -> Molecule:
    """Load one of the molecules that come with the package.

    Parameters
    ----------
    name : str
        Its name as in `list_structures`, in any case.

    Returns
    -------
    Molecule
        One point for each residue of the biological assembly.

    Raises
    ------
    ValueError
        If there is none of this name.

    Examples
    --------
    >>> from puclassify.datasets import load_structure
    >>> load_structure("1aon")  # GroEL with GroES
    Molecule('1aon', 8022 points, 209 Å)
    """
    name = check_structure(name)
    index = list(_rows()).index(name)
    packed = _arrays()
    residues = slice(*packed["first_residue"][index : index + 2])
    copies = packed["operators"][slice(*packed["first_operator"][index : index + 2])]
    unit = np.cumsum(packed["step"][residues], axis=0, dtype=np.int16).astype(np.float32) / 10
    weights = packed["weight"][residues].astype(np.float32)
    weights[packed["kind"][residues] == _NUCLEIC_ACID] *= NUCLEIC_ACID_CONTRAST
    *axis, offset = packed["belt"][index].tolist()
    return Molecule(
        name=name,
        points=np.concatenate([unit @ m[:, :3].T + m[:, 3] for m in copies]),
        weights=np.tile(weights, len(copies)),
        belt=MembraneBelt((axis[0], axis[1], axis[2]), offset) if any(axis) else None,
    )
