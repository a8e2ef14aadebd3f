"""What a module returns: logits of any shape with one number for a sample, and nothing else."""

import re

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from puclassify import PUImageClassifier

QUICK = {"max_epochs": 1, "random_state": 0}
FEATURES = 3


class Net(nn.Module):
    """A linear layer, and something behind it."""

    def __init__(self, behind=nn.Identity, n_outputs=1):
        super().__init__()
        self.layer = nn.Linear(FEATURES, n_outputs)
        self.behind = behind() if isinstance(behind, type) else behind

    def forward(self, x):
        return self.behind(self.layer(x))


class PooledImages(nn.Module):
    """Ends in a pooled map, as networks of embeddings do."""

    def __init__(self, pool):
        super().__init__()
        self.conv, self.pool = nn.Conv2d(1, 1, 3), pool

    def forward(self, x):
        return self.pool(F.relu(self.conv(x)))


class OwnSigmoid(torch.autograd.Function):
    """A sigmoid that autograd does not know by this name."""

    @staticmethod
    def forward(ctx, x):
        y = torch.sigmoid(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, gradient):
        (y,) = ctx.saved_tensors
        return gradient * y * (1 - y)


def fit(rows, behind=nn.Identity, n_outputs=1):
    params = {"behind": behind, "n_outputs": n_outputs}
    classifier = PUImageClassifier(Net, module_params=params, prior=0.3, **QUICK)
    return classifier.fit(rows.X, rows.y)


ACTIVATIONS = {
    "a sigmoid": [nn.Sigmoid, torch.sigmoid, lambda x: x.sigmoid_()],
    "a hard sigmoid": [nn.Hardsigmoid],
    "a softmax": [nn.Softmax(dim=1), lambda x: F.softmax(x, dim=0)],
    "a log-softmax": [nn.LogSoftmax(dim=1)],
    "a log-sigmoid": [nn.LogSigmoid, F.logsigmoid],
    "a ReLU": [nn.ReLU, nn.ReLU(inplace=True), F.relu],
    "a threshold": [nn.Threshold(0.0, 0.0)],
    "a softplus": [nn.Softplus, F.softplus],
    "a tanh": [nn.Tanh],
    "an ELU": [nn.ELU, nn.SELU],
    "a CELU": [nn.CELU],
    "a GELU": [nn.GELU],
    "a SiLU": [nn.SiLU],
    "a Mish": [nn.Mish],
    "a hard swish": [nn.Hardswish],
    "an absolute value": [torch.abs],
    "an exponential": [torch.exp],
    "a restriction to values from 0": [
        nn.ReLU6,
        nn.Hardtanh(0, 1),
        lambda x: x.clamp(min=0),
        lambda x: torch.clamp_min(x, 0),
    ],
    "a restriction to values from None to 0": [lambda x: x.clamp(max=0)],
}
BEHIND = [
    pytest.param(behind, name, id=f"{name}-{index}")
    for name, ways in ACTIVATIONS.items()
    for index, behind in enumerate(ways)
]


