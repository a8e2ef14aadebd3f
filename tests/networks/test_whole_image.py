"""The networks that look at a whole image or sample: compact CNN and perceptron."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from puclassify.networks import MLP, CompactCNN
from puclassify.networks._batch_norm import BatchNorm1d, BatchNorm2d


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def train(network, x, y, steps=60, lr=1e-2):
    optimizer = torch.optim.Adam(network.parameters(), lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        logits = network(x).flatten()
        nn.functional.binary_cross_entropy_with_logits(logits, y).backward()
        optimizer.step()
    return ((network.eval()(x).flatten() > 0) == (y > 0)).float().mean().item()


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


class TestCompactCNN:
    @pytest.mark.parametrize("size", [(1, 1), (4, 4), (5, 9), (28, 28), (33, 64)])
    def test_any_size(self, size):
        network = CompactCNN(in_channels=2, units=4)
        x = noise(3, 2, *size)
        assert network(x).shape == (3, 1, 1, 1)
        network.eval()
        assert network.features(x).shape == (3, 16, 1, 1)
        assert network.head(network.features(x)).equal(network(x))

    def test_sees_every_pixel(self):
        x = noise(1, 1, 13, 10).requires_grad_()
        CompactCNN(units=16).eval()(x).sum().backward()
        assert (x.grad != 0).all()

    def test_cannot_slide(self):
        assert CompactCNN.receptive_field is None
        assert CompactCNN().stride is None

    def test_learns_a_texture(self):
        rows, columns = torch.ones(8, 8), torch.ones(8, 8)
        rows[::2], columns[:, ::2] = -1, -1
        y = (torch.arange(40) % 2).float()
        x = torch.stack([rows if label else columns for label in y])[:, None]
        assert train(CompactCNN(units=4), x + noise(*x.shape), y, steps=20) >= 0.95


class TestMLP:
    @pytest.mark.parametrize("hidden", [(), (7,), (5, 3)])
    def test_shapes(self, hidden):
        network = MLP(in_features=6, hidden=hidden).eval()
        x = noise(4, 6)
        assert network(x).shape == (4, 1)
        assert network.features(x).shape == (4, hidden[-1] if hidden else 6)
        assert network.head(network.features(x)).equal(network(x))
        assert network(x.reshape(4, 1, 2, 3)).equal(network(x))

    def test_cannot_slide(self):
        assert MLP.receptive_field is None
        assert MLP(in_features=2).stride is None

    @pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (1000.0, 5e4), (0.01, -3.0)])
    def test_learns_unscaled_features(self, scale, shift):
        x = noise(200, 3)
        y = (x[:, 0] * x[:, 1] > 0).float()
        assert train(MLP(in_features=3), scale * x + shift, y) >= 0.95

    def test_scale_changes_nothing(self):
        x = noise(50, 4)
        scales = torch.tensor([1.0, 10.0, 1e3, 0.1])
        network = MLP(in_features=4)
        torch.testing.assert_close(network(x * scales + 7), network(x), atol=2e-2, rtol=0)

    def test_all_batches_count_alike_in_the_input_statistics(self):
        network, x = MLP(in_features=2), noise(300, 2) + 5
        for batch in x.split(10):
            network(batch)
        (norm,) = (m for m in network.modules() if isinstance(m, nn.BatchNorm1d))
        torch.testing.assert_close(norm.running_mean, x.mean(0))

    def test_dropout(self):
        network = MLP(in_features=4, dropout=0.9)
        x = noise(5, 4)
        assert not network(x).equal(network(x))
        assert network.eval()(x).equal(network(x))


class TestBatchOfOne:
    @pytest.mark.parametrize(
        ("network", "shape"), [(MLP(in_features=3), (3,)), (CompactCNN(units=2), (1, 4, 4))]
    )
    def test_trains(self, network, shape):
        network.train()
        network(noise(8, *shape))
        before = {key: value.clone() for key, value in network.state_dict().items()}
        output = network(noise(1, *shape, seed=1))
        output.sum().backward()
        assert output.isfinite().all()
        assert all(p.grad.isfinite().all() for p in network.parameters())
        first = next(key for key in before if key.endswith("running_mean"))
        if len(shape) == 1:
            assert network.state_dict()[first].equal(before[first])

    def test_uses_the_running_statistics(self):
        norm = BatchNorm1d(1)
        norm(torch.tensor([[1.0], [5.0]]))
        single = torch.tensor([[7.0]])
        trained = norm(single)
        assert trained.equal(norm.eval()(single))
        assert trained.item() == pytest.approx((7 - 3) / 8**0.5, rel=1e-4)


class TestBatchNorm:
    @pytest.mark.parametrize(
        ("ours", "theirs", "shape"),
        [(BatchNorm1d, nn.BatchNorm1d, (6, 3)), (BatchNorm2d, nn.BatchNorm2d, (2, 3, 4, 5))],
    )
    def test_normalises_as_pytorch(self, ours, theirs, shape):
        x = 3 * noise(*shape) + 2
        torch.testing.assert_close(ours(3)(x), theirs(3)(x))
        assert isinstance(ours(3), theirs)

    def test_running_mean_is_plain_at_first_then_decays(self):
        norm, expected = BatchNorm1d(1, momentum=0.25), 0.0
        for t in range(1, 9):
            x = noise(5, 1, seed=t) + t
            norm(x)
            weight = max(0.25, 1 / t)
            expected = weight * x.mean().item() + (1 - weight) * expected
            assert norm.running_mean.item() == pytest.approx(expected, rel=1e-5)

    def test_without_momentum_averages_all(self):
        norm = BatchNorm1d(1, momentum=None, affine=False)
        batches = [noise(5, 1, seed=t) for t in range(30)]
        for batch in batches:
            norm(batch)
        assert norm.running_mean.item() == pytest.approx(torch.cat(batches).mean().item(), abs=1e-6)
        assert norm.weight is None

    def test_evaluation_leaves_the_statistics(self):
        norm = BatchNorm1d(1).eval()
        norm(torch.tensor([[1.0], [5.0]]))
        assert norm.running_mean == 0

    def test_a_loaded_state_goes_on(self):
        norm, loaded = BatchNorm1d(1), BatchNorm1d(1)
        for t in range(20):
            norm(noise(5, 1, seed=t))
        loaded.load_state_dict(norm.state_dict())
        for one in (norm, loaded):
            one(noise(5, 1, seed=99) + 50)
        assert loaded.running_mean.equal(norm.running_mean)
