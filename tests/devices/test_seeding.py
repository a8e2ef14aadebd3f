"""Computations draw random numbers of their own and leave the process's generators alone."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

from puclassify._devices import OwnGenerators, may_draw
from puclassify.losses import DistributionPULoss, NonNegativePULoss
from puclassify.networks import NETWORKS

CPU = torch.device("cpu")


def draw(generators, n=3):
    with generators.drawing():
        return torch.rand(n)


class TestOwnGenerators:
    def test_draws_are_those_of_the_seed(self):
        generators = OwnGenerators(CPU, 5)
        drawn = torch.cat([draw(generators), draw(generators)])
        expected = torch.rand(6, generator=torch.Generator().manual_seed(5))
        assert torch.equal(drawn, expected)

    def test_the_caller_keeps_its_own(self):
        torch.manual_seed(1)
        draw(OwnGenerators(CPU, 5))
        after = torch.rand(3)
        torch.manual_seed(1)
        assert torch.equal(after, torch.rand(3))

    def test_also_after_an_error(self):
        generators, before = OwnGenerators(CPU, 5), torch.get_rng_state()
        with contextlib.suppress(ZeroDivisionError), generators.drawing():
            torch.rand(3)
            1 / 0  # noqa: B018
        assert torch.equal(torch.get_rng_state(), before)
        expected = torch.rand(6, generator=torch.Generator().manual_seed(5))[3:]
        assert torch.equal(draw(generators), expected)

    def test_one_within_another(self):
        outer, inner = OwnGenerators(CPU, 1), OwnGenerators(CPU, 2)
        with outer.drawing():
            first, other, second = torch.rand(3), draw(inner), torch.rand(3)
        expected = torch.rand(6, generator=torch.Generator().manual_seed(1))
        assert torch.equal(torch.cat([first, second]), expected)
        assert torch.equal(other, torch.rand(3, generator=torch.Generator().manual_seed(2)))

    def test_threads_do_not_draw_from_one_another(self):
        before, together = torch.get_rng_state(), threading.Barrier(4)

        def run(seed):
            generators = OwnGenerators(CPU, seed)
            together.wait(10)
            return torch.cat([draw(generators) for _ in range(200)])

        with ThreadPoolExecutor(4) as executor:
            drawn = list(executor.map(run, range(4)))
        for seed, values in enumerate(drawn):
            expected = OwnGenerators(CPU, seed)
            assert torch.equal(values, torch.cat([draw(expected) for _ in range(200)]))
        assert torch.equal(torch.get_rng_state(), before)

    @pytest.mark.gpu
    def test_on_a_gpu(self):
        device = torch.device("cuda", torch.cuda.current_device())
        before = torch.cuda.get_rng_state(device)
        one, other = OwnGenerators(device, 5), OwnGenerators(device, 5)
        drawn = []
        for generators in (one, other, one, other):
            with generators.drawing():
                drawn.append((torch.rand(3), torch.rand(3, device=device)))
        for values, others in zip(drawn[::2], drawn[1::2], strict=True):
            assert all(map(torch.equal, values, others))
        assert not torch.equal(drawn[0][1], drawn[2][1])
        assert torch.equal(torch.cuda.get_rng_state(device), before)


class MyLayer(nn.Module):
    def forward(self, x):
        return x + torch.randn_like(x)


class TestMayDraw:
    @pytest.mark.parametrize("name", list(NETWORKS))
    def test_shipped_networks_draw_only_with_dropout(self, name):
        params = {"in_features": 4} if name == "mlp" else {"in_channels": 1}
        network = NETWORKS[name](**params)
        assert not may_draw(network)
        draws = [part for part in network.modules() if isinstance(part, nn.Dropout)]
        for part in draws:
            part.p = 0.1
        assert may_draw(network) == bool(draws)

    @pytest.mark.parametrize(
        "layer",
        [
            nn.Dropout2d(0.1),
            nn.RReLU(),
            nn.LSTM(2, 2, dropout=0.5, num_layers=2),
            nn.TransformerEncoderLayer(4, 2),
            nn.FractionalMaxPool2d(2, output_size=2),
            MyLayer(),
        ],
        ids=lambda layer: type(layer).__name__,
    )
    def test_layers_that_draw(self, layer):
        assert may_draw(nn.Sequential(nn.Linear(2, 2), layer))

    def test_hooks_might(self):
        layer = nn.Linear(2, 2)
        assert not may_draw(layer)
        layer.register_forward_hook(lambda module, inputs, output: output + torch.randn(2))
        assert may_draw(layer)

    def test_parametrizations_might(self):
        assert may_draw(nn.utils.parametrizations.spectral_norm(nn.Linear(2, 2)))

    def test_losses_that_mix(self):
        assert not may_draw(NonNegativePULoss(0.3))
        assert may_draw(DistributionPULoss(0.3))
        assert not may_draw(DistributionPULoss(0.3, mixup_weight=0.0, mixup_entropy_penalty=0.0))

    def test_what_is_no_module_might(self):
        assert may_draw(nn.Linear(2, 2), lambda logits, targets: logits.mean())
