"""Suppression by ranks and in rounds over blocks chooses what the plain loop chooses."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from puclassify import GridImage
from puclassify.picking import non_maximum_suppression
from puclassify.picking.suppression import _suppress, _suppress_by_ranks
from puclassify.picking.suppression._suppress_by_blocks import suppress_by_blocks
from puclassify.picking.suppression._suppress_by_ranks import suits_ranks, suppress_by_ranks
from puclassify.picking.suppression._suppress_one_by_one import suppress_one_by_one


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request):
    return torch.device(request.param)


def a_map(kind, rng):
    shape = tuple(rng.integers(1, 40, 2))
    if kind == "ties":
        return rng.integers(-2, 3, shape) * np.float32(1)
    if kind == "zeros":
        return rng.choice([-0.0, 0.0], shape).astype(np.float32)
    if kind == "ramp":
        return np.add.outer(np.arange(shape[0]), np.arange(shape[1])).astype(np.float32)
    values = rng.normal(size=shape).astype(np.float32)
    if kind == "odd":
        odd = rng.random(shape) < 0.3
        values[odd] = rng.choice([np.nan, np.inf, -np.inf], odd.sum())
    return values


@pytest.mark.parametrize("kind", ["noise", "ties", "zeros", "ramp", "odd"])
@pytest.mark.parametrize("radius", [0, 1, 3.75, 6.5, 100])
@pytest.mark.parametrize("step_xy", [(1.0, 1.0), (4.0, 1.3)])
def test_equals_the_plain_loop(device, kind, radius, step_xy):
    rng = np.random.default_rng(0)
    for limit in (-np.inf, 0.0, 0.5):
        values = torch.from_numpy(a_map(kind, rng))
        for inside in (np.s_[:, :], np.s_[2:-1, 1:]):
            parameters = {"limit": limit, "inside": inside, "step_xy": step_xy}
            expected = suppress_one_by_one(values, radius, **parameters).tolist()
            for suppress in (suppress_by_blocks, suppress_by_ranks):
                result = suppress(values.to(device), radius, **parameters)
                assert result.tolist() == expected


def test_float64(device):
    values = torch.tensor([[1.0, 1.0 + 1e-12, 0.0]], dtype=torch.float64)
    assert suppress_by_ranks(values.to(device), 1.0).tolist() == [1]


def test_cpus_do_without():
    assert not suits_ranks(torch.zeros(9, 9), 2.0)


@pytest.mark.parametrize("radius", [0.0, 3.75, 20.0])
@pytest.mark.parametrize("step_xy", [(1.0, 1.0), (4.0, 1.3)])
def test_gpus_take_as_many_pairs_as_fit_at_once(radius, step_xy):
    """A pair is a position and one of its disc, by the disc's area, or itself."""
    pairs_of_one = np.pi * radius**2 / np.prod(step_xy) + 1
    most = int(_suppress_by_ranks._PAIRS_AT_ONCE / pairs_of_one)

    def a_map_on_a_gpu(size):
        return SimpleNamespace(device=torch.device("cuda"), numel=lambda: size)

    assert suits_ranks(a_map_on_a_gpu(most), radius, step_xy)
    assert not suits_ranks(a_map_on_a_gpu(most + 1), radius, step_xy)


@pytest.mark.gpu
@pytest.mark.parametrize(("radius", "suits"), [(3.75, True), (20.0, False)])
def test_a_gpu_picks_what_a_cpu_picks(radius, suits, monkeypatch):
    values = np.random.default_rng(0).normal(size=(500, 512)).astype(np.float32)
    expected = non_maximum_suppression(values, radius, threshold=-6.0)
    used = []
    monkeypatch.setattr(
        _suppress,
        "suppress_by_ranks",
        lambda *a, **k: used.append(suppress_by_ranks(*a, **k)) or used[-1],
    )
    on_gpu = GridImage(torch.from_numpy(values).cuda())
    picks = non_maximum_suppression(on_gpu, radius, threshold=-6.0)
    assert bool(used) == suits
    np.testing.assert_allclose(picks, expected, rtol=0, atol=1e-6)


def test_picks_by_ranks_are_those_in_rounds(monkeypatch):
    """What a GPU is given to do, on a CPU: with a threshold, a border and fractions of a pixel."""
    scores = GridImage(
        np.random.default_rng(0).normal(size=(120, 130)).astype(np.float32), step=(2.0, 3.0)
    )
    parameters = {"threshold": -1.0, "border": 7.0, "max_picks": 300}
    expected = non_maximum_suppression(scores, 9.0, **parameters)
    monkeypatch.setattr(_suppress, "suits_ranks", lambda *a: True)
    monkeypatch.delattr(_suppress, "suppress_by_blocks")
    picks = non_maximum_suppression(scores, 9.0, **parameters)
    assert len(picks) == 300
    np.testing.assert_array_equal(picks, expected)
