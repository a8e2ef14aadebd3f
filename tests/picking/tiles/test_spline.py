import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from puclassify.picking.tiles._spline import sample_spline, spline_coefficients


@pytest.fixture
def noise():
    return np.random.default_rng(0).normal(size=(2, 40, 50))


def sample(images, positions):
    coefficients = np.stack([spline_coefficients(image) for image in images])
    return sample_spline(torch.from_numpy(coefficients), torch.from_numpy(positions)).numpy()


def test_equals_scipy(noise):
    positions = np.random.default_rng(1).uniform([2, 2], [47, 37], size=(2, 12, 11, 2))
    positions = np.moveaxis(positions, -1, 0)
    expected = [
        map_coordinates(image, at[::-1], order=3, mode="mirror")
        for image, at in zip(noise, np.swapaxes(positions, 0, 1), strict=True)
    ]
    np.testing.assert_allclose(sample(noise, positions), expected, atol=1e-4)


def test_grid_points_are_reproduced(noise):
    columns, rows = np.meshgrid(np.arange(3, 46.0), np.arange(3, 36.0))
    positions = np.stack([[columns, columns], [rows, rows]])
    np.testing.assert_allclose(sample(noise, positions), noise[:, 3:36, 3:46], atol=1e-4)
