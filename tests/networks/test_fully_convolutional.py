"""The unpadded networks: their receptive fields, and tiles against patches."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import nn

from puclassify.networks import NETWORKS, FullyConvolutional, check_unpadded, receptive_field
from puclassify.networks._residual_block import ResidualBlock

# Receptive field, number of convolutions, channels of the embedding with ``units=4``.
GEOMETRY = {
    "conv31": (31, 3, 16),
    "conv63": (63, 4, 16),
    "conv127": (127, 6, 16),
    "resnet8": (71, 8, 16),
    "resnet9": (71, 9, 8),
    "resnet16": (91, 16, 16),
}
FIELDS = {name: field for name, (field, _, _) in GEOMETRY.items()}


def test_every_fully_convolutional_network_of_the_register_is_tested():
    names = {n for n, network in NETWORKS.items() if issubclass(network, FullyConvolutional)}
    assert names == set(GEOMETRY)


def build(name, seed=0, **params):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = NETWORKS[name](**{"units": 4, **params})
        # Statistics and scales as after a training, so that batch normalisation does something.
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.running_mean.normal_(0, 0.3)
                layer.running_var.uniform_(0.5, 2)
                layer.weight.data.uniform_(0.5, 1.5)
                layer.bias.data.normal_(0.2, 0.3)
    return network


def noise(*shape, seed=0, dtype=torch.float32):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.fixture(params=list(FIELDS))
def name(request):
    return request.param


class TestGeometry:
    def test_declared(self, name):
        network = build(name)
        assert (network.receptive_field, network.stride) == (FIELDS[name], 4)
        assert type(network.receptive_field) is type(network.stride) is int

    def test_measured_by_gradients(self, name):
        """Which input pixels move an output, without trusting any arithmetic on layers."""
        network, side = build(name).double().eval(), FIELDS[name] + 12
        seen = torch.zeros(2, side, side)
        for seed in range(3):
            for position, (i, j) in enumerate([(0, 0), (2, 1)]):
                x = noise(1, 1, side, side, seed=seed, dtype=torch.float64).requires_grad_()
                network(x)[0, 0, i, j].backward()
                seen[position] += x.grad[0, 0].abs()
        for position, (i, j) in enumerate([(0, 0), (2, 1)]):
            rows, columns = (seen[position].sum(axis) > 0 for axis in (1, 0))
            for moved, start in ((rows, 4 * i), (columns, 4 * j)):
                expected = torch.zeros(side, dtype=bool)
                expected[start : start + FIELDS[name]] = True
                assert moved.equal(expected)

    def test_output_sizes(self, name):
        network, field = build(name).eval(), FIELDS[name]
        with torch.no_grad():
            for height, width in [(field, field), (field + 3, field + 4), (field + 9, field + 17)]:
                expected = (2, 1, (height - field) // 4 + 1, (width - field) // 4 + 1)
                assert network(torch.zeros(2, 1, height, width)).shape == expected

    def test_number_of_convolutions(self, name):
        sizes = [m.kernel_size for m in build(name).features.modules() if isinstance(m, nn.Conv2d)]
        assert sum(size != (1, 1) for size in sizes) == GEOMETRY[name][1]

    def test_no_padding(self, name):
        convolutions = [m for m in build(name).modules() if isinstance(m, nn.Conv2d)]
        assert all(m.padding == (0, 0) for m in convolutions)


class TestTileEqualsPatches:
    def test_at_full_width(self, name):
        network, field = build(name, units=32 if name == "resnet8" else 8).eval(), FIELDS[name]
        tile = noise(1, 1, field + 11, field + 6)
        with torch.no_grad():
            on_tile = network(tile)
            assert on_tile.shape == (1, 1, 3, 2)
            assert on_tile.std() > 1e-3
            for i in range(3):
                for j in range(2):
                    patch = tile[:, :, 4 * i : 4 * i + field, 4 * j : 4 * j + field]
                    torch.testing.assert_close(
                        network(patch)[0, 0, 0, 0], on_tile[0, 0, i, j], atol=1e-4, rtol=0
                    )

    def test_shifted_input_shifts_output(self, name):
        network, field = build(name).eval(), FIELDS[name]
        tile = noise(1, 1, field + 12, field + 12, seed=1)
        with torch.no_grad():
            torch.testing.assert_close(
                network(tile[:, :, 4:, 8:]), network(tile)[:, :, 1:, 2:], atol=1e-4, rtol=0
            )

    def test_check_unpadded_agrees(self, name):
        check_unpadded(build(name))
        check_unpadded(build(name, in_channels=2), in_channels=2)


class TestResidualShortcut:
    def test_is_centred(self):
        """With the convolutions silenced, the network keeps only its shortcuts' centre pixels."""
        for strides, dilation in [((1, 1), 1), ((1, 2), 1), ((2, 1), 1), ((1, 1), 2)]:
            block = ResidualBlock(1, 1, strides=strides, dilation=dilation).eval()
            side = 20
            x = torch.arange(1.0, side**2 + 1).reshape(1, 1, side, side)
            path_field, stride = receptive_field(block)
            for layer in block.path:
                if isinstance(layer, nn.Conv2d):
                    nn.init.zeros_(layer.weight)
            if not isinstance(block.shortcut, nn.Identity):
                nn.init.ones_(block.shortcut[0].weight)
            out = block(x)[0, 0]
            assert len(out) == (side - path_field) // stride + 1
            middle = (path_field - 1) // 2
            centres = x[0, 0, middle::stride, middle::stride][: len(out), : len(out)]
            torch.testing.assert_close(out, centres, rtol=1e-4, atol=0)


