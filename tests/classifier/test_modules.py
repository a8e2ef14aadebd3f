import numpy as np
import pytest
import torch
from torch import nn

from puclassify import PUImageClassifier
from puclassify.classifier._net import HybridModule
from puclassify.networks import NETWORKS, CompactCNN, Conv31, Decoder, FullyConvolutional

QUICK = {"max_epochs": 2, "random_state": 0}


class Padded(nn.Module):
    """A padded network with a fixed receptive field in name only: one logit for 31 x 31."""

    receptive_field = 31
    stride = 4

    def __init__(self, width=3):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1)
        )
        self.head = nn.Conv2d(width, 1, 1)

    def forward(self, x):
        return self.head(self.features(x))


class BetweenFeaturesAndHead(Conv31):
    """Does more to its features than to pass them on to its head."""

    def forward(self, x):
        return self.head(torch.tanh(self.features(x)))


class FeaturesMethod(nn.Module):
    """Its features are a method, not a module."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(1, 3, 5, 2)
        self.last = nn.Conv2d(3, 1, 1)

    def features(self, x):
        return torch.relu(self.layer(x)).mean((2, 3), keepdim=True)

    def forward(self, x):
        return self.last(self.features(x))


class NoHead(nn.Module):
    """No part of it is called head, and no receptive field is declared."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 3, 5, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        self.last = nn.Conv2d(3, 1, 1)

    def forward(self, x):
        return self.last(self.features(x))


class MapOfLogits(nn.Conv2d):
    def __init__(self):
        super().__init__(1, 1, 5)


def make_network(width=4):
    return FullyConvolutional(nn.Conv2d(1, width, 7, 2), width)


class TestWhatAModuleMayBe:
    @pytest.mark.parametrize(
        ("module", "params", "kind"),
        [
            ("auto", {"units": 2}, "CompactCNN"),
            ("cnn", {"units": 2}, "CompactCNN"),
            ("mlp", {"hidden": (4,)}, "MLP"),
            ("conv31", {"units": 2}, "Conv31"),
            (Conv31, {"units": 2}, "Conv31"),
            (Padded, {"width": 2}, "Padded"),
            (Padded, None, "Padded"),
            (NoHead, None, "NoHead"),
            (make_network, {"width": 2}, "FullyConvolutional"),
            (lambda: make_network(3), None, "FullyConvolutional"),
        ],
    )
    def test_names_classes_and_factories(self, images, module, params, kind):
        classifier = PUImageClassifier(module, module_params=params, **QUICK)
        classifier.fit(images.X, images.y)
        assert type(classifier.module_).__name__ == kind
        assert classifier.decision_function(images.X).shape == (48,)
        assert len(classifier.transform(images.X)) == 48

    @pytest.mark.parametrize(
        "module", [n for n, kind in NETWORKS.items() if issubclass(kind, FullyConvolutional)]
    )
    def test_fully_convolutional_networks_by_name(self, module):
        size = NETWORKS[module](units=2).receptive_field
        X = np.random.default_rng(0).normal(size=(4, size, size))
        classifier = PUImageClassifier(module, module_params={"units": 2}, max_epochs=1)
        classifier.fit(X, [1, 0, 1, 0])
        assert classifier.module_.receptive_field == size
        assert classifier.predict(X).shape == (4,)

    def test_auto_for_rows_is_a_perceptron(self, rows):
        classifier = PUImageClassifier(max_epochs=1).fit(rows.X, rows.y)
        assert type(classifier.module_).__name__ == "MLP"

    def test_an_instance_is_refused(self, images):
        with pytest.raises(TypeError, match="carry its trained weights from one cross-validation"):
            PUImageClassifier(Conv31(units=2)).fit(images.X, images.y)

    @pytest.mark.parametrize(
        ("module", "params", "error", "message"),
        [
            ("resnet7", None, ValueError, "module must be one of .* did you mean 'resnet9'"),
            (3, None, TypeError, "module must be one of"),
            (dict, None, TypeError, "module must be a subclass of torch.nn.Module"),
            (lambda: 3, None, TypeError, "module must build a torch.nn.Module, but .* gave int"),
            ("conv31", {"unit": 2}, TypeError, "module_params={'unit': 2} do not fit .*'conv31'"),
            (MapOfLogits, None, ValueError, r"module MapOfLogits gives logits of shape \(2, 1, 27"),
        ],
    )
    def test_what_cannot_be_used_is_named(self, images, module, params, error, message):
        with pytest.raises(error, match=message):
            PUImageClassifier(module, module_params=params).fit(images.X, images.y)

    def test_a_module_without_features_classifies_but_does_not_embed(self, rows):
        classifier = PUImageClassifier(
            nn.Linear, module_params={"in_features": 3, "out_features": 1}, **QUICK
        ).fit(rows.X, rows.y)
        assert classifier.predict(rows.X).shape == (60,)
        with pytest.raises(TypeError, match="module Linear has no attribute features"):
            classifier.transform(rows.X)

    def test_training_starts_at_the_prior(self, rows):
        classifier = PUImageClassifier(prior=0.1, lr=1e-12, **QUICK).fit(rows.X, rows.y)
        assert classifier.module_.head.bias.item() == pytest.approx(np.log(0.1 / 0.9), rel=1e-4)


