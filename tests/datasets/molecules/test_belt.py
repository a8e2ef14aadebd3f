"""Tests of micelles: found where the residues say, and around the protein."""

from __future__ import annotations

import numpy as np
import pytest

from puclassify.datasets import MembraneBelt, Molecule, load_structure
from puclassify.datasets._molecules import add_belt, find_belt


def rod_through_a_membrane(seed=0):
    """A rod along z, of leucines between z = 20 and 50 and of glutamates elsewhere."""
    rng = np.random.default_rng(seed)
    points = rng.uniform([-15, -15, 0], [15, 15, 120], (900, 3))
    masses = np.where((points[:, 2] > 20) & (points[:, 2] < 50), 113, 129)
    return Molecule("rod", points, masses), masses, points[:, 2]


def test_finds_the_hydrophobic_slab():
    rod, masses, z = rod_through_a_membrane()
    belt = find_belt(rod, masses)
    middle = 35 - np.average(z, weights=masses)
    assert abs(belt.axis[2]) > 0.95
    assert belt.offset * np.sign(belt.axis[2]) == pytest.approx(middle, abs=5)


def test_surrounds_the_slab_and_nothing_else():
    rod, _, _ = rod_through_a_membrane()
    with_axis = Molecule(
        rod.name, rod.points, rod.weights, belt=MembraneBelt((0.0, 0.0, 1.0), -10.0)
    )
    whole = add_belt(with_axis, 0.7)
    n = len(rod.points)
    # Both are relative to their own centre of mass.
    belt = whole.points[n:] - whole.points[:n].mean(axis=0) + rod.points.mean(axis=0)
    assert np.abs(belt[:, 2] + 10).max() < 20
    # All around, outside the protein and close to it.
    radius = np.hypot(belt[:, 0], belt[:, 1])
    assert radius.min() > 8
    assert 30 < radius.max() < 55
    around = np.arctan2(belt[:, 1], belt[:, 0])
    assert np.histogram(around, 8, (-np.pi, np.pi))[0].min() > len(belt) / 16
    assert np.abs(np.average(whole.points, axis=0, weights=whole.weights)).max() < 1e-3
    half = add_belt(with_axis, 0.35)
    np.testing.assert_allclose(half.weights[n:] * 2, whole.weights[n:], rtol=1e-5)


def test_molecules_without_a_membrane_stay_as_they_are():
    rod, _, _ = rod_through_a_membrane()
    assert add_belt(rod) is rod


def test_known_axes():
    # A trimeric channel and a tetrameric one have their axis of symmetry across the membrane.
    for name in ("1u7g", "6lmt"):
        molecule = load_structure(name)
        covariance = np.cov(molecule.points.T, aweights=molecule.weights)
        values, vectors = np.linalg.eigh(covariance)
        odd = np.argmax(np.abs(values - np.median(values)))
        assert abs(vectors[:, odd] @ molecule.belt.axis) > 0.9
