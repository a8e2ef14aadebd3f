"""Weights of examples in the losses, against repetition and against the papers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from puclassify.losses import LOSSES, GEKLLoss, PULoss
from puclassify.losses import functional as F

PRIOR = 0.3
NAMES = list(LOSSES)


def batch(seed=0, n=40):
    rng = np.random.default_rng(seed)
    targets = torch.tensor((rng.random(n) < 0.4).astype(int))
    return torch.tensor(rng.normal(0, 2, n)), targets, rng


def value(name, *arguments, **options):
    return LOSSES[name](PRIOR, **options)(*arguments).item()


# Two count examples and have tests of their own below.
@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("ge_binomial", "cvir")])
@pytest.mark.parametrize("seed", range(3))
def test_whole_weights_are_repetitions(name, seed):
    s, t, rng = batch(seed)
    times = torch.tensor(rng.integers(0, 4, len(s)))
    expected = value(name, s.repeat_interleave(times), t.repeat_interleave(times))
    assert value(name, s, t, times) == pytest.approx(expected, rel=1e-12)
    assert value(name, s, t, times.double() / 7) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_weights_of_zero_are_not_there(name):
    s, t, rng = batch()
    w = torch.tensor(rng.uniform(0, 1, len(s)) * (rng.random(len(s)) < 0.7))
    s.requires_grad_()
    loss = LOSSES[name](PRIOR)(s, t, w)
    loss.backward()
    assert loss.item() == pytest.approx(value(name, s[w > 0], t[w > 0], w[w > 0]), rel=1e-12)
    assert (s.grad[w == 0] == 0).all()
    assert (s.grad[w > 0] != 0).any()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equal_weights_change_nothing(name, dtype):
    s, t, _ = batch()
    s = s.to(dtype)
    tolerance = 1e-5 if dtype == torch.float32 else 1e-12
    expected = value(name, s, t)
    assert value(name, s, t, None) == expected
    assert value(name, s, t, torch.full((40,), 1e-30)) == pytest.approx(expected, rel=tolerance)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.int64, torch.float16])
def test_the_loss_has_the_type_of_the_logits(name, dtype):
    s, t, rng = batch()
    times = torch.tensor(rng.integers(0, 4, len(s)))
    loss = LOSSES[name](PRIOR)(s.float(), t, times.to(dtype))
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(value(name, s, t, times), rel=1e-4)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("nnpu", "cvir")])
def test_gradient_is_that_of_the_value(name):
    s, t, rng = batch(1, n=10)
    w = torch.tensor(rng.uniform(0.1, 1, 10))
    loss = LOSSES[name](PRIOR).eval()
    assert torch.autograd.gradcheck(lambda x: loss(x, t, w), (s.requires_grad_(),))


@pytest.mark.parametrize("name", NAMES)
def test_nobody_counts_of_one_kind(name):
    s, t, _ = batch()
    for absent in (0, 1):
        x = s.clone().requires_grad_()
        loss = LOSSES[name](PRIOR)(x, t, (t != absent).double())
        loss.backward()
        assert torch.isfinite(loss)
        assert torch.isfinite(x.grad).all()
        assert (x.grad[t == absent] == 0).all()


def test_cvir_discards_a_share_of_the_weight():
    s = torch.tensor([1.0, 5.0, 4.0, -1.0, -2.0], dtype=torch.float64)
    t, w = torch.tensor([1, 0, 0, 0, 0]), torch.tensor([9.0, 1.0, 2.0, 4.0, 1.0])
    # One of four is discarded, a weight of 2 of 8: the first wholly, and half of the second.
    minus = np.log1p(np.exp(s.numpy()))
    kept = (1 * minus[2] + 4 * minus[3] + 1 * minus[4]) / 6
    expected = np.log1p(np.exp(-1.0)) + kept
    assert F.cvir_loss(s, t, prior=0.25, weights=w).item() == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(3))
def test_whole_weights_are_repetitions_for_cvir_too(seed):
    rng = np.random.default_rng(seed)
    s, t = torch.tensor(rng.normal(0, 2, 30)), torch.tensor(np.repeat([1, 0], [10, 20]))
    # Of 20 examples as of a weight of 40, .3 are discarded: nothing is rounded.
    of_unlabelled = rng.permutation(np.repeat([1, 2, 3], [5, 10, 5]))
    times = torch.tensor(np.append(rng.integers(0, 4, 10), of_unlabelled))
    expected = value("cvir", s.repeat_interleave(times), t.repeat_interleave(times))
    assert value("cvir", s, t, times) == pytest.approx(expected, rel=1e-12)


def test_ge_binomial_is_that_of_examples_drawn_by_weight():
    # Two kinds of prediction, weighted 1 to 3, are those of eight examples of which six are alike.
    s = torch.tensor([1.0, *[-2.0, 0.5] * 4], dtype=torch.float64)
    t, w = torch.tensor([1, *[0] * 8]), torch.tensor([1.0, *[1.0, 3.0] * 4])
    drawn = torch.tensor([1.0, -2.0, -2.0, *[0.5] * 6], dtype=torch.float64)
    expected = F.ge_binomial_loss(drawn, t, prior=PRIOR, entropy_penalty=0.2, risk_weight=0.5)
    found = F.ge_binomial_loss(s, t, prior=PRIOR, entropy_penalty=0.2, risk_weight=0.5, weights=w)
    assert found.item() == pytest.approx(expected.item(), rel=1e-12)


def test_the_running_mean_of_ge_kl_is_weighted():
    s, t, rng = batch()
    w = rng.uniform(0, 1, 40)
    loss = GEKLLoss(PRIOR, momentum=0.2).double()
    loss(s, t, torch.tensor(w))
    unlabelled = t.numpy() == 0
    p = 1 / (1 + np.exp(-s.numpy()))
    expected = np.average(p[unlabelled], weights=w[unlabelled])
    assert loss.running_mean.item() == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(3))
def test_risk_of_bekker_robberechts_and_davis(seed):
    """Their equation for a single training set, in which everything is the unlabelled sample."""
    rng = np.random.default_rng(seed)
    n = 200
    s, labelled, e = rng.normal(0, 2, n), rng.random(n) < 0.2, rng.uniform(0.2, 1, n)
    plus, minus = np.log1p(np.exp(-s)), np.log1p(np.exp(s))
    risk = np.where(labelled, plus / e + (1 - 1 / e) * minus, minus).mean()
    logits = torch.tensor(np.append(s[labelled], s))
    targets = torch.tensor(np.repeat([1, 0], [labelled.sum(), n]))
    weights = torch.tensor(np.append(1 / e[labelled], np.ones(n)))
    prior = np.sum(1 / e[labelled]) / n
    found = F.unbiased_pu_loss(logits, targets, prior=prior, weights=weights)
    assert found.item() == pytest.approx(risk, rel=1e-12)


def test_as_many_weights_as_logits():
    s, t, _ = batch()
    with pytest.raises(ValueError, match=r"^weights must have .* got shapes \(39,\) and \(40,\)"):
        F.pn_loss(s, t, prior=PRIOR, weights=torch.ones(39))
    with pytest.raises(NotImplementedError):
        PULoss()(s, t, torch.ones(40))
