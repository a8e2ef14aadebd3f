"""What a fitted estimator is used for leaves it as it is, to the byte."""

import pickle

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, SGDClassifier

from puclassify import (
    NonMaximumSuppression,
    ParticlePicker,
    PUImageClassifier,
    RegionExtractor,
    sample_regions,
)
from puclassify.calibration import PUPlattScaling
from puclassify.datasets import make_micrographs
from puclassify.plotting import PriorDisplay
from puclassify.preprocessing import FourierDownsample, NormalizeMicrograph
from puclassify.prior import BBEPrior, DEDPULPrior, ElkanNotoPrior

METHODS = ("predict", "predict_proba", "decision_function", "transform", "score")


@pytest.fixture(scope="module")
def micrographs():
    return make_micrographs(
        4, shape=(160, 160), particles_per_micrograph=6, snr=1.0, contamination=0.0, random_state=0
    )


@pytest.fixture(scope="module")
def images():
    """Images of which the first third of 120 hold a bright square, half of them labelled."""
    rng = np.random.default_rng(0)
    pixels = rng.normal(size=(120, 12, 12)).astype(np.float32)
    pixels[:40, 4:8, 4:8] += 2.0
    return pixels, np.repeat([1, 0], [20, 100])


@pytest.fixture(scope="module")
def rows(images):
    pixels, y = images
    return pixels.reshape(len(pixels), -1), y


def small_classifier(module="conv31", **module_params):
    return PUImageClassifier(
        module,
        criterion="ge_binomial",
        module_params=module_params,
        max_epochs=1,
        batch_size=64,
        random_state=0,
    )


def assert_unchanged(estimator, X, y=None, methods=METHODS, **more):
    """Call all methods that an estimator has, once and again, and compare its pickled bytes."""
    # Bytes depend on which equal strings and numbers are one object; a round trip settles that.
    estimator = pickle.loads(pickle.dumps(estimator))
    before = pickle.dumps(estimator)
    called = []
    for name in methods:
        if hasattr(estimator, name):
            method = getattr(estimator, name)
            for _ in range(2):
                method(X, y) if name == "score" else method(X)
                assert pickle.dumps(estimator) == before, f"{name} changed {estimator!r}"
            called.append(name)
    for name, call in more.items():
        call(estimator)
        assert pickle.dumps(estimator) == before, f"{name} changed {estimator!r}"
    assert called or more


def fitted_picker(micrographs, classifier, **params):
    picker = ParticlePicker(
        micrographs.particle_diameter, classifier=classifier, random_state=0, **params
    )
    return picker.fit(micrographs.micrographs, micrographs.coordinates)


class TestParticlePicker:
    def test_of_a_network(self, micrographs):
        picker = fitted_picker(
            micrographs, small_classifier(units=4), threshold=0.0, expected_particles=6
        )
        # At first the network is in the mode and the memory layout that the training left it in.
        before = pickle.dumps(picker)
        picker.predict(micrographs.micrographs[:1])
        assert pickle.dumps(picker) == before
        X, y = micrographs.micrographs[:2], micrographs.coordinates[:2]
        assert_unchanged(picker, X, y)
        assert_unchanged(picker.set_params(memory_budget=1e5), X, y)

    def test_with_estimates(self, micrographs):
        linear = SGDClassifier(loss="log_loss", alpha=1.0, random_state=0)
        picker = fitted_picker(micrographs, linear)
        assert picker.threshold_report_ is not None
        X, y = micrographs.micrographs[:2], micrographs.coordinates[:2]
        assert_unchanged(
            picker,
            X,
            y,
            rule=lambda picker: picker.predict(X, threshold=("recall", 0.5)),
            quality=lambda picker: picker.predict(X, return_quality=True),
            iter_predict=lambda picker: list(picker.iter_predict(X, threshold=0.5)),
            expected_quality=lambda picker: picker.expected_quality(),
        )


@pytest.mark.parametrize("module", ["cnn", "conv31", "mlp"])
def test_classifier_is_unchanged(images, rows, micrographs, module):
    if module == "mlp":
        X, y = rows
    elif module == "cnn":
        X, y = images
    else:
        X, y = sample_regions(
            micrographs.micrographs, micrographs.coordinates, n_unlabeled=40, random_state=0
        )
        X = RegionExtractor(31).transform(X)
    classifier = small_classifier(module, **({"units": 4} if module == "conv31" else {}))
    before = pickle.dumps(classifier.fit(X, y))
    classifier.decision_function(X)
    assert pickle.dumps(classifier) == before
    assert_unchanged(classifier, X, y)


def test_calibrated_classifier_is_unchanged(images):
    classifier = small_classifier("cnn").set_params(calibration="platt", max_epochs=2)
    classifier.fit(*images)
    assert classifier.calibration_ != (1.0, 0.0)
    assert_unchanged(classifier, *images)


@pytest.mark.parametrize(
    "transformer", [FourierDownsample(2), NormalizeMicrograph(clip=4.0)], ids=["bins", "normalises"]
)
def test_preprocessing_is_unchanged(micrographs, transformer):
    X = micrographs.micrographs
    assert_unchanged(transformer.fit(X), X)


def test_suppression_is_unchanged():
    maps = [np.random.default_rng(seed).normal(size=(20, 30)) for seed in range(2)]
    truth = [np.array([[3.0, 4.0]])] * 2
    assert_unchanged(NonMaximumSuppression(4.0, threshold=1.0).fit(maps), maps, truth)


@pytest.mark.filterwarnings("ignore:ElkanNotoPrior estimates the prior as")
@pytest.mark.parametrize(
    "estimator", [BBEPrior(), DEDPULPrior(), ElkanNotoPrior()], ids=lambda prior: repr(prior)
)
def test_prior_is_unchanged(rows, estimator):
    X, y = rows
    estimator = clone(estimator).set_params(estimator=LogisticRegression(C=0.01)).fit(X, y)
    assert_unchanged(
        estimator, X, draw=lambda prior: plt.close(PriorDisplay.from_estimator(prior, y).figure_)
    )


def test_platt_scaling_is_unchanged(rows):
    X, y = rows
    scores = X @ np.linspace(-1, 1, X.shape[1])
    scaling = PUPlattScaling(0.2).fit(scores, y)
    assert_unchanged(scaling, scores)
