"""Tests of orientations and projections."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from puclassify.datasets._densities import PseudoAtoms, make_density
from puclassify.datasets._projection import (
    paste_projections,
    project_density,
    random_quaternions,
    rotation_matrices,
)

IDENTITY = np.eye(3)[None]


def analytic_projection(density, rotation, center, radius, shape):
    """Sum of 2-D Gaussians in float64, one pseudo-atom after the other."""
    y, x = np.indices(shape, dtype=np.float64)
    image = np.zeros(shape)
    for point, width, weight in zip(density.centers, density.widths, density.weights):
        px, py, _ = rotation @ point * radius
        variance = (width * radius) ** 2 + 1 / 12
        squared = (x - center[0] - px) ** 2 + (y - center[1] - py) ** 2
        image += weight * radius**2 / (2 * np.pi * variance) * np.exp(-squared / (2 * variance))
    return image


class TestOrientations:
    def test_are_unit_quaternions_and_agree_with_scipy(self):
        quaternions = random_quaternions(np.random.default_rng(0), 50)
        np.testing.assert_allclose(np.linalg.norm(quaternions, axis=1), 1)
        expected = Rotation.from_quat(quaternions).as_matrix()
        np.testing.assert_allclose(rotation_matrices(quaternions), expected, atol=1e-12)

    def test_are_uniform_over_so3(self):
        matrices = rotation_matrices(random_quaternions(np.random.default_rng(1), 20_000))
        # For the uniform distribution every entry has mean 0 and variance 1/3, and the angle of
        # rotation has the density (1 - cos) / pi with mean pi / 2 + 2 / pi.
        np.testing.assert_allclose(matrices.mean(axis=0), 0, atol=0.02)
        np.testing.assert_allclose(matrices.var(axis=0), 1 / 3, atol=0.02)
        angles = np.arccos(np.clip((np.trace(matrices, axis1=1, axis2=2) - 1) / 2, -1, 1))
        assert angles.mean() == pytest.approx(np.pi / 2 + 2 / np.pi, abs=0.02)
        viewing_cosine = matrices[:, 2, 2]
        quartiles = np.quantile(viewing_cosine, [0.25, 0.5, 0.75])
        np.testing.assert_allclose(quartiles, [-0.5, 0, 0.5], atol=0.03)


class TestProjectDensity:
    def test_one_gaussian_against_its_analytic_form(self):
        atom = PseudoAtoms(np.array([[0.4, -0.2, 0.3]]), np.array([0.2]), np.array([1.0]))
        image = project_density(atom, IDENTITY, np.array([[0.3, -0.25]]), 10.0, 41)[0]
        expected = analytic_projection(atom, np.eye(3), (20.3, 19.75), 10.0, (41, 41))
        np.testing.assert_allclose(image, expected, rtol=1e-4, atol=1e-6)

    @pytest.mark.parametrize("kind", ["globular", "elongated"])
    def test_rotated_molecules_against_the_sum_of_their_atoms(self, kind):
        density = make_density(kind)
        quaternions = random_quaternions(np.random.default_rng(2), 18)
        rotations = Rotation.from_quat(quaternions).as_matrix()
        images = project_density(density, rotations, np.zeros((18, 2)), 8.0, 25)
        for i in (0, 15, 16, 17):
            expected = analytic_projection(density, rotations[i], (12, 12), 8.0, (25, 25))
            np.testing.assert_allclose(images[i], expected, rtol=1e-3, atol=1e-5)

    def test_keeps_the_mass_whatever_the_orientation_and_scale(self):
        rotations = rotation_matrices(random_quaternions(np.random.default_rng(3), 5))
        for radius in (8.0, 20.0):
            images = project_density(
                make_density("ring"), rotations, np.zeros((5, 2)), radius, int(3 * radius) * 2 + 1
            )
            np.testing.assert_allclose(images.sum(axis=(1, 2)) / radius**2, 1, rtol=1e-3)

    def test_turning_about_the_beam_turns_the_image(self):
        quarter = Rotation.from_euler("z", 90, degrees=True).as_matrix()
        image, turned = project_density(
            make_density("globular"), np.stack([np.eye(3), quarter]), np.zeros((2, 2)), 10.0, 31
        )
        # x -> y: a positive turn takes columns to rows
        np.testing.assert_allclose(turned, image.T[:, ::-1], atol=1e-5)


class TestPasteProjections:
    def test_particle_over_the_corner_is_cut_off(self):
        density = make_density("small")
        canvas = np.zeros((40, 50), dtype=np.float32)
        centers = np.array([[1.3, 2.6], [48.2, 37.9], [24.5, 20.5]])
        paste_projections(canvas, density, np.repeat(IDENTITY, 3, axis=0), centers, 9.0)
        expected = sum(
            analytic_projection(density, np.eye(3), center, 9.0, canvas.shape) for center in centers
        )
        np.testing.assert_allclose(canvas, expected, atol=2e-3)
