"""Networks in the ONNX format, run by another program."""

import builtins

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.naive_bayes import GaussianNB

from puclassify import PUImageClassifier, export_onnx

from .small_models import small_classifier, small_picker


@pytest.fixture
def run(tmp_path):
    """Export an estimator and run it on images by onnxruntime."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")

    def export_and_run(estimator, *inputs):
        export_onnx(estimator, tmp_path / "network.onnx")
        session = runtime.InferenceSession(tmp_path / "network.onnx")
        return [session.run(["logits"], {"images": one.astype(np.float32)})[0] for one in inputs]

    return export_and_run


class TestLogits:
    def test_of_a_classifier_of_images(self, fitted_classifier, images, run):
        all_of_them, one = run(fitted_classifier, images[0][:, None], images[0][:1, None])
        expected = fitted_classifier.decision_function(images[0])
        np.testing.assert_allclose(all_of_them, expected, atol=1e-4)
        np.testing.assert_allclose(one, expected[:1], atol=1e-4)

    def test_are_calibrated(self, images, run):
        classifier = small_classifier(module_params={"units": 2}, max_epochs=1).fit(*images)
        classifier.calibration_ = (2.5, -0.75)
        (logits,) = run(classifier, images[0][:, None])
        np.testing.assert_allclose(logits, classifier.decision_function(images[0]), atol=1e-4)

    def test_of_rows(self, run):
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(60, 4)), np.repeat([1, 0], [20, 40])
        classifier = small_classifier().fit(X, y)
        (logits,) = run(classifier, X)
        np.testing.assert_allclose(logits, classifier.decision_function(X), atol=1e-4)

    def test_maps_of_a_picker(self, fitted_picker, simulated, run):
        """The map holds also positions whose field reaches over the edge."""
        (image,) = fitted_picker.preprocessing_.transform(simulated.micrographs[3:4])
        (scores,) = fitted_picker.transform(simulated.micrographs[3:4])
        assert fitted_picker.calibration_ != (1.0, 0.0)
        # Fields of 31 pixels around every fourth pixel from the 17th on.
        pixels = np.asarray(image.values)[None, None, 1:, 1:]
        inside, smaller = run(fitted_picker, pixels, pixels[..., :50, :60])
        n, m = inside.shape[2:]
        np.testing.assert_allclose(
            inside[0, 0], scores.values[4 : 4 + n, 4 : 4 + m], rtol=1e-4, atol=1e-3
        )
        np.testing.assert_allclose(smaller[0, 0], inside[0, 0, :5, :8], rtol=1e-4, atol=1e-3)


class TestRefused:
    def test_other_estimators(self, simulated, tmp_path):
        with pytest.raises(TypeError, match="estimator must be"):
            export_onnx(GaussianNB(), tmp_path / "x.onnx")
        with pytest.raises(NotFittedError):
            export_onnx(PUImageClassifier(), tmp_path / "x.onnx")
        picker = small_picker(
            simulated, classifier=GaussianNB(), expected_particles=12, threshold=0.0
        ).fit(simulated.micrographs[:1], simulated.coordinates[:1])
        with pytest.raises(TypeError, match="only networks are exported"):
            export_onnx(picker, tmp_path / "x.onnx")
        assert not (tmp_path / "x.onnx").exists()

    def test_a_missing_extra_is_named(self, fitted_classifier, tmp_path, monkeypatch):
        original = builtins.__import__

        def without_onnx(name, *args, **kwargs):
            if name == "onnx":
                raise ImportError("No module named 'onnx'")
            return original(name, *args, **kwargs)

        monkeypatch.setattr(builtins, "__import__", without_onnx)
        with pytest.raises(ImportError, match=r"pip install 'puclassify\[onnx\]'"):
            export_onnx(fitted_classifier, tmp_path / "x.onnx")
