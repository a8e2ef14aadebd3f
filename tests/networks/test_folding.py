"""Networks with their batch normalisation folded into the convolutions."""

from __future__ import annotations

import copy
import types

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from puclassify.networks import (
    NETWORKS,
    CompactCNN,
    FullyConvolutional,
    ResNet8,
    fold_batch_norm,
    unfolded_batch_norms,
)
from puclassify.networks._residual_block import ResidualBlock

FOLDED = [kind for kind in NETWORKS.values() if issubclass(kind, FullyConvolutional)]


@pytest.fixture
def trained():
    """Train a network, so that its statistics and scales are not those of the start."""

    def train(network):
        for _ in range(3):
            network(2 + 3 * torch.randn(2, 1, 131, 131))
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d) and layer.affine:
                nn.init.uniform_(layer.weight, 0.5, 2.0)
                nn.init.normal_(layer.bias)
        return network.eval()

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield train


def batch_norms(network):
    layers = network.named_modules(remove_duplicate=False)
    return [name for name, layer in layers if isinstance(layer, nn.BatchNorm2d)]


def assert_same_logits(folded, network):
    x = 2 + 3 * torch.randn(1, 1, 139, 131)
    with torch.inference_mode():
        expected = network(x)
        torch.testing.assert_close(folded(x), expected, rtol=1e-5, atol=1e-5)
    assert expected.std() > 0.01


@pytest.mark.parametrize("kind", FOLDED)
class TestShippedNetworks:
    def test_give_the_same_logits_without_any_batch_normalisation(self, trained, kind):
        network = trained(kind(units=4))
        folded = fold_batch_norm(network)
        assert len(batch_norms(network)) >= 3
        assert batch_norms(folded) == []
        assert unfolded_batch_norms(network) == {}
        assert_same_logits(folded, network)

    def test_stay_as_they_were(self, trained, kind):
        network = trained(kind(units=4))
        before = copy.deepcopy(network.state_dict())
        folded = fold_batch_norm(network)
        after = network.state_dict()
        assert list(before) == list(after)
        assert all(torch.equal(before[key], after[key]) for key in before)
        shared = {p.data_ptr() for p in network.parameters()}
        assert not shared & {p.data_ptr() for p in folded.parameters()}


class Unchanged(ResNet8):
    """Only the name is new."""


class Longer(ResNet8):
    """More layers behind and between those of the base."""

    def __init__(self, units):
        super().__init__(units=units)
        stem = self.features[:1].append(nn.Dropout2d(0.1)).append(nn.Tanh())
        end = [nn.Conv2d(4 * units, 4 * units, 3), nn.BatchNorm2d(4 * units), nn.ReLU()]
        self.features = nn.Sequential(stem, *self.features[1:], *end)


class EarlyExit(ResNet8):
    """Uses the output of a convolution before its batch normalisation."""

    def forward(self, x):
        first = self.features[0](x)
        return super().forward(x) + first.mean()


class RawBlock(ResidualBlock):
    """Uses the first convolution alone."""

    def forward(self, x):
        return super().forward(x) + self.path[0](x).mean()


class Named(nn.Sequential):
    """A sequence under another name."""


class FirstTwice(nn.Sequential):
    """Runs its first layer twice."""

    def forward(self, x):
        return super().forward(x) + self[0](x).mean()


class Borrower(nn.Module):
    """Runs one layer of a sequence that another module runs as a whole."""

    def __init__(self, sequence):
        super().__init__()
        self.borrowed = sequence

    def forward(self, x):
        return x + self.borrowed[0](x[:, :1]).mean()


class Doubled(nn.Conv2d):
    """A convolution with its own forward."""

    def forward(self, x):
        return 2 * super().forward(x)


def conv_norm(conv=None, norm=None):
    return [conv or nn.Conv2d(1, 4, 5), norm or nn.BatchNorm2d(4), nn.ReLU()]


def network_of(*features):
    return FullyConvolutional(nn.Sequential(*features), 4)


class TestSubclasses:
    def test_one_that_changes_nothing_is_folded(self, trained):
        network = trained(Unchanged(units=4))
        folded = fold_batch_norm(network)
        assert type(folded) is Unchanged
        assert batch_norms(folded) == []
        assert_same_logits(folded, network)

    def test_one_with_more_layers_is_folded_where_a_convolution_comes_first(self, trained):
        network = trained(Longer(units=4))
        folded = fold_batch_norm(network)
        assert batch_norms(folded) == ["features.1"]
        reason = {"features.1": "it does not directly follow a torch.nn.Conv2d"}
        assert unfolded_batch_norms(network) == reason
        assert_same_logits(folded, network)

    def test_one_that_overrides_forward_is_left_alone_with_a_reason(self, trained):
        network = trained(EarlyExit(units=4))
        assert fold_batch_norm(network) is network
        reasons = unfolded_batch_norms(network)
        assert list(reasons) == batch_norms(network)
        reason = "EarlyExit.forward is not known to run features as a whole"
        assert set(reasons.values()) == {reason}

    def test_a_forward_given_to_an_instance_counts(self, trained):
        network = trained(Unchanged(units=4))
        network.forward = types.MethodType(EarlyExit.forward, network)
        assert fold_batch_norm(network) is network

    @pytest.mark.parametrize("network", [CompactCNN(units=2), nn.Linear(2, 1)])
    def test_other_networks_are_left_alone(self, network):
        assert fold_batch_norm(network.eval()) is network


