"""The decoder of the hybrid."""

from __future__ import annotations

import pytest
import torch

from puclassify.losses import reconstruction_error
from puclassify.networks import CompactCNN, Conv31, Decoder


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


class TestShapes:
    @pytest.mark.parametrize("size", [(1, 1), (4, 4), (5, 8), (28, 28), (71, 71), (64, 97)])
    def test_one_embedding_gives_the_image(self, size):
        decoder = Decoder(6, (3, *size), units=4)
        assert decoder(torch.randn(2, 6, 1, 1)).shape == (2, 3, *size)

    @pytest.mark.parametrize("stride", [1, 2, 4, 8])
    @pytest.mark.parametrize("size", [(1, 1), (7, 7), (8, 8), (31, 12), (71, 71)])
    def test_map_of_embeddings(self, stride, size):
        decoder = Decoder(6, (2, *size), stride=stride, units=4)
        expected = (1, 2, 2 * stride + size[0], 4 * stride + size[1])
        assert decoder(torch.randn(1, 6, 3, 5)).shape == expected

    def test_fits_a_network(self):
        network = Conv31(units=2)
        images = torch.randn(2, 1, 47, 43)
        decoder = Decoder(8, (1, 31, 31), stride=4, units=4)
        assert decoder(network.features(images)).shape == images.shape


class TestPlace:
    @pytest.mark.parametrize("stride", [1, 2, 4])
    @pytest.mark.parametrize("size", [9, 10])
    def test_each_embedding_paints_its_own_place(self, stride, size):
        """Moving one embedding changes the ``size`` pixels from ``stride * position`` on."""
        decoder = Decoder(4, (1, size, size), stride=stride, units=16).double().eval()
        embedding = torch.randn(1, 4, 5, 4, dtype=torch.float64)
        changed = torch.zeros(4 * stride + size, 3 * stride + size, dtype=bool)
        for _ in range(3):
            moved = embedding.clone()
            moved[0, :, 2, 1] += torch.randn(4)
            with torch.no_grad():
                changed |= (decoder(moved) != decoder(embedding))[0, 0]
        rows, columns = changed.any(1).nonzero(), changed.any(0).nonzero()
        assert (rows.min(), rows.max()) == (2 * stride, 2 * stride + size - 1)
        assert (columns.min(), columns.max()) == (stride, stride + size - 1)


class TestTraining:
    def test_autoencodes_images(self):
        axis = torch.linspace(-1, 1, 12)
        centres = torch.rand(64, 2) - 0.5
        squares = (axis[None, :, None] - centres[:, 0, None, None]) ** 2
        squares = squares + (axis[None, None, :] - centres[:, 1, None, None]) ** 2
        images = torch.exp(-squares / 0.1)[:, None]
        network, decoder = CompactCNN(units=4), Decoder(16, (1, 12, 12), units=16)
        optimizer = torch.optim.Adam([*network.parameters(), *decoder.parameters()], lr=1e-2)
        for _ in range(60):
            optimizer.zero_grad()
            error = reconstruction_error(images, decoder(network.features(images)))
            error.backward()
            optimizer.step()
        mean_image = reconstruction_error(images, images.mean(0).expand_as(images))
        assert error < 0.5 * mean_image

    def test_single_value(self):
        decoder = Decoder(3, (1, 1, 1))
        decoder(torch.randn(1, 3, 1, 1)).sum().backward()
        assert torch.isfinite(decoder.head.weight.grad).all()


class TestInput:
    @pytest.mark.parametrize("shape", [(5, 5), (1, 0, 5), (0, 5, 5)])
    def test_image_shape(self, shape):
        with pytest.raises(ValueError, match=r"image_shape must be \(channels, height, width\)"):
            Decoder(4, shape)

    @pytest.mark.parametrize("stride", [0, 3, -4, 2.0, True])
    def test_stride(self, stride):
        with pytest.raises(ValueError, match="stride must be a power of two"):
            Decoder(4, (1, 5, 5), stride=stride)
