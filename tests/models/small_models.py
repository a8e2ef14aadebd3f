"""Estimators that are fitted soon."""

from puclassify import ParticlePicker, PUImageClassifier


def small_picker(simulated, **params):
    """A picker that is fitted soon."""
    classifier = PUImageClassifier(
        "conv31",
        criterion="ge_binomial",
        module_params={"units": 4},
        max_epochs=2,
        batch_size=64,
        lr=0.01,
    )
    settings = {"pixel_size": simulated.pixel_size, "random_state": 0, "classifier": classifier}
    picker = ParticlePicker(simulated.particle_diameter, **{**settings, **params})
    picker._steps_per_epoch = 8
    return picker


def small_classifier(module="auto", **params):
    settings = {"max_epochs": 2, "batch_size": 32, "random_state": 0, "prior": 0.3}
    return PUImageClassifier(module, **{**settings, **params})
