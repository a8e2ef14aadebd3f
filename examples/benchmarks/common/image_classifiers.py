"""The classifiers that the image benchmarks train, and their settings."""

from __future__ import annotations

import numpy as np
from torch import nn

from common.image_sets import ImageSet
from puclassify import PUImageClassifier

__all__ = [
    "RISKS",
    "MultilayerPerceptron",
    "accuracy",
    "classifier_for",
    "large_set_settings",
    "small_set_settings",
]

RISKS = ("upu", "nnpu", "abspu")  # the objectives that have a surrogate loss


class MultilayerPerceptron(nn.Module):
    """The network of Kiryo et al. (2017) for MNIST: five layers of weights, 300 units in each."""

    def __init__(self, in_features: int):
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        for width in (in_features, 300, 300, 300):
            layers += [nn.Linear(width, 300, bias=False), nn.BatchNorm1d(300), nn.ReLU()]
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(300, 1)

    def forward(self, x):
        """Return one logit for each image."""
        return self.head(self.features(x))


def small_set_settings() -> dict[str, dict]:
    """Return parameters of `PUImageClassifier`, by network, for 1200 images of 8 x 8 pixels."""
    return {
        "mlp": {
            "module": MultilayerPerceptron,
            "module_params": {"in_features": 8 * 8},
            "optimizer": "adam",
            "optimizer_params": {"weight_decay": 5e-3},
            "lr": 1e-3,
            "batch_size": 256,
            "max_epochs": 30,
        },
        "cnn": {
            "module": "cnn",
            "module_params": {"units": 8},
            "lr": 1e-2,
            "batch_size": 256,
            "max_epochs": 20,
        },
    }


def large_set_settings(weight_decay: float) -> dict[str, dict]:
    """Return the same for 60,000 images of 28 x 28 pixels; the weight decay is that of "mlp"."""
    return {
        "mlp": {
            "module": MultilayerPerceptron,
            "module_params": {"in_features": 28 * 28},
            "optimizer": "adam",
            "optimizer_params": {"weight_decay": weight_decay},
            "lr": 1e-3,
            "batch_size": 2000,
            "max_epochs": 30,
        },
        "cnn": {
            "module": "cnn",
            "module_params": {"units": 16},
            "lr": 3e-3,
            "batch_size": 1000,
            "max_epochs": 10,
        },
    }


def classifier_for(
    criterion: str, settings: dict, prior: float | str, surrogate="sigmoid", device="auto"
) -> PUImageClassifier:
    """Build a classifier that trains on all examples; the surrogate is that of the risks."""
    classifier = PUImageClassifier(
        criterion=criterion, prior=prior, calibration=None, device=device, **settings
    )
    if criterion in RISKS:
        classifier.set_params(criterion__surrogate=surrogate)
    return classifier


def accuracy(classifier: PUImageClassifier, images: ImageSet) -> float:
    """Return the share of the test images that a fitted classifier gets right."""
    return float(np.mean((classifier.predict(images.test) == 1) == images.test_truth))
