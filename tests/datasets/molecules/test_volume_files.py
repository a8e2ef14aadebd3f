"""Tests of molecules from files: density maps, and atomic models as PDB and mmCIF."""

from __future__ import annotations

import gzip
import sys

import mrcfile
import numpy as np
import pytest

from puclassify.datasets import load_structure, read_volume
from puclassify.datasets._molecules import MoleculeList

ATOMS = [  # name, element, residue, chain, number, x, y, z
    ("N", "N", "ALA", "A", 1, 0.0, 0.0, 0.0),
    ("CA", "C", "ALA", "A", 1, 1.5, 0.0, 0.0),
    ("O", "O", "GLY", "A", 2, 1.5, 9.25, -3.5),
    ("P", "P", "DA", "B", 1, -20.125, 4.0, 30.0),
    ("O", "O", "HOH", "A", 3, 99.0, 99.0, 99.0),
]
MASSES = {"N": 14.0067, "C": 12.011, "O": 15.9994, "P": 30.9738}


def pdb_line(i, atom):
    name, element, residue, chain, number, x, y, z = atom
    record = "HETATM" if residue == "HOH" else "ATOM  "
    return (
        f"{record}{i:5d}  {name:<3} {residue:>3} {chain}{number:4d}    "
        f"{x:8.3f}{y:8.3f}{z:8.3f}  1.00 20.00          {element:>2}\n"
    )


def pdb_text(assembly=""):
    return assembly + "".join(pdb_line(i, a) for i, a in enumerate(ATOMS, 1)) + "END\n"


COLUMNS = (
    "group_PDB id type_symbol label_atom_id label_alt_id label_comp_id label_asym_id "
    "label_entity_id label_seq_id Cartn_x Cartn_y Cartn_z occupancy B_iso_or_equiv "
    "auth_seq_id auth_asym_id pdbx_PDB_model_num"
)


def cif_text():
    head = "data_X\nloop_\n" + "".join(f"_atom_site.{name}\n" for name in COLUMNS.split())
    rows = [
        f"{'HETATM' if r == 'HOH' else 'ATOM'} {i} {e} {n} . {r} {c} 1 {k} {x} {y} {z} 1 20 "
        f"{k} {c} 1"
        for i, (n, e, r, c, k, x, y, z) in enumerate(ATOMS, 1)
    ]
    return head + "\n".join(rows) + "\n"


def expected(atoms=ATOMS[:4]):
    points = np.array([atom[5:] for atom in atoms])
    weights = np.array([MASSES[a[1]] * (1.5 if a[2] == "DA" else 1.0) for a in atoms])
    return points - np.average(points, axis=0, weights=weights), weights


class TestAtomicModels:
    @pytest.fixture(autouse=True)
    def _reader(self):
        pytest.importorskip("gemmi")

    @pytest.mark.parametrize(
        ("name", "text"),
        [("m.pdb", pdb_text()), ("m.ENT", pdb_text()), ("m.cif", cif_text())],
    )
    @pytest.mark.parametrize("compressed", [False, True])
    def test_every_atom_but_water(self, tmp_path, name, text, compressed):
        path = tmp_path / (name + ".gz" if compressed else name)
        path.write_bytes(gzip.compress(text.encode()) if compressed else text.encode())
        molecule = read_volume(path)
        points, weights = expected()
        assert molecule.name == "m"
        np.testing.assert_allclose(molecule.points, points, atol=2e-3)
        np.testing.assert_allclose(molecule.weights, weights, rtol=1e-3)

    def test_the_biological_assembly_is_what_is_simulated(self, tmp_path):
        remark = (
            "REMARK 350\nREMARK 350 BIOMOLECULE: 1\n"
            "REMARK 350 AUTHOR DETERMINED BIOLOGICAL UNIT: DIMERIC\n"
            "REMARK 350 APPLY THE FOLLOWING TO CHAINS: A, B\n"
            "REMARK 350   BIOMT1   1  1.000000  0.000000  0.000000        0.00000\n"
            "REMARK 350   BIOMT2   1  0.000000  1.000000  0.000000        0.00000\n"
            "REMARK 350   BIOMT3   1  0.000000  0.000000  1.000000        0.00000\n"
            "REMARK 350   BIOMT1   2 -1.000000  0.000000  0.000000       50.00000\n"
            "REMARK 350   BIOMT2   2  0.000000 -1.000000  0.000000        0.00000\n"
            "REMARK 350   BIOMT3   2  0.000000  0.000000  1.000000        0.00000\n"
        )
        path = tmp_path / "dimer.pdb"
        path.write_text(pdb_text(remark))
        molecule = read_volume(path)
        _, weights = expected()
        one = np.array([atom[5:] for atom in ATOMS[:4]])
        both = np.concatenate([one, one * [-1, -1, 1] + [50, 0, 0]])
        both -= np.average(both, axis=0, weights=np.tile(weights, 2))
        assert len(molecule.points) == 8
        order = np.lexsort(molecule.points.round(2).T)
        np.testing.assert_allclose(
            molecule.points[order], both[np.lexsort(both.round(2).T)], atol=2e-3
        )

    @pytest.mark.parametrize("text", ["", "data_x\n_cell.length_a 3\n", "\x00\x01\x02" * 40])
    def test_refuses_files_without_atoms(self, tmp_path, text):
        for name in ("m.pdb", "m.cif"):
            (tmp_path / name).write_text(text)
            with pytest.raises(ValueError, match=r"m\.(pdb|cif)"):
                read_volume(tmp_path / name)


