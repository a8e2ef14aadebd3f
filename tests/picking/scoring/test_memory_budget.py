import numpy as np
import pytest
import torch
from torch import nn

from puclassify.networks import Conv31, FullyConvolutional, ResNet8
from puclassify.picking.scoring import _memory_budget
from puclassify.picking.scoring._memory_budget import (
    check_memory_budget,
    default_memory_budget,
    free_memory,
    tile_length,
)

CPU = torch.device("cpu")


def bytes_of_outputs(network, edge):
    """Add up what the layers of a network give, by running it."""
    sizes = []

    def count(layer, inputs, output):
        if output.data_ptr() != inputs[0].data_ptr():  # not in place
            sizes.append(output.numel() * output.element_size())

    for layer in network.modules():
        if not list(layer.children()):
            layer.register_forward_hook(count)
    with torch.inference_mode():
        network(torch.zeros(1, 1, edge, edge))
    return sum(sizes) + 4 * edge**2


@pytest.mark.parametrize("make", [lambda: ResNet8(units=4), lambda: Conv31(units=4)])
@pytest.mark.parametrize("budget", [2e5, 3e6])
def test_largest_tile_within_the_budget(make, budget):
    network = make().eval()
    tile = tile_length(network, budget)
    for more, fits in ((0, True), (1, False)):
        edge = (tile + more - 1) * network.stride + network.receptive_field
        assert (bytes_of_outputs(make().eval(), edge) <= budget) is fits


def test_half_precision_takes_half():
    network = ResNet8(units=4).eval()
    assert tile_length(network, 5e6, torch.bfloat16) == tile_length(network, 1e7)


def test_at_least_one_position_and_not_without_end():
    network = ResNet8(units=4).eval()
    assert tile_length(network, 1.0) == 1
    assert tile_length(network, 1e15) == 4096


def test_network_that_looks_at_its_data():
    class Strange(nn.Module):
        def forward(self, x):
            return x - x.min().item()

    network = FullyConvolutional(nn.Conv2d(1, 2, 3), 2).eval()
    network.features.register_forward_hook(lambda layer, inputs, output: Strange()(output))
    assert tile_length(network, 1e8) == int((1e8 / 2**15) ** 0.5)


def test_default_is_a_share_of_what_is_free(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(_memory_budget, "free_memory", lambda device: 100 * 2**20)
        assert default_memory_budget(CPU) == 25 * 2**20
        patch.setattr(_memory_budget, "free_memory", lambda device: 64 * 2**30)
        assert default_memory_budget(CPU) == 128 * 2**20
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (2**30, 2**34))
    assert default_memory_budget(torch.device("cuda")) == 2**29


@pytest.mark.parametrize("value", [0, -1.0, "all", None, np.nan, True])
def test_refuses_other_budgets(value):
    with pytest.raises(ValueError, match="memory_budget must be a positive number of bytes"):
        check_memory_budget(value)


class TestFreeMemory:
    def test_of_the_machine(self):
        assert free_memory(CPU) > 1e6

    def test_where_nobody_says(self, monkeypatch):
        def refuse(*args, **kwargs):
            raise OSError

        monkeypatch.setattr("pathlib.Path.read_text", refuse)
        monkeypatch.setattr("os.sysconf", refuse)
        assert free_memory(CPU) == np.inf
