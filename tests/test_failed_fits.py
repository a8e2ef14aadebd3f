"""A fit that fails leaves the estimator as it was, to the byte."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LogisticRegression, SGDClassifier

import puclassify
from puclassify import (
    NonMaximumSuppression,
    ParticlePicker,
    PUImageClassifier,
    RegionExtractor,
    calibration,
    picking,
    preprocessing,
    prior,
    regions,
)
from puclassify.base import all_or_nothing
from puclassify.calibration import PUPlattScaling
from puclassify.datasets import make_micrographs
from puclassify.preprocessing import FourierDownsample, NormalizeMicrograph
from puclassify.prior import BBEPrior, DEDPULPrior, ElkanNotoPrior

RNG = np.random.default_rng(0)
TRUTH = np.repeat([1, 0], [40, 80])
X = RNG.normal(size=(120, 3)) + 3 * TRUTH[:, None]
Y = np.repeat([1, 0], [20, 100])
SCORES = X.sum(axis=1)
HOLE = np.where(np.arange(120)[:, None] == 7, np.nan, X)
FRAME = pd.DataFrame(X[:, :2], columns=["a", "b"])
MICROGRAPHS = make_micrographs(
    3, shape=(160, 160), particles_per_micrograph=6, snr=1.0, contamination=0.0, random_state=0
)
PICTURES, CENTRES = MICROGRAPHS.micrographs, MICROGRAPHS.coordinates
IMAGES = RNG.normal(size=(20, 8, 8))
LINEAR = LogisticRegression(C=0.01)

# estimator, arguments of a fit, and (parameters, arguments) of fits that fail
CASES = [
    (
        PUImageClassifier(max_epochs=1, random_state=0),
        (X, Y),
        [
            ({}, (X, None)),
            ({}, (X[:50], Y)),
            ({}, (FRAME, Y * 2)),
            ({}, (HOLE, Y)),
            ({}, (IMAGES, np.arange(20))),
            ({}, (X.astype(complex), Y)),
            ({"lr": -1}, (X, Y)),
            ({"pos_label": "P"}, (X, Y)),
            ({"module": "conv31"}, (X, Y)),
            ({"warm_start": True}, (X[:, :2], Y)),
            ({"warm_start": True}, (IMAGES, Y[10:30])),
        ],
    ),
    (
        ParticlePicker(
            MICROGRAPHS.particle_diameter,
            classifier=SGDClassifier(loss="log_loss", random_state=0),
            random_state=0,
        ),
        (PICTURES, CENTRES),
        [
            ({}, (PICTURES, CENTRES[:2])),
            ({}, (PICTURES, [np.empty((0, 2))] * 3)),
            ({}, (PICTURES, [CENTRES[0] + 1e4] * 3)),
            ({"threshold": "best"}, (PICTURES, CENTRES)),
            ({"classifier": 3}, (PICTURES, CENTRES)),
        ],
    ),
    *(
        (
            estimator,
            (X, Y),
            [
                ({}, (X, None)),
                ({}, (X, np.arange(120) % 3)),
                ({}, (X[:50], Y)),
                ({}, (HOLE, Y)),
                ({}, (X, Y, None, np.ones(3))),
                ({"cv": 1}, (X, Y)),
                ({"scenario": "both"}, (X, Y)),
                ({"estimator": 3}, (X, Y)),
            ],
        )
        for estimator in (
            BBEPrior(estimator=LINEAR),
            DEDPULPrior(estimator=LINEAR, random_state=0),
            ElkanNotoPrior(estimator=LINEAR),
        )
    ),
    (
        PUPlattScaling(0.2),
        (SCORES, Y),
        [
            ({}, (SCORES, None)),
            ({}, (-SCORES, Y)),
            ({}, (SCORES * np.nan, Y)),
            ({}, (SCORES[:5], Y)),
            ({"prior": 2}, (SCORES, Y)),
        ],
    ),
    (NonMaximumSuppression(4.0), ([IMAGES[0]],), [({"radius": -1}, ([IMAGES[0]],))]),
    (RegionExtractor(31), None, [({"size": -1}, (3,))]),
    (FourierDownsample(2), (PICTURES,), [({"factor": -1}, (PICTURES,)), ({}, (3,))]),
    (NormalizeMicrograph(), (PICTURES,), [({"clip": -1}, (PICTURES,)), ({}, (3,))]),
]


def name_of(value):
    return type(value).__name__ if isinstance(value, BaseEstimator) else None


FAILURES = [
    pytest.param(estimator, fitting, params, failing, id=f"{name_of(estimator)}-{index}")
    for estimator, fitting, failures in CASES
    for index, (params, failing) in enumerate(failures)
]


def assert_left_alone(estimator, params, failing):
    estimator = pickle.loads(pickle.dumps(estimator.set_params(**params)))
    before, attributes = pickle.dumps(estimator), dict(vars(estimator))
    with pytest.raises((ValueError, TypeError, AttributeError)):
        estimator.fit(*failing)
    assert vars(estimator).keys() == attributes.keys()
    assert all(vars(estimator)[name] is value for name, value in attributes.items())
    assert pickle.dumps(estimator) == before


@pytest.fixture(scope="module")
def fitted():
    """Return the fitted estimator of a case; every one is fitted once."""
    done = {}

    def get(estimator, fitting):
        key = type(estimator)
        if key not in done:
            done[key] = clone(estimator) if fitting is None else clone(estimator).fit(*fitting)
        return pickle.loads(pickle.dumps(done[key]))

    return get


@pytest.mark.filterwarnings(
    "ignore:.*Prior estimates the prior as", "ignore:the number of particles and"
)
class TestFailingFits:
    @pytest.mark.parametrize(("estimator", "fitting", "params", "failing"), FAILURES)
    def test_first_fit_leaves_nothing(self, estimator, fitting, params, failing):
        if "warm_start" in params:
            return  # the first fit does not fail
        assert_left_alone(clone(estimator), params, failing)

    @pytest.mark.parametrize(("estimator", "fitting", "params", "failing"), FAILURES)
    def test_refit_leaves_what_was(self, fitted, estimator, fitting, params, failing):
        assert_left_alone(fitted(estimator, fitting), params, failing)


def test_every_public_estimator_is_tried():
    public = {
        value
        for package in (puclassify, calibration, picking, preprocessing, prior, regions)
        for value in (getattr(package, name) for name in package.__all__)
        if isinstance(value, type) and issubclass(value, BaseEstimator)
    }
    assert {kind for kind in public if hasattr(kind, "fit")} == {type(one) for one, *_ in CASES}


class Halfway:
    """Fails when it has set the first attribute of two, and has changed a third."""

    kept_ = "old"

    @all_or_nothing
    def fit(self, error, *, after=()):
        """Fit."""
        self.first_, self.kept_ = 1, "new"
        if error is not None:
            raise error
        self.second_ = after
        return self


class TestAllOrNothing:
    @pytest.mark.parametrize("error", [ValueError("bad"), KeyboardInterrupt(), SystemExit(1)])
    def test_attributes_are_those_before(self, error):
        estimator = Halfway()
        estimator.kept_ = "mine"
        with pytest.raises(type(error)) as caught:
            estimator.fit(error)
        assert vars(estimator) == {"kept_": "mine"}
        is_interrupt = isinstance(error, KeyboardInterrupt)
        notes = ["The Halfway is as it was before fit."] if is_interrupt else []
        assert getattr(caught.value, "__notes__", []) == notes

    def test_success_and_signature(self):
        estimator = Halfway().fit(None, after=2)
        assert vars(estimator) == {"first_": 1, "kept_": "new", "second_": 2}
        assert Halfway.fit.__doc__ == "Fit."