class TestContract:
    def test_head_on_features(self, name):
        network = build(name).eval()
        x = noise(2, 1, FIELDS[name] + 4, FIELDS[name])
        with torch.no_grad():
            embedding = network.features(x)
            channels = network.head.in_channels
            assert embedding.shape == (2, channels, 2, 1)
            assert channels == GEOMETRY[name][2]
            assert network.head(embedding).equal(network(x))
        assert isinstance(network.head, nn.Conv2d)

    def test_parameters(self, name):
        network = NETWORKS[name](in_channels=3, units=2, dropout=0.9)
        x = noise(1, 3, FIELDS[name] + 12, FIELDS[name] + 12)
        assert network(x).shape == (1, 1, 4, 4)
        assert not network(x).equal(network(x))
        network.eval()
        assert network(x).equal(network(x))

    def test_too_small(self, name):
        field = FIELDS[name]
        with pytest.raises(ValueError, match=f"{field - 1} x {field} pixels.*field of .*{field}"):
            build(name)(torch.zeros(1, 1, field - 1, field))

    def test_copies(self, name):
        network = build(name).eval()
        x = noise(1, 1, FIELDS[name], FIELDS[name])
        with torch.no_grad():
            for copied in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
                assert copied(x).equal(network(x))
            other = build(name, seed=1).eval()
            assert not other(x).equal(network(x))
            other.load_state_dict(network.state_dict())
            assert other(x).equal(network(x))

    def test_every_parameter_learns(self, name):
        network = build(name)
        network(noise(2, 1, FIELDS[name] + 8, FIELDS[name] + 8)).square().sum().backward()
        for parameter_name, parameter in network.named_parameters():
            assert parameter.grad.abs().sum() > 0, parameter_name

    def test_start_values(self, name):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            network = NETWORKS[name]()
        for layer in network.features.modules():
            if isinstance(layer, nn.Conv2d):
                fan_in = layer.weight[0].numel()
                assert layer.weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.1)
                assert layer.bias is None
            if isinstance(layer, nn.BatchNorm2d):
                assert layer.weight.eq(1).all()
                assert layer.bias.eq(0).all()
        assert network.head.bias.item() == 0


class TestReceptiveField:
    @pytest.mark.parametrize(
        ("layers", "expected"),
        [
            ([], (1, 1)),
            ([nn.Conv2d(1, 1, 1)], (1, 1)),
            ([nn.Conv2d(1, 1, 3, dilation=4), nn.ReLU()], (9, 1)),
            ([nn.Conv2d(1, 1, 3), nn.MaxPool2d(2), nn.Conv2d(1, 1, 3)], (8, 2)),
            ([nn.AvgPool2d(3, stride=2), nn.Sequential(nn.Conv2d(1, 1, (3, 3), 3))], (7, 6)),
        ],
    )
    def test_by_hand(self, layers, expected):
        assert receptive_field(nn.Sequential(*layers)) == expected

    def test_oblong_window(self):
        with pytest.raises(ValueError, match=r"kernel_size must be the same along both axes"):
            receptive_field(nn.Conv2d(1, 1, (3, 5)))

    def test_own_network(self):
        network = FullyConvolutional(nn.Sequential(nn.Conv2d(1, 3, 5), nn.MaxPool2d(2)), 3)
        assert (network.receptive_field, network.stride) == (6, 2)
        check_unpadded(network)
