"""What ``volumes=`` accepts: molecules, their names, and files of atoms and densities."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeGuard

from puclassify.datasets._molecules._atomic_model import MODEL_ENDINGS, read_atomic_model
from puclassify.datasets._molecules._density_map import MAP_ENDINGS, read_density_map
from puclassify.datasets._molecules._molecule import Molecule
from puclassify.datasets._molecules._packed import (
    check_structure,
    list_structures,
    load_structure,
)

__all__ = ["MoleculeList", "Volumes", "read_volume"]

Volumes = str | os.PathLike[str] | Molecule | Sequence[str | os.PathLike[str] | Molecule] | None


def read_volume(path: str | os.PathLike[str]) -> Molecule:
    """Read a molecule from an atomic model or a density map.

    Parameters
    ----------
    path : str or path-like
        An MRC file (``.mrc``, ``.map``, ``.ccp4``), or a PDB or mmCIF file (``.pdb``, ``.ent``,
        ``.cif``, ``.mmcif``), which needs the package gemmi (``pip install
        'puclassify[molecules]'``); ``.gz`` may follow.

    Returns
    -------
    Molecule
        Of an atomic model the first biological assembly, or the first model where the file names
        no assembly, without water: a point for each atom. Of a map the largest connected part more
        than three standard deviations above the mean, with its soft edge: a point for each voxel.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ImportError
        If an atomic model is to be read without gemmi.
    ValueError
        If the file is of another kind or cannot be read, or a map has no voxel size.

    Examples
    --------
    >>> import tempfile, mrcfile, numpy as np
    >>> from puclassify.datasets import read_volume
    >>> z, y, x = np.indices((32, 32, 32)) - 15.5
    >>> ball = (np.sqrt(x**2 + y**2 + z**2) < 8).astype(np.float32)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mrcfile.write(f"{folder}/ball.mrc", ball, voxel_size=5.0)
    ...     read_volume(f"{folder}/ball.mrc")
    Molecule('ball', 2176 points, 84 Å)
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    ending = next((e for e in MAP_ENDINGS + MODEL_ENDINGS if path.name.lower().endswith(e)), None)
    if ending is None:
        endings = ", ".join(e for e in MAP_ENDINGS + MODEL_ENDINGS if not e.endswith(".gz"))
        raise ValueError(f"{path} is neither a density map nor an atomic model ({endings})")
    name = path.name[: -len(ending)] or path.name
    return (read_density_map if ending in MAP_ENDINGS else read_atomic_model)(path, name)


class MoleculeList:
    """What ``volumes`` lists, loaded when first asked for; None means every packed structure."""

    def __init__(self, volumes: Volumes) -> None:
        if volumes is None:
            volumes = [structure.name for structure in list_structures()]
        if isinstance(volumes, (str, os.PathLike, Molecule)):
            volumes = [volumes]
        self._loaded: dict[object, Molecule] = {}
        self._packed: dict[int, str] = {}
        names = []
        for i, volume in enumerate(volumes):
            if _is_name(volume):
                self._packed[i] = check_structure(volume)
                names.append(self._packed[i])
            else:
                self._loaded[i] = _as_molecule(volume, i)
                names.append(self._loaded[i].name)
        if not names:
            raise ValueError("volumes must list at least one molecule, got an empty list")
        self.names = tuple(names)

    def __getitem__(self, index: int) -> Molecule:
        return self.keep(index, lambda: load_structure(self._packed[index]))

    def keep(self, key: object, make: Callable[[], Molecule]) -> Molecule:
        """Return what was made for a key before, else make it."""
        if key not in self._loaded:
            self._loaded[key] = make()
        return self._loaded[key]


def _is_name(volume: object) -> TypeGuard[str]:
    return isinstance(volume, str) and not Path(volume).suffix and os.sep not in volume


def _as_molecule(volume: object, index: int) -> Molecule:
    if isinstance(volume, Molecule):
        return volume
    if isinstance(volume, (str, os.PathLike)):
        return read_volume(volume)
    raise TypeError(
        "volumes must list names of list_structures(), paths of MRC, PDB or mmCIF files, or "
        f"Molecules; number {index} is {type(volume).__name__}"
    )