class TestOwnLayers:
    @pytest.mark.parametrize(
        "layers",
        [
            lambda: conv_norm(),
            lambda: conv_norm(nn.Conv2d(1, 4, 5, bias=False)),
            lambda: conv_norm(norm=nn.BatchNorm2d(4, affine=False)),
            lambda: [Named(*conv_norm()), nn.Sequential(nn.Sequential(nn.Conv2d(4, 4, 3)))],
            lambda: [nn.Sequential(*conv_norm()), ResidualBlock(4, 4, strides=(1, 2))],
        ],
    )
    def test_are_folded(self, trained, layers):
        network = trained(network_of(*layers()))
        folded = fold_batch_norm(network)
        assert batch_norms(network)
        assert batch_norms(folded) == []
        assert_same_logits(folded, network)

    @pytest.mark.parametrize(
        ("layers", "left", "reason"),
        [
            (
                lambda: [FirstTwice(*conv_norm())],
                ["features.0.1"],
                "FirstTwice.forward is not known to run 1 as a whole",
            ),
            (
                lambda: [nn.Conv2d(1, 4, 5), RawBlock(4, 4)],
                ["features.1.path.1", "features.1.path.4"],
                "RawBlock.forward is not known to run path as a whole",
            ),
            (
                lambda: conv_norm(Doubled(1, 4, 5)),
                ["features.1"],
                "it does not directly follow a torch.nn.Conv2d",
            ),
            (
                lambda: conv_norm(parametrizations.weight_norm(nn.Conv2d(1, 4, 5))),
                ["features.1"],
                "it does not directly follow a torch.nn.Conv2d",
            ),
            (
                lambda: conv_norm(norm=nn.BatchNorm2d(4, track_running_stats=False)),
                ["features.1"],
                "it has no running statistics",
            ),
            (
                lambda: conv_norm(norm=nn.SyncBatchNorm(4)),
                ["features.1"],
                "SyncBatchNorm is not a plain BatchNorm2d",
            ),
        ],
    )
    def test_stay_where_folding_could_change_the_logits(self, trained, layers, left, reason):
        network = network_of(*layers()).eval()
        folded = fold_batch_norm(network)
        assert unfolded_batch_norms(network) == dict.fromkeys(left, reason)
        assert_same_logits(folded, network)

    def test_a_sequence_that_another_forward_shares_stays(self, trained):
        shared = nn.Sequential(nn.Conv2d(1, 4, 5, padding=2), nn.BatchNorm2d(4), nn.ReLU())
        network = trained(network_of(shared, Borrower(shared), *conv_norm(nn.Conv2d(4, 4, 3))))
        folded = fold_batch_norm(network)
        assert batch_norms(folded) == ["features.0.1", "features.1.borrowed.1"]
        assert unfolded_batch_norms(network) == {
            "features.0.1": "its sequence is also part of a module with its own forward",
            "features.1.borrowed.1": "Borrower.forward is not known to run borrowed as a whole",
        }
        assert_same_logits(folded, network)

    def test_shared_convolutions_are_folded_once_for_each_normalisation(self, trained):
        conv = nn.Conv2d(1, 1, 3, bias=False)
        network = trained(
            network_of(*(conv, nn.BatchNorm2d(1)) * 2, conv, nn.ReLU(), nn.Conv2d(1, 4, 1))
        )
        folded = fold_batch_norm(network)
        assert batch_norms(folded) == []
        assert folded.features[4].bias is None
        assert_same_logits(folded, network)

    def test_hooks_still_see_what_they_saw(self, trained):
        seen = []
        network = trained(network_of(*conv_norm()))
        network.features[0].register_forward_hook(lambda *args: seen.append(args[-1].mean()))
        assert_same_logits(fold_batch_norm(network), network)
        assert len(seen) == 2
        assert seen[0] == seen[1]
        assert unfolded_batch_norms(network) == {
            "features.1": "hooks are registered on it or on its convolution"
        }

    def test_layers_in_training_stay(self):
        network = network_of(*conv_norm())
        assert fold_batch_norm(network) is network
        assert unfolded_batch_norms(network) == {
            "features.1": "it is in training mode; call eval() first"
        }
