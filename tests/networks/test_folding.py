"""Networks with their batch normalisation folded into the convolutions."""

import copy

import pytest
import torch
from torch import nn

from puclassify.networks import CompactCNN, Conv31, Conv63, Conv127, ResNet8, ResNet16
from puclassify.networks._folding import fold_batch_norm


@pytest.fixture
def trained():
    """Build a network whose statistics and scales are not those of the start."""

    def build(kind):
        torch.manual_seed(0)
        network = kind(units=4)
        for _ in range(3):
            network(2 + 3 * torch.randn(2, 1, 131, 131))
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                nn.init.uniform_(layer.weight, 0.5, 2.0)
                nn.init.normal_(layer.bias)
        return network.eval()

    with torch.random.fork_rng(devices=[]):
        yield build


@pytest.mark.parametrize("kind", [ResNet8, ResNet16, Conv31, Conv63, Conv127])
class TestFolding:
    def test_gives_the_same_logits(self, trained, kind):
        network = trained(kind)
        x = 2 + 3 * torch.randn(1, 1, 139, 131)
        folded = fold_batch_norm(network)
        assert not any(isinstance(layer, nn.BatchNorm2d) for layer in folded.modules())
        with torch.inference_mode():
            expected = network(x)
            torch.testing.assert_close(folded(x), expected, rtol=1e-5, atol=1e-5)
        assert expected.std() > 0.01

    def test_leaves_the_network_as_it_was(self, trained, kind):
        network = trained(kind)
        before = copy.deepcopy(network.state_dict())
        folded = fold_batch_norm(network)
        after = network.state_dict()
        assert list(before) == list(after)
        assert all(torch.equal(before[key], after[key]) for key in before)
        shared = {p.data_ptr() for p in network.parameters()}
        assert not shared & {p.data_ptr() for p in folded.parameters()}


class Subclass(ResNet8):
    """May use its layers in a way of its own."""


@pytest.mark.parametrize("kind", [Subclass, CompactCNN])
def test_other_networks_are_left_alone(trained, kind):
    network = trained(kind)
    assert fold_batch_norm(network) is network
