import copy

import numpy as np
import pytest

from puclassify.datasets import make_micrographs

from .small_models import small_classifier, small_picker


@pytest.fixture(scope="session")
def simulated():
    """Five easy micrographs of 256 x 256 with every particle known."""
    return make_micrographs(
        5, shape=(256, 256), particles_per_micrograph=12, snr=1.0, contamination=0.0, random_state=3
    )


@pytest.fixture(scope="session")
def fitted_picker(simulated):
    """A picker with estimates that all tests share: change nothing in it."""
    picker = small_picker(simulated)
    return picker.fit(simulated.micrographs[:3], simulated.coordinates[:3])


@pytest.fixture
def picker(fitted_picker):
    """The same, of the test's own."""
    return copy.deepcopy(fitted_picker)


@pytest.fixture(scope="session")
def images():
    """Images of which the first third hold a bright square, half of them labelled."""
    rng = np.random.default_rng(0)
    pixels = rng.normal(size=(120, 12, 12)).astype(np.float32)
    pixels[:40, 4:8, 4:8] += 2.0
    return pixels, np.repeat([1, 0], [20, 100])


@pytest.fixture(scope="session")
def fitted_classifier(images):
    """A classifier that all tests share: change nothing in it."""
    return small_classifier(module_params={"units": 4}).fit(*images)
