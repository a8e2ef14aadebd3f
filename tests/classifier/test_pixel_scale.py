import pickle
import warnings

import numpy as np
import pytest
from sklearn.model_selection import cross_val_predict

from puclassify import PUImageClassifier
from puclassify.classifier._pixel_scale import PixelScale
from puclassify.classifier._samples import PixelSource

METHODS = ("predict", "predict_proba", "decision_function", "transform")
FAR = "the values of X have a mean of .* but those in fit had .* divided by 255"


def quick(**params):
    options = {"module_params": {"units": 4}, "max_epochs": 1, "random_state": 0}
    return PUImageClassifier(**(options | params))


@pytest.fixture
def eight_bit(images):
    images.X = np.clip(40 * images.X + 100, 0, 255).astype(np.uint8)
    return images


def scale(X):
    return PixelScale.of(PixelSource(np.asarray(X, dtype=np.float32)))


class TestWarning:
    @pytest.mark.parametrize("method", [*METHODS, "score"])
    def test_images_divided_by_255_in_prediction_only(self, eight_bit, method):
        X, y = eight_bit.X, eight_bit.y
        classifier = quick().fit(X, y)
        with pytest.warns(UserWarning, match=FAR):
            getattr(classifier, method)(X / 255.0, *([y] if method == "score" else []))

    def test_images_divided_by_255_in_fit_only(self, eight_bit):
        classifier = quick().fit(eight_bit.X / 255.0, eight_bit.y)
        with pytest.warns(UserWarning, match=FAR):
            classifier.predict(eight_bit.X)

    @pytest.mark.parametrize("back", [False, True], ids=["raw", "standardised"])
    def test_rows_standardised_in_one_of_the_two(self, rows, back):
        raw = 3 * rows.X + 1000
        fitted, given = (raw, rows.X) if back else (rows.X, raw)
        classifier = PUImageClassifier(max_epochs=1, random_state=0).fit(fitted, rows.y)
        with pytest.warns(UserWarning, match=FAR):
            classifier.predict(given)

    def test_constant_samples_elsewhere(self, images):
        classifier = quick().fit(images.X, images.y)
        with pytest.warns(UserWarning, match=FAR):
            classifier.predict(np.full((10, 31, 31), 200.0))


class TestNoFalseAlarm:
    def test_few_samples(self, eight_bit):
        quick().fit(eight_bit.X, eight_bit.y).predict(eight_bit.X[:9] / 255.0)

    def test_constant_samples_in_the_middle(self, images):
        quick().fit(images.X, images.y).predict(np.zeros((10, 31, 31)))

    def test_the_positives_alone(self, images):
        classifier = quick().fit(images.X, images.y)
        classifier.predict(images.X[images.truth == 1])
        classifier.predict(images.X[images.truth == 0])

    def test_cross_validation(self, eight_bit, rows):
        cross_val_predict(quick(), eight_bit.X, eight_bit.y, cv=3)
        skewed = np.exp(3 * rows.X)
        classifier = PUImageClassifier(max_epochs=1, lr=1e-6, random_state=0)
        cross_val_predict(classifier, skewed, rows.y, cv=3)

    @pytest.mark.parametrize("seed", range(20))
    def test_heavy_tails(self, seed):
        rng = np.random.default_rng(seed)
        fitted = scale(np.exp(2.5 * rng.normal(size=(500, 5))))
        for _ in range(20):
            assert not scale(np.exp(2.5 * rng.normal(size=(10, 5)))).is_far_from(fitted)

    def test_one_hot_pixel(self):
        rng = np.random.default_rng(0)
        images = rng.normal(size=(20, 16, 16))
        hot = images.copy()
        hot[3, 4, 5] = 1e6
        assert not scale(hot).is_far_from(scale(images))
        assert not scale(images).is_far_from(scale(hot))

    def test_mostly_empty_images(self):
        rng = np.random.default_rng(0)
        digits = 255.0 * (rng.random((200, 28, 28)) < 0.15)
        assert not scale(digits[:12]).is_far_from(scale(digits))
        assert scale(digits[:12] / 255).is_far_from(scale(digits))

    def test_a_classifier_of_an_earlier_release(self, eight_bit):
        classifier = quick().fit(eight_bit.X, eight_bit.y)
        del classifier._pixel_scale
        pickle.loads(pickle.dumps(classifier)).predict(eight_bit.X / 255.0)


def test_samples_of_weight_zero_do_not_count(images):
    X = images.X.copy()
    X[-8:] *= 1e4
    weights = np.repeat([1.0, 0.0], [40, 8])
    classifier = quick().fit(X, images.y, sample_weight=weights)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        classifier.predict(X[:40])


def test_a_few_values_are_enough():
    X = np.random.default_rng(0).normal(5, 2, size=(3000, 40, 40)).astype(np.float32)
    measured = scale(X)
    assert measured.mean == pytest.approx(5, abs=0.05)
    assert measured.std == pytest.approx(2, abs=0.05)
