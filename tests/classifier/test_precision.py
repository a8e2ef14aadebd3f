"""In which arithmetic networks are trained and score."""

import threading

import numpy as np
import pytest
import torch

from puclassify import PUImageClassifier
from puclassify._devices._precision import autocast, bfloat16_is_too_coarse


@pytest.fixture
def make():
    def build(**params):
        options = {"module_params": {"units": 4}, "max_epochs": 2}
        return PUImageClassifier("conv31", **(options | params))

    return build


class OnlyFloat32(torch.nn.Module):
    """Writes into a float32 tensor, which refuses values of another type."""

    def __init__(self):
        super().__init__()
        self.conv, self.head = torch.nn.Conv2d(1, 4, 31), torch.nn.Linear(4, 1)

    def forward(self, x):
        embedding = torch.zeros(len(x), 4)
        embedding[torch.arange(len(x))] = self.conv(x).flatten(1)
        return self.head(embedding)


class TestPrecision:
    def test_bfloat16_on_the_cpu(self, make, images):
        exact = make(random_state=0, max_epochs=8, precision="float32").fit(images.X, images.y)
        rough = make(random_state=0, max_epochs=8, precision="bfloat16").fit(images.X, images.y)
        assert rough.module_.head.weight.dtype == torch.float32
        logits = rough.decision_function(images.X)
        assert logits.dtype == np.float32
        assert not np.array_equal(logits, exact.decision_function(images.X))
        assert np.corrcoef(logits, exact.decision_function(images.X))[0, 1] > 0.9

    def test_auto_trains_in_bfloat16_where_the_cpu_has_it(self, make, images, monkeypatch):
        def fit(precision, X=images.X, cpu_has_it=True):
            monkeypatch.setattr(
                torch.cpu, "get_capabilities", lambda: {"avx512_bf16": cpu_has_it}, raising=False
            )
            classifier = make(random_state=0, max_epochs=2, precision=precision, device="cpu")
            return classifier.fit(X, images.y)

        exact, rough, auto = (fit(name) for name in ("float32", "bfloat16", "auto"))
        weights, rough_weights, auto_weights, old_weights, far_weights = (
            classifier.module_.head.weight
            for classifier in (
                exact,
                rough,
                auto,
                fit("auto", cpu_has_it=False),
                fit("auto", images.X + 1000 * images.X.std()),
            )
        )
        assert not torch.equal(rough_weights, weights)
        assert torch.equal(auto_weights, rough_weights)
        assert torch.equal(old_weights, weights)
        far = fit("float32", images.X + 1000 * images.X.std())
        assert torch.equal(far_weights, far.module_.head.weight)
        # Scores stay those of float32.
        scores = auto.decision_function(images.X)
        auto.set_params(precision="float32")
        np.testing.assert_array_equal(auto.decision_function(images.X), scores)
        rough.set_params(precision="float32")
        np.testing.assert_array_equal(rough.decision_function(images.X), scores)

    def test_auto_keeps_feature_rows_in_float32(self, rows, monkeypatch):
        monkeypatch.setattr(
            torch.cpu, "get_capabilities", lambda: {"amx_bf16": True}, raising=False
        )
        weights = [
            PUImageClassifier(random_state=0, max_epochs=2, precision=precision, device="cpu")
            .fit(rows.X, rows.y)
            .module_.head.weight
            for precision in ("auto", "float32", "bfloat16")
        ]
        assert torch.equal(weights[0], weights[1])
        assert not torch.equal(weights[0], weights[2])

    def test_what_torch_calls_the_instructions(self):
        if not hasattr(torch.cpu, "get_capabilities"):
            pytest.skip("this torch does not tell what the CPU can do")
        capabilities = torch.cpu.get_capabilities()
        if capabilities["architecture"] != "x86_64":
            pytest.skip("the names are those of x86")
        assert {"avx512_bf16", "amx_bf16"} <= set(capabilities)

    @pytest.mark.parametrize("module", ["cnn", "mlp", "conv31"])
    def test_rough_scores_do_not_tie(self, module):
        """bfloat16 has eight significant bits: logits in it would take few hundred values."""
        X = np.random.default_rng(0).normal(size=(1000, 31, 31)).astype(np.float32)
        classifier = PUImageClassifier(module, precision="bfloat16", max_epochs=1, random_state=0)
        classifier.fit(X[:40], np.repeat([1, 0], 20))
        assert len(np.unique(classifier.decision_function(X))) > 950

    def test_modules_that_need_float32_get_it(self, images, monkeypatch):
        monkeypatch.setattr(
            torch.cpu, "get_capabilities", lambda: {"amx_bf16": True}, raising=False
        )
        fits = [
            PUImageClassifier(
                OnlyFloat32, precision=precision, max_epochs=1, random_state=0, device="cpu"
            ).fit(images.X, images.y)
            for precision in ("auto", "float32")
        ]
        assert torch.equal(*(classifier.module_.head.weight for classifier in fits))
        with pytest.raises(ValueError, match=r"OnlyFloat32 does not run at precision='bfloat16' "):
            fits[0].set_params(precision="bfloat16").fit(images.X, images.y)

    @pytest.mark.parametrize("shape", [(12, 100, 1), (1, 31, 4)])
    def test_maps_one_pixel_wide_need_float32_on_a_cpu(self, shape, monkeypatch):
        monkeypatch.setattr(
            torch.cpu, "get_capabilities", lambda: {"amx_bf16": True}, raising=False
        )
        X = np.random.default_rng(0).normal(size=(20, *shape)).astype(np.float32)
        given = {"max_epochs": 2, "random_state": 0, "device": "cpu"}
        fits = [
            PUImageClassifier(precision=precision, **given).fit(X, np.repeat([1, 0], 10))
            for precision in ("auto", "float32")
        ]
        assert torch.equal(*(classifier.module_.head.weight for classifier in fits))
        with pytest.raises(ValueError, match=r"return wrong values for maps that are one pixel wi"):
            fits[0].set_params(precision="bfloat16").fit(X, np.repeat([1, 0], 10))

    def test_models_of_before_it_was_asked_predict(self, make, images):
        classifier = make(random_state=0, max_epochs=1).fit(images.X, images.y)
        expected = classifier.decision_function(images.X)
        del classifier._needs_float32
        np.testing.assert_array_equal(classifier.decision_function(images.X), expected)


