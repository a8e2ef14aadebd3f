"""Networks from names, classes and factories, and the requirements on them."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn

from puclassify import networks
from puclassify.networks import (
    MLP,
    NETWORKS,
    CompactCNN,
    Conv31,
    FullyConvolutional,
    ResNet8,
    check_unpadded,
    resolve_network,
    set_head_bias,
)


class TestResolveNetwork:
    @pytest.mark.parametrize("name", list(NETWORKS))
    def test_name(self, name):
        assert resolve_network(name) is NETWORKS[name]

    @pytest.mark.parametrize("name", list(NETWORKS))
    def test_public(self, name):
        assert NETWORKS[name].__name__ in networks.__all__

    def test_an_entry_of_your_own(self, monkeypatch):
        monkeypatch.setitem(NETWORKS, "own", _Declared)
        assert resolve_network("own") is _Declared
        with pytest.raises(ValueError, match=r"'own'\], a class .* did you mean 'own'\?$"):
            resolve_network("Owns")

    def test_class_and_factory(self):
        def factory(units=2):
            return Conv31(units=units)

        assert resolve_network(ResNet8) is ResNet8
        assert resolve_network(factory) is factory

    @pytest.mark.parametrize(
        ("wrong", "near"), [("ResNet8", "resnet8"), ("resnet-16", "resnet16"), ("conv64", "conv63")]
    )
    def test_unknown_name(self, wrong, near):
        with pytest.raises(ValueError, match=f"'resnet8'.*got '{wrong}'; did you mean '{near}'"):
            resolve_network(wrong)

    def test_instance(self):
        with pytest.raises(TypeError, match=r"instance of ResNet8.*fold.*module_params"):
            resolve_network(ResNet8(units=2))

    @pytest.mark.parametrize("wrong", [None, 8, int])
    def test_nothing_that_builds(self, wrong):
        with pytest.raises(TypeError, match="module must be"):
            resolve_network(wrong)


class TestSetHeadBias:
    @pytest.mark.parametrize("prior", [0.01, 0.5, 0.9])
    @pytest.mark.parametrize(
        "network", [Conv31(units=2), CompactCNN(units=2), MLP(in_features=961)]
    )
    def test_predictions_start_at_the_prior(self, network, prior):
        set_head_bias(network, prior)
        nn.init.zeros_(network.head.weight)
        probability = torch.sigmoid(network.eval()(torch.zeros(2, 1, 31, 31)))
        torch.testing.assert_close(probability, torch.full_like(probability, prior))

    def test_last_layer_where_there_is_no_head(self):
        network = nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 1))
        first = network[0].bias.clone()
        set_head_bias(network, 0.2)
        assert network[2].bias.item() == pytest.approx(math.log(0.25))
        assert network[0].bias.equal(first)

    def test_head_of_several_layers(self):
        network = nn.Module()
        network.head = nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU(), nn.Conv2d(4, 1, 1))
        network.decoder = nn.Conv2d(4, 1, 1)
        decoder = network.decoder.bias.clone()
        set_head_bias(network, 0.2)
        assert network.head[2].bias.item() == pytest.approx(math.log(0.25))
        assert network.decoder.bias.equal(decoder)

    def test_no_bias(self):
        network = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1, bias=False))
        before = copy.deepcopy(network.state_dict())
        set_head_bias(network, 0.2)
        assert all(value.equal(before[key]) for key, value in network.state_dict().items())

    @pytest.mark.parametrize("prior", [0.0, 1.0, -1.0])
    def test_impossible_prior(self, prior):
        with pytest.raises(ValueError, match=r"^prior must be a number between 0 and 1, both excl"):
            set_head_bias(Conv31(units=2), prior)


class _Declared(nn.Module):
    """Any layers with any claims about them."""

    def __init__(self, layers, receptive_field, stride):
        super().__init__()
        self.features = layers
        self.receptive_field, self.stride = receptive_field, stride

    def forward(self, x):
        return self.features(x)


class TestCheckUnpadded:
    def test_same_padding_changes_the_size(self):
        with pytest.raises(ValueError, match=r"logits of shape \(1, 1, 8, 8\).*remove the padding"):
            check_unpadded(FullyConvolutional(nn.Conv2d(1, 2, 5, padding=2), 2))

    def test_padding_that_hides_in_the_size(self):
        # Sizes fit: three 3x3 convolutions of which one pads, claiming the field of two.
        layers = nn.Sequential(
            nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 1, 3)
        )
        with pytest.raises(ValueError, match="differently from its patches"):
            check_unpadded(_Declared(layers, 5, 1))

    def test_global_context(self):
        layers = nn.Sequential(nn.InstanceNorm2d(1), nn.Conv2d(1, 1, 3))
        with pytest.raises(ValueError, match="differently from its patches"):
            check_unpadded(_Declared(layers, 3, 1))

    @pytest.mark.parametrize("network", [CompactCNN(units=2), MLP(in_features=4)])
    def test_whole_image_networks(self, network):
        with pytest.raises(TypeError, match="receptive_field=None"):
            check_unpadded(network)

    @pytest.mark.parametrize(("field", "stride"), [(3.0, 1), (0, 1), (3, None)])
    def test_senseless_claims(self, field, stride):
        with pytest.raises(TypeError, match="positive integer"):
            check_unpadded(_Declared(nn.Conv2d(1, 1, 3), field, stride))

    def test_no_features(self):
        with pytest.raises(TypeError, match="no attribute features"):
            check_unpadded(nn.Conv2d(1, 1, 3))

    def test_leaves_everything_as_it_was(self):
        network = Conv31(units=2)
        network.features[0].eval()
        state, random = copy.deepcopy(network.state_dict()), torch.get_rng_state()
        check_unpadded(network)
        assert all(value.equal(state[key]) for key, value in network.state_dict().items())
        assert torch.get_rng_state().equal(random)
        assert network.training
        assert not network.features[0].training
        assert network.features[1].training

    def test_double_precision(self):
        check_unpadded(Conv31(units=2).double())
