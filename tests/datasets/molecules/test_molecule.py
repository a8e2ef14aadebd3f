"""Tests of molecules as points."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from puclassify.datasets import Molecule
from puclassify.datasets._molecules import gather_points


def cloud(n=300, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(5, [10, 20, 30], (n, 3)), rng.uniform(1, 3, n)


def test_centre_of_mass_is_the_origin_and_the_diameter_the_largest_distance():
    points, weights = cloud()
    molecule = Molecule("cloud", points, weights, width=2.0)
    np.testing.assert_allclose(np.average(molecule.points, axis=0, weights=weights), 0, atol=1e-4)
    assert molecule.diameter == pytest.approx(pdist(points).max() + 4.0, rel=1e-6)


@pytest.mark.parametrize("points", [np.zeros((1, 3)), np.arange(6.0).reshape(2, 3)])
def test_few_points(points):
    longest = pdist(points).max(initial=0)
    assert Molecule("few", points, np.ones(len(points))).diameter == pytest.approx(longest + 6)


def test_flat_and_straight_molecules_have_a_diameter():
    line = np.c_[np.linspace(0, 100, 50), np.zeros((50, 2))]
    assert Molecule("line", line, np.ones(50), width=0.0).diameter == pytest.approx(100)
    rng = np.random.default_rng(0)
    plane = np.c_[rng.normal(size=(400, 2)), np.zeros(400)]
    expected = pdist(plane).max()
    assert Molecule("plane", plane, np.ones(400), width=0.0).diameter == pytest.approx(expected)


@pytest.mark.parametrize(
    ("points", "weights", "message"),
    [
        (np.zeros((0, 3)), np.zeros(0), "at least one, got shape"),
        (np.zeros((4, 2)), np.ones(4), "x, y, z in rows"),
        (np.zeros((4, 3)), np.ones(3), "one for each of 4 points"),
        (np.full((4, 3), np.nan), np.ones(4), "must be finite"),
        (np.zeros((4, 3)), np.array([1, 1, 1, 0]), "weights positive"),
    ],
)
def test_refuses(points, weights, message):
    with pytest.raises(ValueError, match=message):
        Molecule("bad", points, weights)


def test_gathering_keeps_mass_centre_and_spread():
    points, weights = cloud(2000)
    centers, mass, variance = gather_points(points, weights, 8.0)
    assert len(centers) < 0.7 * len(points)
    assert mass.sum() == pytest.approx(weights.sum())
    np.testing.assert_allclose(
        np.average(centers, axis=0, weights=mass), np.average(points, axis=0, weights=weights)
    )
    mean = np.average(points, axis=0, weights=weights)
    before = np.average(np.square(points - mean).sum(axis=1), weights=weights)
    after = np.average(np.square(centers - mean).sum(axis=1) + 3 * variance, weights=mass)
    assert after == pytest.approx(before)
