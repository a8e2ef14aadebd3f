import copy

import numpy as np
import pytest
import torch

from puclassify.grid import GridImage
from puclassify.networks import Conv31, FullyConvolutional, ResNet8
from puclassify.networks._folding import fold_batch_norm
from puclassify.picking.scoring._score_map import mirrored_axis, pad_for_map, score_map

CPU = torch.device("cpu")


def trained_like(network):
    """Give a network weights and batch statistics that are not those of a fresh one."""
    torch.manual_seed(0)
    network.train()
    with torch.no_grad():
        for _ in range(3):
            network(torch.randn(4, 1, 91, 91) * 2 + 1)
        for parameter in network.parameters():
            parameter += 0.02 * torch.randn_like(parameter)
    return network.eval()


@pytest.fixture(scope="module", params=[ResNet8, Conv31])
def network(request):
    return trained_like(request.param(units=4))


@pytest.fixture
def image():
    values = np.random.default_rng(0).normal(size=(117, 150)).astype(np.float32)
    return GridImage(values, step=2.0, offset=1.0, name="mic")


@pytest.mark.parametrize("tile", [1, 3, 7, 20, 1000])
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_tiles_give_the_untiled_map(network, image, tile, device):
    if tile == 1:
        image = GridImage(image.values[:24, :30])
    whole = score_map(network, image, device=CPU).values
    device = torch.device(device)
    network = copy.deepcopy(network).to(device)
    tiled = score_map(network, image, device=device, tile=tile).values
    torch.testing.assert_close(tiled.cpu(), whole, rtol=0, atol=1e-5)


def test_every_score_is_that_of_its_patch(network, image):
    scores = score_map(network, image, device=CPU, tile=9).values
    field, stride = network.receptive_field, network.stride
    padded = np.pad(image.values, field, mode="reflect")
    for row, column in [(0, 0), (3, 5), (scores.shape[0] - 1, scores.shape[1] - 1)]:
        top, left = (field + stride * i - (field - 1) // 2 for i in (row, column))
        patch = torch.from_numpy(padded[top : top + field, left : left + field].copy())
        with torch.no_grad():
            expected = network(patch[None, None]).item()
        assert scores[row, column].item() == pytest.approx(expected, abs=1e-4)


def test_lies_over_the_same_micrograph(network, image):
    scores = score_map(network, image, device=CPU)
    assert scores.name == "mic"
    assert scores.step == (2.0 * network.stride,) * 2
    assert scores.offset == (1.0, 1.0)
    assert scores.shape == tuple(-(-n // network.stride) for n in image.shape)


def test_even_field_is_centred_between_pixels():
    network = FullyConvolutional(torch.nn.Conv2d(1, 2, 4, stride=2), 2).eval()
    scores = score_map(network, GridImage(np.zeros((8, 8), np.float32)), device=CPU)
    assert scores.offset == (0.5, 0.5)


def test_tensors_and_any_array(network, image):
    expected = score_map(network, image, device=CPU).values
    read_only = image.values.astype(">f8")[:, ::-1]
    read_only.flags.writeable = False
    for values in (torch.from_numpy(image.values), read_only[:, ::-1]):
        scores = score_map(network, GridImage(values), device=CPU).values
        torch.testing.assert_close(scores, expected)


def test_padding_is_the_mirror_on_both_axes():
    values = np.arange(12.0).reshape(3, 4)
    padded = pad_for_map(values, 5, 2)
    assert padded.shape == (2 * 1 + 5, 2 * 1 + 5)
    np.testing.assert_array_equal(padded[2:5, 2:6], values)
    assert mirrored_axis(4, 5, 2).tolist() == [2, 1, 0, 1, 2, 3, 2]


def test_folded_network_gives_the_same_map(network, image):
    whole = score_map(network, image, device=CPU).values
    folded = score_map(fold_batch_norm(network), image, device=CPU, tile=11).values
    torch.testing.assert_close(folded, whole, rtol=1e-5, atol=1e-4)
