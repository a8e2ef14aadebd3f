"""Tests of the molecules that come with the package, against the table of their source."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from puclassify.datasets import list_structures, load_structure

STRUCTURES = list_structures()


def test_there_are_179_with_names_of_their_own():
    assert len(STRUCTURES) == 179
    assert len({structure.name for structure in STRUCTURES}) == 179


@pytest.mark.parametrize("structure", STRUCTURES[::9] + [STRUCTURES[86]], ids=lambda s: s.name)
def test_mass_and_extent_are_those_of_the_table(structure):
    molecule = load_structure(structure.name)
    assert molecule.name == structure.name
    assert molecule.diameter == pytest.approx(structure.diameter, abs=5)
    assert (molecule.belt is not None) == structure.membrane
    # Nucleic acids count by half as much again as by their mass.
    mass = molecule.weights.sum() / 1000
    assert 0.99 * structure.mass < mass < 1.51 * structure.mass


@pytest.mark.parametrize(("name", "fold"), [("1mnf", 7), ("1aon", 7), ("7nhs", 8)])
def test_symmetry(name, fold):
    # The second moments of a molecule with a rotation axis are round around it.
    molecule = load_structure(name)
    moments = np.linalg.eigvalsh(np.cov(molecule.points.T, aweights=molecule.weights))
    gaps = np.diff(moments) / moments.mean()
    assert gaps.min() < 0.02


def test_names_in_any_case_and_unknown_ones():
    assert load_structure("1AON").name == "1aon"
    with pytest.raises(ValueError, match=r"no structure named '1aom' .*did you mean '1aon'"):
        load_structure("1aom")
    with pytest.raises(ValueError, match="no structure named 5"):
        load_structure(5)


def test_every_residue_is_where_the_source_has_it():
    folder = os.environ.get("PUCLASSIFY_DATA")
    if not folder:
        pytest.skip("$PUCLASSIFY_DATA is not set")
    for name in ("1u7g", "2pyo", "1rb8"):
        with np.load(Path(folder) / "structures" / "residue" / f"{name}.npz") as source:
            xyz = source["xyz"].astype("f4") / 10
            copies = [xyz @ m[:, :3].T + m[:, 3] for m in source["ops"]]
            weights = np.where(source["kind"] == 1, 1.5, 1.0) * source["weight"]
        points, weights = np.concatenate(copies), np.tile(weights, len(copies))
        points -= np.average(points, axis=0, weights=weights)
        molecule = load_structure(name)
        np.testing.assert_allclose(molecule.points, points, atol=0.01)
        np.testing.assert_allclose(molecule.weights, weights, rtol=1e-6)