class TestSizes:
    @pytest.fixture
    def fitted(self, images):
        return PUImageClassifier("conv31", module_params={"units": 4}, **QUICK).fit(
            images.X, images.y
        )

    @pytest.mark.parametrize(("height", "width"), [(31, 31), (39, 45), (32, 34)])
    def test_larger_images_give_their_centre_logit(self, fitted, height, width):
        X = np.random.default_rng(1).normal(size=(5, height, width))
        top, left = (height - 31) // 2, (width - 31) // 2
        crop = X[:, top : top + 31, left : left + 31]
        expected = fitted.decision_function(crop)
        np.testing.assert_allclose(fitted.decision_function(X), expected, atol=1e-6)
        np.testing.assert_array_equal(fitted.predict(X), fitted.predict(crop))
        np.testing.assert_allclose(fitted.transform(X), fitted.transform(crop), atol=1e-6)

    def test_and_are_trained_on_their_centre(self, images, fitted):
        framed = np.pad(images.X, ((0, 0), (4, 4), (2, 2)), constant_values=9.0)
        same = PUImageClassifier("conv31", module_params={"units": 4}, **QUICK)
        same.fit(framed, images.y)
        assert same.image_shape_ == (1, 39, 35)
        np.testing.assert_allclose(
            same.decision_function(images.X), fitted.decision_function(images.X), atol=1e-5
        )

    def test_smaller_ones_are_refused(self, fitted, images):
        message = "X holds images of 31 x 30 pixels but the module's receptive field is 31; use"
        with pytest.raises(ValueError, match=message):
            fitted.predict(images.X[:, :, 1:])
        with pytest.raises(ValueError, match=message):
            PUImageClassifier("conv31").fit(images.X[:, :, 1:], images.y)

    @pytest.mark.parametrize("module", ["cnn", CompactCNN])
    def test_the_pooled_network_takes_any_size(self, images, module):
        classifier = PUImageClassifier(module, module_params={"units": 4}, **QUICK)
        classifier.fit(images.X, images.y)
        X = np.random.default_rng(1).normal(size=(5, 20, 44)).astype(np.float32)
        with torch.no_grad():
            expected = classifier.module_(torch.from_numpy(X[:, None])).numpy().ravel()
        np.testing.assert_allclose(classifier.decision_function(X), expected, atol=1e-6)

    @pytest.mark.parametrize("size", [4, 17])
    def test_the_perceptron_takes_any_size_but_only_that(self, images, size):
        X = images.X[:, :size, :size]
        classifier = PUImageClassifier("mlp", **QUICK).fit(X, images.y)
        assert classifier.predict(X).shape == (48,)
        with pytest.raises(ValueError, match=r"X holds images of shape .* module='cnn' accepts"):
            classifier.predict(images.X)