class TestTooCoarse:
    """bfloat16 rounds to eight significant bits, which must not be spent on an offset."""

    def images(self, n=16, channels=2, offset=0.0):
        X = np.random.default_rng(0).normal(size=(n, channels, 40, 40))
        return torch.from_numpy(X + offset).float()

    def test_noise_around_zero_is_not(self):
        assert not bfloat16_is_too_coarse(self.images())
        assert not bfloat16_is_too_coarse(self.images(offset=10.0))

    def test_an_offset_is(self):
        assert bfloat16_is_too_coarse(self.images(offset=25.0))
        assert bfloat16_is_too_coarse(self.images(offset=-25.0))

    def test_an_offset_of_one_channel_is(self):
        X = self.images()
        X[:, 1] += 25
        assert bfloat16_is_too_coarse(X)

    def test_offsets_that_cancel_are(self):
        X = self.images()
        X[::2] += 25
        X[1::2] -= 25
        assert bfloat16_is_too_coarse(X)

    def test_a_hot_pixel_does_not_hide_it(self):
        X = self.images(offset=25.0)
        X[:, :, 3, 3] = 5000
        assert bfloat16_is_too_coarse(X)

    def test_a_single_odd_image_does_not_count(self):
        X = self.images()
        X[0] += 1000
        assert not bfloat16_is_too_coarse(X)

    def test_bright_objects_on_a_blank_ground_are_not(self):
        X = torch.zeros(4, 1, 28, 28)
        X[:, :, 10:14, 10:14] = 1
        assert not bfloat16_is_too_coarse(X)
        assert not bfloat16_is_too_coarse(255 - 200 * X)

    @pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 3, 1, 1), (1, 1, 5000, 4000)])
    def test_any_size(self, shape):
        assert not bfloat16_is_too_coarse(torch.zeros(shape))


def test_threads_share_float32_on_a_gpu():
    """PyTorch has one setting for all threads, which it also has without a GPU."""

    def setting():
        if hasattr(torch.backends.cudnn, "conv"):
            return torch.backends.cudnn.conv.fp32_precision
        return torch.backends.cudnn.allow_tf32

    seen = [setting()]
    entered, left = threading.Event(), threading.Event()

    def first():
        with autocast(torch.device("cuda"), None):
            seen.append(setting())
            entered.wait(10)
        left.set()

    thread = threading.Thread(target=first)
    thread.start()
    with autocast(torch.device("cuda"), None):
        entered.set()
        left.wait(10)
        seen.append(setting())
    thread.join()
    before, one, other = seen
    assert one == other != before
    assert setting() == before


class TestFeatureRows:
    """They are scored in float64, by a copy of the network that is kept until it changes."""

    @pytest.fixture
    def fitted(self):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(200, 5)).astype(np.float32)
        return PUImageClassifier(max_epochs=1, random_state=0).fit(X, (X[:, 0] > 1).astype(int)), X

    def test_the_network_is_copied_once(self, fitted, monkeypatch):
        classifier, X = fitted
        expected = classifier.decision_function(X)
        monkeypatch.setattr(torch.nn.Module, "double", lambda module: 1 / 0)
        np.testing.assert_allclose(classifier.decision_function(X[:1]), expected[:1], rtol=1e-12)

    def test_a_change_in_place_counts(self, fitted):
        classifier, X = fitted
        before = classifier.decision_function(X)
        with torch.no_grad():
            classifier.module_.head.bias += 1.0
        slope, _ = classifier.calibration_
        np.testing.assert_allclose(classifier.decision_function(X), before + slope, atol=1e-6)