class TestActivations:
    @pytest.mark.parametrize(("behind", "name"), BEHIND)
    def test_at_the_end_they_are_refused(self, rows, behind, name):
        message = f"module Net ends in {re.escape(name)}.*Remove this last activation"
        with pytest.raises(ValueError, match=message):
            fit(rows, behind)

    @pytest.mark.parametrize(
        "shaping",
        [
            lambda x: x.squeeze(1),
            lambda x: x.view(-1),
            lambda x: x[:, 0],
            lambda x: x[:, None, None, :],
            lambda x: x.T.T.contiguous(),
            lambda x: x.double().float(),
            lambda x: x.mean(dim=1),
            nn.Flatten(0),
        ],
    )
    def test_also_in_front_of_what_shapes_them(self, rows, shaping):
        with pytest.raises(ValueError, match="module Net ends in a sigmoid"):
            fit(rows, lambda x: shaping(torch.sigmoid(x)))

    @pytest.mark.parametrize(
        "pool",
        [
            nn.AdaptiveAvgPool2d(1),
            nn.AdaptiveMaxPool2d(1),
            nn.AvgPool2d(29),
            nn.MaxPool2d(29),
            lambda x: x.mean(dim=(2, 3)),
            lambda x: x.amax(dim=(2, 3)),
        ],
    )
    def test_also_in_front_of_pooling(self, images, pool):
        classifier = PUImageClassifier(PooledImages, module_params={"pool": pool}, **QUICK)
        with pytest.raises(ValueError, match="module PooledImages ends in a ReLU"):
            classifier.fit(images.X, images.y)

    @pytest.mark.parametrize(
        "behind",
        [
            nn.Identity,
            nn.LeakyReLU,
            nn.PReLU,
            nn.Hardtanh(-10, 10),
            nn.Dropout,
            nn.BatchNorm1d(1),
            lambda x: x.clamp(-5, 5),
            lambda x: 30 * torch.tanh(x / 30),
            lambda x: torch.relu(x) - torch.relu(-x),
            lambda x: torch.log(torch.sigmoid(x)) - torch.log(torch.sigmoid(-x)),
        ],
    )
    @pytest.mark.parametrize("seed", range(5))
    def test_what_takes_both_signs_is_accepted(self, rows, behind, seed):
        params = {"behind": behind}
        for prior in (0.02, 0.5, 0.98):  # where the head starts with one sign
            classifier = PUImageClassifier(
                Net, module_params=params, prior=prior, max_epochs=1, random_state=seed
            )
            assert np.isfinite(classifier.fit(rows.X, rows.y).decision_function(rows.X)).all()

    @pytest.mark.parametrize(
        "behind",
        [
            OwnSigmoid.apply,
            lambda x: 1 / (1 + torch.exp(-x)),
            lambda x: torch.sigmoid(x) * 0.98 + 0.01,
            lambda x: torch.maximum(x, torch.zeros(1)),
            lambda x: x.square(),
            lambda x: F.relu(x).sum(dim=1),
        ],
    )
    def test_others_are_noticed_by_their_outputs(self, rows, behind):
        with pytest.warns(UserWarning, match="module Net gives no logit below 0 for noise"):
            fit(rows, behind)

    def test_the_other_sign_too(self, rows):
        with pytest.warns(UserWarning, match=r"no logit above 0 .* call every sample unlabelled"):
            fit(rows, lambda x: -x.square())

    def test_the_weights_are_as_before_the_probe(self, rows):
        weights = []

        class Keeps(Net):
            def forward(self, x):
                weights.append(self.layer.weight.detach().clone())
                return super().forward(x)

        PUImageClassifier(Keeps, **QUICK).fit(rows.X, rows.y)
        signs = [1, 1, 1, -1, 1]  # the shape, the last layer, noise twice, the first step
        for sign, seen in zip(signs, weights):
            torch.testing.assert_close(seen, sign * weights[0], rtol=0, atol=0)


class TestShapes:
    @pytest.mark.parametrize(
        "behind",
        [
            lambda x: x.squeeze(1),
            lambda x: x.squeeze(),  # of a single sample this is a number without axes
            lambda x: x[:, 0],
            lambda x: x[:, :, None, None],
            lambda x: x[:, None],
            nn.Flatten(0),
        ],
    )
    @pytest.mark.parametrize("criterion", ["nnpu", "vpu"])
    def test_one_logit_each_is_accepted_in_any_shape(self, rows, behind, criterion):
        def trained(behind):
            classifier = PUImageClassifier(
                Net,
                module_params={"behind": behind},
                prior=0.3,
                criterion=criterion,
                early_stopping=True,
                calibration="platt",
                lr=0.1,
                max_epochs=5,
                random_state=0,
            )
            return classifier.fit(rows.X, rows.y)

        expected = trained(nn.Identity).predict_proba(rows.X)
        classifier = trained(behind)
        np.testing.assert_array_equal(classifier.predict_proba(rows.X), expected)
        for n in (1, 2):
            np.testing.assert_allclose(classifier.predict_proba(rows.X[:n]), expected[:n])

    @pytest.mark.parametrize(
        ("n_outputs", "behind", "message"),
        [
            (2, nn.Identity, r"\(2, 2\) for 2 samples .*one logit each.*not in one for each class"),
            (2, lambda x: x[..., None, None], r"\(2, 2, 1, 1\) .*not in one for each class"),
            (5, nn.Identity, r"\(2, 5\) .*such as a last layer of out_features=1"),
            (1, lambda x: x.mean(), r"\(\) for 2 samples .* keep the first axis"),
            (1, lambda x: x.mean(0), r"\(1,\) for 2 samples .* keep the first axis"),
            (1, lambda x: x.T, r"\(1, 2\) for 2 samples .* keep the first axis"),
            (4, lambda x: x.view(-1, 1, 2, 2), r"\(2, 1, 2, 2\) .* pool over the image"),
        ],
    )
    def test_others_are_refused(self, rows, n_outputs, behind, message):
        with pytest.raises(ValueError, match=f"module Net gives logits of shape {message}"):
            fit(rows, behind, n_outputs)

    @pytest.mark.parametrize("behind", [lambda x: (x, x), lambda x: {"logits": x}])
    def test_so_is_what_is_no_tensor(self, rows, behind):
        with pytest.raises(TypeError, match=r"module Net returns a (tuple|dict), where a tensor"):
            fit(rows, behind)


