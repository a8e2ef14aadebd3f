"""Values that no parameter can have, given to each parameter of each estimator."""

import inspect
import warnings

import numpy as np
import pytest
from sklearn.base import clone

from puclassify import ParticlePicker, PUImageClassifier, RegionTable
from puclassify.calibration import PUPlattScaling
from puclassify.picking import NonMaximumSuppression
from puclassify.preprocessing import FourierDownsample, NormalizeMicrograph
from puclassify.prior import BBEPrior, DEDPULPrior, ElkanNotoPrior
from puclassify.regions import RegionExtractor

RNG = np.random.default_rng(0)
ROWS, LABELS = RNG.normal(size=(60, 3)) + 2.0, np.repeat([1, 0], [20, 40])
ROWS[20:] -= 4 * (RNG.uniform(size=(40, 1)) < 0.7)
IMAGES = [RNG.normal(size=(96, 96)).astype(np.float32) for _ in range(2)]
CENTRES = [RNG.uniform(10, 80, (5, 2)) for _ in range(2)]
BAD = {
    "an object": object(),
    "a text": "no such value",
    "bytes": b"no such value",
    "NaN": float("nan"),
    "minus infinity": -np.inf,
    "a complex number": 1 + 2j,
    "a class": ValueError,
    "a set": {"no such value"},
}
ESTIMATORS = [
    (PUImageClassifier(max_epochs=1, random_state=0), (ROWS.astype(np.float32), LABELS)),
    (ParticlePicker(20, expected_particles=5, threshold=0.0), (IMAGES, CENTRES)),
    (NonMaximumSuppression(10.0), (IMAGES,)),
    (FourierDownsample(particle_diameter=20.0), (IMAGES,)),
    (NormalizeMicrograph(), (IMAGES,)),
    (RegionExtractor(11), (RegionTable(IMAGES, [0], [[40, 50]]),)),
    (PUPlattScaling(0.3), (ROWS[:, 0], LABELS)),
    (BBEPrior(), (ROWS, LABELS)),
    (DEDPULPrior(), (ROWS, LABELS)),
    (ElkanNotoPrior(), (ROWS, LABELS)),
]
CASES = [
    pytest.param(estimator, name, value, data, id=f"{type(estimator).__name__}-{name}-{kind}")
    for estimator, data in ESTIMATORS
    for name in inspect.signature(type(estimator)).parameters
    for kind, value in BAD.items()
    if (name, kind) != ("threshold", "minus infinity")  # which picks everything
]


def fit_and_use(estimator, X, *labels):
    estimator.fit(X, *labels)
    if hasattr(estimator, "transform"):
        estimator.transform(X)


@pytest.mark.parametrize(("estimator", "name", "value", "data"), CASES)
def test_is_refused_by_name(estimator, name, value, data):
    one = clone(estimator).set_params(**{name: value})
    with warnings.catch_warnings(action="ignore"), pytest.raises((ValueError, TypeError)) as caught:
        fit_and_use(one, *data)
    assert name in str(caught.value)
    assert not [attribute for attribute in vars(one) if attribute.endswith("_")]
