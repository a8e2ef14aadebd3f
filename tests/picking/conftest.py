import copy

import pytest

from puclassify import ParticlePicker, PUImageClassifier
from puclassify.datasets import make_micrographs


@pytest.fixture(scope="session")
def simulated():
    """Six easy micrographs of 256 x 256 with every particle known."""
    return make_micrographs(
        6, shape=(256, 256), particles_per_micrograph=12, snr=1.0, contamination=0.0, random_state=3
    )


@pytest.fixture
def short_epochs(monkeypatch):
    monkeypatch.setattr(ParticlePicker, "_steps_per_epoch", 6)


def small_classifier(**params):
    settings = {
        "criterion": "ge_binomial",
        "module_params": {"units": 4},
        "max_epochs": 1,
        "batch_size": 64,
        "lr": 0.01,
    }
    return PUImageClassifier("conv31", **{**settings, **params})


def small_picker(simulated, classifier=None, steps_per_epoch=6, **params):
    """A picker that is fitted soon; its clones have epochs of the usual length."""
    picker = ParticlePicker(
        params.pop("particle_diameter", simulated.particle_diameter),
        classifier=small_classifier() if classifier is None else classifier,
        **{
            "pixel_size": simulated.pixel_size,
            "random_state": 0,
            "expected_particles": 12,
            "threshold": 0.0,  # a number, so that nothing is estimated
            **params,
        },
    )
    picker._steps_per_epoch = steps_per_epoch
    return picker


@pytest.fixture
def make_picker(simulated, short_epochs):
    def make(classifier=None, **params):
        return small_picker(simulated, classifier, **params)

    return make


@pytest.fixture(scope="session")
def fitted_once(simulated):
    """A fitted picker that all tests share: change nothing in it, or use `fitted`."""
    picker = small_picker(simulated, steps_per_epoch=12)
    return picker.fit(simulated.micrographs[:4], simulated.coordinates[:4])


@pytest.fixture
def fitted(fitted_once):
    """A fitted picker of the test's own."""
    return copy.deepcopy(fitted_once)