def test_without_gemmi_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "gemmi", None)
    (tmp_path / "m.pdb").write_text(pdb_text())
    with pytest.raises(ImportError, match=r"puclassify\[molecules\]"):
        read_volume(tmp_path / "m.pdb")


def ellipsoid(center=(20, 14, 16), radii=(4, 6, 9), shape=(36, 32, 40)):
    z, y, x = np.indices(shape)
    inside = sum(((a - c) / r) ** 2 for a, c, r in zip((x, y, z), center, radii))
    return (inside < 1).astype(np.float32)


class TestDensityMaps:
    def test_the_molecule_is_found_with_its_size_and_without_the_noise(self, tmp_path):
        noise = np.random.default_rng(0).normal(0, 0.05, (36, 32, 40)).astype(np.float32)
        mrcfile.write(tmp_path / "map.mrc", ellipsoid() + noise, voxel_size=3.0)
        molecule = read_volume(tmp_path / "map.mrc")
        assert molecule.name == "map"
        assert molecule.diameter == pytest.approx(54 + 3, abs=6)
        spread = np.sqrt(np.average(molecule.points**2, axis=0, weights=molecule.weights))
        np.testing.assert_allclose(spread, 3 * np.array([4, 6, 9]) / np.sqrt(5), rtol=0.1)

    def test_axes_in_another_order_and_unequal_voxels(self, tmp_path):
        path = tmp_path / "map.ccp4"
        with mrcfile.new(path) as file:
            file.set_data(ellipsoid().transpose(1, 2, 0).copy())  # sections y, rows x, columns z
            file.header.mapc, file.header.mapr, file.header.maps = 3, 1, 2
            file.voxel_size = (2.0, 3.0, 4.0)
        molecule = read_volume(path)
        spread = np.sqrt(np.average(molecule.points**2, axis=0, weights=molecule.weights))
        np.testing.assert_allclose(spread, np.array([2 * 4, 3 * 6, 4 * 9]) / np.sqrt(5), rtol=0.1)

    def test_only_the_largest_part(self, tmp_path):
        two = ellipsoid() + ellipsoid((34, 26, 30), (2, 2, 2))
        mrcfile.write(tmp_path / "map.map", two, voxel_size=1.0)
        assert read_volume(tmp_path / "map.map").diameter < 24

    @pytest.mark.parametrize(
        ("data", "voxel", "message"),
        [
            (ellipsoid(), 0.0, "voxel size of"),
            (ellipsoid()[0], 1.0, "three axes"),
            (np.zeros((5, 5, 5), np.float32), 1.0, "same everywhere"),
            (np.full((5, 5, 5), np.nan, np.float32), 1.0, "not finite"),
        ],
    )
    @pytest.mark.filterwarnings("ignore::RuntimeWarning")
    def test_refuses(self, tmp_path, data, voxel, message):
        mrcfile.write(tmp_path / "map.mrc", data, voxel_size=voxel)
        with pytest.raises(ValueError, match=message):
            read_volume(tmp_path / "map.mrc")

    def test_refuses_other_files(self, tmp_path):
        (tmp_path / "map.mrc").write_bytes(b"not a map" * 50)
        with pytest.raises(ValueError, match=r"map\.mrc cannot be read as an MRC file"):
            read_volume(tmp_path / "map.mrc")
        (tmp_path / "map.txt").write_text("x")
        with pytest.raises(ValueError, match="neither a density map nor an atomic model"):
            read_volume(tmp_path / "map.txt")
        with pytest.raises(FileNotFoundError, match="no file"):
            read_volume(tmp_path / "none.mrc")


class TestLists:
    def test_names_files_and_molecules(self, tmp_path):
        mrcfile.write(tmp_path / "map.mrc", ellipsoid(), voxel_size=2.0)
        own = load_structure("1u7g")
        molecules = MoleculeList(["1AON", tmp_path / "map.mrc", str(tmp_path / "map.mrc"), own])
        assert molecules.names == ("1aon", "map", "map", "1u7g")
        assert molecules[3] is own
        assert molecules[0] is molecules[0]
        assert len(molecules[1].points) == len(molecules[2].points)

    def test_one_alone_and_all(self):
        assert MoleculeList("1aon").names == ("1aon",)
        assert len(MoleculeList(None).names) == 179
