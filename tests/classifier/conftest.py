from types import SimpleNamespace

import numpy as np
import pytest


@pytest.fixture
def rows():
    """Feature rows: 20 labelled positives, then 40 unlabelled of which the first 12 are too."""
    rng = np.random.default_rng(0)
    truth = np.repeat([1, 1, 0], [20, 12, 28])
    X = rng.normal(size=(60, 3)) + 2.0 * truth[:, None]
    return SimpleNamespace(X=X, y=np.repeat([1, 0], [20, 40]), truth=truth, prior=0.3)


@pytest.fixture
def images():
    """Images of 31 x 31 pixels: 16 with a bright square, labelled, and 32 of which 8 have one."""
    rng = np.random.default_rng(0)
    truth = np.repeat([1, 1, 0], [16, 8, 24])
    X = rng.normal(size=(48, 31, 31)).astype(np.float32)
    X[truth == 1, 11:20, 11:20] += 2.0
    return SimpleNamespace(X=X, y=np.repeat([1, 0], [16, 32]), truth=truth, prior=0.25)
