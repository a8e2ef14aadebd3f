"""Pack residues of the Protein Data Bank into the file that comes with the package.

The folder holds ``structures.csv`` and ``residue/NAME.npz`` with ``xyz`` (n, 3) in 0.1 ångström,
``weight`` in dalton, ``kind`` (0 protein, 1 nucleic acid, 2 other) and ``ops`` (k, 3, 4), the
copies of the biological assembly::

    python examples/benchmarks/pack_structures.py path/to/structures

Residues are stored as steps from one to the next, which compresses best. The axis and position of
the membrane is searched here, from the residues' hydrophobicity, so that loading is quick.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

from puclassify.datasets import Molecule
from puclassify.datasets._molecules import find_belt

TARGET = Path(__file__).resolve().parents[2] / "puclassify" / "datasets" / "structures"


def main():
    """Run the packing from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--target", type=Path, default=TARGET)
    options = parser.parse_args()
    with (options.folder / "structures.csv").open() as file:
        rows = list(csv.DictReader(file))
    parts = [read(options.folder / "residue" / f"{row['name']}.npz", row) for row in rows]
    packed = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    for name, counted in (("first_residue", "weight"), ("first_operator", "operators")):
        packed[name] = np.cumsum([0] + [len(part[counted]) for part in parts]).astype(np.int32)
    options.target.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(options.target / "residues.npz", **packed)
    (options.target / "structures.csv").write_bytes(
        (options.folder / "structures.csv").read_bytes()
    )
    size = (options.target / "residues.npz").stat().st_size
    print(f"{len(rows)} structures, {len(packed['weight'])} residues, {size / 1e6:.2f} MB")


def read(path: Path, row: dict[str, str]) -> dict[str, np.ndarray]:
    """Return one structure as the arrays to be joined."""
    with np.load(path) as residues:
        xyz, weight, kind, operators = (residues[n] for n in ("xyz", "weight", "kind", "ops"))
    belt = np.zeros((1, 4), np.float32)
    if row["membrane"] == "1":
        unit = xyz.astype(np.float32) / 10
        points = np.concatenate([unit @ m[:, :3].T + m[:, 3] for m in operators])
        masses = np.tile(weight, len(operators))
        found = find_belt(Molecule(row["name"], points, masses), masses)
        belt[0] = (*found.axis, found.offset)
        print(row["name"], row["title"], found)
    return {
        "step": np.diff(xyz, axis=0, prepend=np.zeros((1, 3), xyz.dtype)),
        "weight": weight,
        "kind": kind,
        "operators": operators.astype(np.float32),
        "belt": belt,
    }


if __name__ == "__main__":
    main()
