"""Answers for a network's map, against distances computed one by one."""

import numpy as np
import pytest

from puclassify.networks import ResNet9
from puclassify.pretraining._targets import IGNORED, targets

FIELD, STRIDE = 71, 4


def one_by_one(shape, centers, hidden, diameter):
    """Return the answers from the distances of each position to each particle."""
    size = [(edge - FIELD) // STRIDE + 1 for edge in shape]
    answer = np.zeros(size, np.float32)
    for i, j in np.ndindex(*size):
        x, y = STRIDE * j + 35.0, STRIDE * i + 35.0
        away = np.hypot(centers[:, 0] - x, centers[:, 1] - y) / diameter
        if (away[~hidden] <= 0.125).any():
            answer[i, j] = 1
        elif (away[~hidden] < 0.27).any() or (away[hidden] < 0.5).any():
            answer[i, j] = IGNORED
    for x, y in centers[~hidden]:
        i, j = np.rint((np.array([y, x]) - 35) / STRIDE).astype(int)
        if 0 <= i < size[0] and 0 <= j < size[1]:
            answer[i, j] = 1
    return answer


@pytest.mark.parametrize("n", [0, 1, 12])
@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_equals_distances_one_by_one(n, share):
    rng = np.random.default_rng(n)
    shape = (150, 131)
    centers = rng.uniform(20, 120, (n, 2))
    hidden = rng.random(n) < share
    found = targets(shape, FIELD, STRIDE, centers, hidden, 30.0, 0.125, 0.27)
    np.testing.assert_array_equal(found, one_by_one(shape, centers, hidden, 30.0))


def test_has_the_shape_of_the_network_map():
    import torch

    network = ResNet9(units=4)
    for shape in [(96, 96), (97, 131)]:
        expected = network(torch.zeros(1, 1, *shape)).shape[2:]
        none = np.empty((0, 2)), np.empty(0, bool)
        found = targets(shape, network.receptive_field, network.stride, *none, 30.0, 0.125, 0.27)
        assert found.shape == tuple(expected)