class TestHybrid:
    @pytest.mark.parametrize("weight", [0.5, "batch/10"])
    @pytest.mark.parametrize("module", ["conv31", "cnn", NoHead])
    def test_it_trains(self, images, module, weight):
        params = {} if module is NoHead else {"units": 4}
        classifier = PUImageClassifier(
            module, module_params=params, reconstruction_weight=weight, **QUICK
        ).fit(images.X, images.y)
        assert np.isfinite([epoch["train_loss"] for epoch in classifier.history_]).all()
        assert classifier.decision_function(images.X).shape == (48,)

    @pytest.mark.parametrize("module", ["conv31", "cnn", "resnet8"])
    @pytest.mark.parametrize("shape", [(1, 72, 95), (3, 80, 75), (2, 71, 71)])
    def test_images_of_any_size_and_their_embeddings(self, module, shape):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(12, *shape)).astype(np.float32)
        classifier = PUImageClassifier(
            module, module_params={"units": 2}, reconstruction_weight=0.1, **QUICK
        ).fit(X, np.repeat([1, 0], [4, 8]))
        embedded = classifier.transform(X)
        assert embedded.shape == (12, 8)
        assert classifier.get_feature_names_out().shape == (8,)
        with torch.no_grad():
            logits = classifier.module_.head(torch.from_numpy(embedded)[:, :, None, None])
        np.testing.assert_allclose(
            classifier.decision_function(X), logits.flatten(), rtol=1e-4, atol=1e-5
        )

    def test_the_reconstruction_error_falls(self, images):
        # almost all of this loss is the reconstruction: nearly equal images need only a mean
        X = np.broadcast_to(np.linspace(1, 3, 31, dtype=np.float32), (48, 31, 31)).copy()
        X[images.y == 1, 15, 15] += 0.01
        classifier = PUImageClassifier(
            "conv31",
            module_params={"units": 4},
            reconstruction_weight=1e3,
            lr=0.02,
            max_epochs=8,
            random_state=0,
        ).fit(X, images.y)
        losses = [epoch["train_loss"] for epoch in classifier.history_]
        assert losses[0] > 1e3 * 0.5  # from nothing, the mean of x^2 over the image is 4.4
        assert losses[-1] < 0.25 * losses[0]

    def test_batch_over_ten_is_a_tenth_of_the_batch(self, images):
        # every batch holds 16 examples: 8 positives, 8 unlabelled
        options = {
            "module_params": {"units": 4},
            "batch_size": 16,
            "positive_fraction": 0.5,
        }
        logits = [
            PUImageClassifier("conv31", reconstruction_weight=weight, **options, **QUICK)
            .fit(images.X, images.y)
            .decision_function(images.X)
            for weight in ("batch/10", 1.6, 0.0)
        ]
        np.testing.assert_array_equal(logits[0], logits[1])
        assert not np.array_equal(logits[0], logits[2])

    def test_the_statistics_of_the_network_come_from_images_only(self, images):
        X = images.X + 100.0  # one blank image would draw the running mean far away
        classifier = PUImageClassifier(
            "conv31", module_params={"units": 4}, reconstruction_weight=0.1, lr=1e-12, **QUICK
        ).fit(X, images.y)
        norm, conv = classifier.module_.features[1], classifier.module_.features[0]
        with torch.no_grad():
            mean = conv(torch.from_numpy(X[:, None])).mean(dim=(0, 2, 3))
        np.testing.assert_allclose(norm.running_mean, mean, rtol=0.02, atol=0.5)

    @pytest.mark.parametrize("module", ["auto", "mlp"])
    def test_rows_have_nothing_to_reconstruct(self, rows, module):
        with pytest.raises(ValueError, match=r"reconstruction_weight=0\.1 needs images"):
            PUImageClassifier(module, reconstruction_weight=0.1).fit(rows.X, rows.y)

    def test_nor_has_a_perceptron_on_images(self, images):
        with pytest.raises(ValueError, match="reconstruction_weight='batch/10' needs images"):
            PUImageClassifier("mlp", reconstruction_weight="batch/10").fit(images.X, images.y)

    @pytest.mark.parametrize("module", [Conv31, BetweenFeaturesAndHead, FeaturesMethod, NoHead])
    def test_the_network_that_is_trained_is_its_forward(self, module):
        network = module().eval()
        x = torch.randn(2, 1, 31, 31, generator=torch.Generator().manual_seed(0))
        channels = network.features(x).shape[1]
        logits, _ = HybridModule(network, Decoder(channels, (1, 31, 31)), nn.Identity())(x)
        torch.testing.assert_close(logits, network(x), rtol=0, atol=0)

    def test_the_error_is_the_mean_over_reconstructed_pixels(self):
        """Against a decoder that gives zeros it is the mean square of the middle of the images."""

        class Zeros(nn.Module):
            def forward(self, embedding):
                return torch.zeros(len(embedding), 1, 21, 21)

        x = torch.randn(3, 1, 31, 31, generator=torch.Generator().manual_seed(0))
        _, error = HybridModule(Conv31().eval(), Zeros(), nn.Identity())(x)
        assert error.item() == pytest.approx(x[:, :, 5:26, 5:26].square().mean().item(), rel=1e-5)


class TestFeatureRows:
    @pytest.mark.parametrize("module", ["resnet8", "cnn", "conv31"])
    def test_convolutional_networks_say_that_they_need_images(self, rows, module):
        message = f"module='{module}' needs images but X holds rows of 3"
        with pytest.raises(ValueError, match=message):
            PUImageClassifier(module).fit(rows.X, rows.y)


class TestHalfPrecision:
    def test_logits_do_not_tie(self):
        """In bfloat16 a logit has 8 binary digits; a map of them would be full of ties."""
        network = Conv31(units=4).eval()
        x = torch.randn(1, 1, 155, 155, generator=torch.Generator().manual_seed(0))
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
            logits = network(x)
        assert logits.dtype == torch.float32
        assert len(logits.unique()) > 0.99 * logits.numel()