class TestCriteria:
    @pytest.mark.parametrize(
        "criterion",
        [nn.MSELoss, nn.BCEWithLogitsLoss, nn.BCELoss, nn.CrossEntropyLoss, nn.SoftMarginLoss],
    )
    def test_classes_of_losses_without_a_prior_are_refused(self, rows, criterion):
        message = f"criterion {criterion.__name__} does not accept prior as its first.*'pn'"
        with pytest.raises(TypeError, match=message):
            PUImageClassifier(criterion=criterion).fit(rows.X, rows.y)

    def test_own_ones_too(self, rows):
        class Own(nn.Module):
            def __init__(self, slack=0.1):
                super().__init__()

        with pytest.raises(TypeError, match="criterion Own does not accept prior"):
            PUImageClassifier(criterion=Own).fit(rows.X, rows.y)

    def test_an_object_of_pytorch_is_a_warning(self, rows):
        classifier = PUImageClassifier(criterion=nn.BCEWithLogitsLoss(), **QUICK)
        with pytest.warns(UserWarning, match=r"uses no prior and takes unlabelled .* negatives"):
            classifier.fit(rows.X, rows.y)
        assert classifier.n_iter_ == 1


class TestChannelsLast:
    @pytest.mark.parametrize("channels", [1, 3, 4])
    @pytest.mark.parametrize("side", [8, 28])
    def test_square_images_are_refused(self, channels, side):
        X = np.zeros((6, side, side, channels), dtype=np.uint8)
        message = rf"means {side} channels of {side} x {channels} pixels; .*np.moveaxis\(X, -1, 1\)"
        with pytest.raises(ValueError, match=message):
            PUImageClassifier(**QUICK).fit(X, [1, 0] * 3)

    def test_others_are_a_warning(self):
        X = np.random.default_rng(0).normal(size=(6, 24, 32, 3)).astype(np.float32)
        with pytest.warns(UserWarning, match=r"means 24 channels .* and is used so; if the chan"):
            classifier = PUImageClassifier(**QUICK).fit(X, [1, 0] * 3)
        assert classifier.image_shape_ == (24, 32, 3)

    @pytest.mark.parametrize(
        "shape", [(3, 32, 3), (1, 28, 28), (3, 32, 32), (4, 4, 4), (12, 100, 1), (16, 16, 16)]
    )
    def test_channels_first_are_not(self, shape):
        X = np.random.default_rng(0).normal(size=(6, *shape)).astype(np.float32)
        assert PUImageClassifier(**QUICK).fit(X, [1, 0] * 3).image_shape_ == shape

    def test_a_perceptron_takes_any_order(self):
        X = np.random.default_rng(0).normal(size=(6, 9, 9, 3)).astype(np.float32)
        assert PUImageClassifier("mlp", **QUICK).fit(X, [1, 0] * 3).image_shape_ == (9, 9, 3)

    def test_prediction_says_so_too(self):
        X = np.random.default_rng(0).normal(size=(6, 3, 9, 9)).astype(np.float32)
        classifier = PUImageClassifier(**QUICK).fit(X, [1, 0] * 3)
        with pytest.raises(ValueError, match=r"fitted on .*\(3, 9, 9\); if the channels are"):
            classifier.predict(np.moveaxis(X, 1, -1))
