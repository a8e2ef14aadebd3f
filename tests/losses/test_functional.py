"""Values and gradients of the formulas, against float64 NumPy written from the papers."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest
import torch
from scipy.stats import binom, norm

from puclassify.losses import LOSSES, MixupPULoss
from puclassify.losses import functional as F

PRIOR = 0.2
LOGITS = [2, 1, -3, -2, 0.5, -4, -1, -2.5]
TARGETS = [1, 1, 0, 0, 0, 0, 0, 0]


def sigmoid(s):
    return 1 / (1 + np.exp(-s))


def surrogates(name):
    """Return l(s, +1) and l(s, -1)."""
    if name == "logistic":
        return lambda s: np.log1p(np.exp(-s)), lambda s: np.log1p(np.exp(s))
    return lambda s: sigmoid(-s), sigmoid


def split(s, t):
    return s[t == 1], s[t == 0]


def pn_oracle(s, t, surrogate="logistic"):
    (p, u), (plus, minus) = split(s, t), surrogates(surrogate)
    return PRIOR * plus(p).mean() + (1 - PRIOR) * minus(u).mean()


def parts(s, t, surrogate):
    (p, u), (plus, minus) = split(s, t), surrogates(surrogate)
    return PRIOR * plus(p).mean(), minus(u).mean() - PRIOR * minus(p).mean()


def upu_oracle(s, t, surrogate="logistic"):
    return sum(parts(s, t, surrogate))


def nnpu_oracle(s, t, surrogate="logistic", beta=0.0):
    positive, bracket = parts(s, t, surrogate)
    return positive + bracket if bracket >= -beta else positive - beta


def abspu_oracle(s, t, surrogate="logistic"):
    positive, bracket = parts(s, t, surrogate)
    return positive + abs(bracket)


def entropy_oracle(u):
    p = sigmoid(u)
    return np.mean(-p * np.log(p) - (1 - p) * np.log(1 - p))


def ge_kl_oracle(s, t, surrogate="logistic", slack=10.0, eta=0.0, m=1.0, previous=0.0):
    p, u = split(s, t)
    mean = m * sigmoid(u).mean() + (1 - m) * previous
    kl = PRIOR * np.log(PRIOR / mean) + (1 - PRIOR) * np.log((1 - PRIOR) / (1 - mean))
    return surrogates(surrogate)[0](p).mean() + slack * kl + eta * entropy_oracle(u)


def ge_binomial_oracle(s, t, surrogate="logistic", slack=1.0, eta=0.0):
    p, u = split(s, t)
    q = sigmoid(u)
    k = np.arange(len(u) + 1)
    density = norm.pdf(k, q.sum(), np.sqrt((q * (1 - q)).sum()))
    cross = -(density / density.sum() * binom.logpmf(k, len(u), PRIOR)).sum()
    return surrogates(surrogate)[0](p).mean() + slack * cross + eta * entropy_oracle(u)


def vpu_oracle(s, t):
    p, u = split(s, t)
    return np.log(sigmoid(u).mean()) - np.log(sigmoid(p)).mean()


def dist_pu_oracle(s, t, eta=0.004):
    p, u = split(s, t)
    consistency = 2 * PRIOR * abs(sigmoid(p).mean() - 1) + abs(sigmoid(u).mean() - PRIOR)
    return consistency + eta * entropy_oracle(u)


def cvir_oracle(s, t, surrogate="logistic"):
    (p, u), (plus, minus) = split(s, t), surrogates(surrogate)
    kept = np.sort(u)[: len(u) - int(np.floor(PRIOR * len(u) + 0.5))]
    return plus(p).mean() + minus(kept).mean()


def variational_mixup_oracle(s, soft, weight=3.0):
    return weight * np.mean((np.log(soft) - np.log(sigmoid(s))) ** 2)


def distribution_mixup_oracle(s, soft, weight=0.3, eta=0.04):
    p = sigmoid(s)
    cross_entropy = -np.mean(soft * np.log(p) + (1 - soft) * np.log(1 - p))
    return weight * cross_entropy + eta * entropy_oracle(s)


# Every loss of the register: its formula and the same in NumPy.
ORACLES = {
    "pn": (F.pn_loss, pn_oracle),
    "upu": (F.unbiased_pu_loss, upu_oracle),
    "nnpu": (F.non_negative_pu_loss, nnpu_oracle),
    "abspu": (F.absolute_pu_loss, abspu_oracle),
    "ge_kl": (F.ge_kl_loss, ge_kl_oracle),
    "ge_binomial": (F.ge_binomial_loss, ge_binomial_oracle),
    "vpu": (F.variational_pu_loss, vpu_oracle),
    "dist_pu": (F.distribution_pu_loss, dist_pu_oracle),
    "cvir": (F.cvir_loss, cvir_oracle),
}
MIXUP_ORACLES = {
    "vpu": (F.variational_mixup_term, variational_mixup_oracle),
    "dist_pu": (F.distribution_mixup_term, distribution_mixup_oracle),
}


def has_surrogate(name):
    return "surrogate" in inspect.signature(ORACLES[name][0]).parameters


def needs_prior(name):
    return inspect.signature(ORACLES[name][0]).parameters["prior"].default is not None


def pairs(names, oracles=ORACLES):
    return [pytest.param(*oracles[name], id=name) for name in names]


def functions(names, oracles=ORACLES):
    return [pytest.param(oracles[name][0], id=name) for name in names]


SURROGATE = [name for name in ORACLES if has_surrogate(name)]
NO_SURROGATE = [name for name in ORACLES if not has_surrogate(name)]
FUNCTIONS = functions(ORACLES)
WITH_PRIOR = functions(filter(needs_prior, ORACLES))
MIXUP_TERMS = functions(MIXUP_ORACLES, MIXUP_ORACLES)


def test_every_loss_and_mixup_term_has_an_oracle():
    assert ORACLES.keys() == LOSSES.keys()
    mixed = {name for name, loss in LOSSES.items() if issubclass(loss, MixupPULoss)}
    assert MIXUP_ORACLES.keys() == mixed
    tested = {function for function, _ in [*ORACLES.values(), *MIXUP_ORACLES.values()]}
    assert tested | {F.unlabelled_mean_probability} == {getattr(F, name) for name in F.__all__}


def example(seed, n=20, shift=0.0, dtype=torch.float64):
    rng = np.random.default_rng(seed)
    targets = (rng.random(n) < 0.4).astype(int)
    targets[:2] = 0, 1
    return torch.tensor(rng.normal(shift, 2, n), dtype=dtype), torch.tensor(targets)


def value_and_gradient(function, logits, targets, **options):
    logits = torch.as_tensor(logits).clone().requires_grad_()
    value = function(logits, targets, prior=PRIOR, **options)
    value.backward()
    return value.detach(), logits.grad


class TestPublishedValues:
    """One batch of eight, computed to seven digits beforehand."""

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    @pytest.mark.parametrize(
        ("function", "value"),
        [
            (F.pn_loss, 0.2520048),
            (F.non_negative_pu_loss, 0.0440190),
            (F.ge_kl_loss, 0.2200949 + 0.0020522),
            (F.ge_binomial_loss, 0.2200949 + 1.2084286),
        ],
    )
    def test_value(self, function, value, dtype):
        loss = function(torch.tensor(LOGITS, dtype=dtype), torch.tensor(TARGETS), prior=PRIOR)
        assert loss.dtype == dtype
        assert loss.item() == pytest.approx(value, abs=1e-6)

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    @pytest.mark.parametrize(
        ("function", "gradient"),
        [
            (
                F.non_negative_pu_loss,
                [0.08808, 0.07311, -0.00790, -0.01987, -0.10374, -0.00300, -0.04482, -0.01264],
            ),
            (
                F.ge_binomial_loss,
                [-0.05960, -0.13447, 0.02189, 0.04637, 0.03292, 0.00887, 0.06919, 0.03278],
            ),
        ],
    )
    def test_gradient(self, function, gradient, dtype):
        _, grad = value_and_gradient(
            function, torch.tensor(LOGITS, dtype=dtype), torch.tensor(TARGETS)
        )
        np.testing.assert_allclose(grad, gradient, atol=1e-5)


class TestAddedRisk:
    """GE-binomial with the non-negative PU risk beside it."""

    @pytest.mark.parametrize("surrogate", ["logistic", "sigmoid"])
    @pytest.mark.parametrize("shift", [-1.0, 3.0])
    @pytest.mark.parametrize("seed", range(3))
    def test_value(self, seed, shift, surrogate):
        logits, targets = example(seed, shift=shift)
        loss = F.ge_binomial_loss(
            logits, targets, prior=PRIOR, slack=0.3, risk_weight=4.0, surrogate=surrogate
        )
        s, t = logits.numpy(), targets.numpy()
        expected = ge_binomial_oracle(s, t, surrogate, slack=0.3) + 4 * nnpu_oracle(s, t, surrogate)
        assert loss.item() == pytest.approx(expected, rel=1e-9)

    def test_gradient_follows_the_correction(self):
        """On the published batch the correction of nnPU is active."""
        logits, targets = torch.tensor(LOGITS, dtype=torch.float64), torch.tensor(TARGETS)
        _, both = value_and_gradient(F.ge_binomial_loss, logits, targets, risk_weight=2.0)
        _, count = value_and_gradient(F.ge_binomial_loss, logits, targets)
        _, risk = value_and_gradient(F.non_negative_pu_loss, logits, targets)
        np.testing.assert_allclose(both, count + 2 * risk, rtol=1e-12)

    def test_a_sure_contaminant_has_a_gradient(self):
        logits = torch.tensor([3.0, 40.0, -5.0, -5.0, -5.0], dtype=torch.float64)
        targets = torch.tensor([1, 0, 0, 0, 0])
        _, without = value_and_gradient(F.ge_binomial_loss, logits, targets)
        _, with_risk = value_and_gradient(F.ge_binomial_loss, logits, targets, risk_weight=1.0)
        assert abs(without[1]) < 1e-9
        assert with_risk[1] > 0.2


class TestAgainstNumpy:
    @pytest.mark.parametrize("surrogate", ["logistic", "sigmoid"])
    @pytest.mark.parametrize("seed", range(4))
    @pytest.mark.parametrize(("function", "oracle"), pairs(SURROGATE))
    def test_value(self, function, oracle, seed, surrogate):
        s, t = example(seed, shift=seed - 2)
        loss = function(s, t, prior=PRIOR, surrogate=surrogate)
        assert loss.item() == pytest.approx(oracle(s.numpy(), t.numpy(), surrogate), rel=1e-10)

    @pytest.mark.parametrize("seed", range(4))
    @pytest.mark.parametrize(("function", "oracle"), pairs(NO_SURROGATE))
    def test_value_without_surrogate(self, function, oracle, seed):
        s, t = example(seed, shift=seed - 2)
        loss = function(s, t, prior=PRIOR)
        assert loss.item() == pytest.approx(oracle(s.numpy(), t.numpy()), rel=1e-10)

    @pytest.mark.parametrize("kinds", [(1, 0), (1, 0, 0, 0), (0, 1, 1, 1)])
    @pytest.mark.parametrize(("function", "oracle"), pairs(ORACLES))
    def test_one_example_of_a_kind(self, function, oracle, kinds):
        s, t = torch.tensor([1.3, -0.4, 0.2, -2.0][: len(kinds)]).double(), torch.tensor(kinds)
        loss = function(s, t, prior=PRIOR)
        assert loss.item() == pytest.approx(oracle(s.numpy(), t.numpy()), rel=1e-10)

    @pytest.mark.parametrize("seed", range(4))
    @pytest.mark.parametrize(("function", "oracle"), pairs(ORACLES))
    def test_float32(self, function, oracle, seed):
        s, t = example(seed, n=500, shift=-2.0)
        loss = function(s.float(), t, prior=PRIOR)
        assert loss.item() == pytest.approx(oracle(s.numpy(), t.numpy()), rel=1e-5)

    @pytest.mark.parametrize("beta", [0.0, 0.01, 0.5])
    def test_beta(self, beta):
        s, t = torch.tensor(LOGITS, dtype=torch.float64), torch.tensor(TARGETS)
        loss = F.non_negative_pu_loss(s, t, prior=PRIOR, beta=beta)
        assert loss.item() == pytest.approx(nnpu_oracle(s.numpy(), t.numpy(), beta=beta))

    @pytest.mark.parametrize(
        ("function", "oracle"),
        [(F.ge_kl_loss, ge_kl_oracle), (F.ge_binomial_loss, ge_binomial_oracle)],
    )
    def test_slack_and_entropy(self, function, oracle):
        s, t = example(5)
        loss = function(s, t, prior=PRIOR, slack=0.3, entropy_penalty=0.7)
        assert loss.item() == pytest.approx(oracle(s.numpy(), t.numpy(), slack=0.3, eta=0.7))

    def test_entropy_of_dist_pu(self):
        s, t = example(5)
        loss = F.distribution_pu_loss(s, t, prior=PRIOR, entropy_penalty=0.7)
        assert loss.item() == pytest.approx(dist_pu_oracle(s.numpy(), t.numpy(), eta=0.7))

    def test_momentum(self):
        s, t = example(6)
        previous = torch.tensor(0.6, dtype=torch.float64)
        loss = F.ge_kl_loss(s, t, prior=PRIOR, momentum=0.3, running_mean=previous)
        expected = ge_kl_oracle(s.numpy(), t.numpy(), m=0.3, previous=0.6)
        assert loss.item() == pytest.approx(expected, rel=1e-10)


class TestGradients:
    @pytest.mark.parametrize("surrogate", ["logistic", "sigmoid"])
    @pytest.mark.parametrize("shift", [-3.0, 3.0])
    @pytest.mark.parametrize("function", functions(name for name in SURROGATE if name != "nnpu"))
    def test_gradient_of_the_value(self, function, shift, surrogate):
        # The shifted positives or unlabelled put the bracket on either side of zero.
        s, t = example(7, n=8)
        s = (s + shift * (1 - 2 * t)).requires_grad_()
        assert torch.autograd.gradcheck(
            lambda x: function(x, t, prior=PRIOR, surrogate=surrogate), (s,)
        )

    @pytest.mark.parametrize("shift", [-3.0, 3.0])
    @pytest.mark.parametrize("function", functions(NO_SURROGATE))
    def test_gradient_without_surrogate(self, function, shift):
        # The shift puts the mean unlabelled prediction on either side of the prior.
        s, t = example(7, n=8)
        s = (s + shift).requires_grad_()
        assert (torch.sigmoid(s[t == 0]).mean() > PRIOR) == (shift > 0)
        assert torch.autograd.gradcheck(lambda x: function(x, t, prior=PRIOR), (s,))

    @pytest.mark.parametrize("options", [{}, {"beta": 0.1}, {"surrogate": "sigmoid"}])
    def test_nnpu_uncorrected(self, options):
        s, t = example(8, n=8, shift=2.0)
        s.requires_grad_()
        assert F.unbiased_pu_loss(s, t, prior=PRIOR) > F.pn_loss(s[t == 1], t[t == 1], prior=PRIOR)
        assert torch.autograd.gradcheck(
            lambda x: F.non_negative_pu_loss(x, t, prior=PRIOR, **options), (s,)
        )

    @pytest.mark.parametrize("gamma", [0.0, 0.4, 1.0])
    @pytest.mark.parametrize("beta", [0.0, 0.01])
    def test_nnpu_corrected_climbs_the_bracket(self, beta, gamma):
        s, t = torch.tensor(LOGITS, dtype=torch.float64), torch.tensor(TARGETS)
        _, gradient = value_and_gradient(F.non_negative_pu_loss, s, t, beta=beta, gamma=gamma)
        step = 1e-6
        expected = []
        for i in range(len(s)):
            ahead, behind = s.numpy().copy(), s.numpy().copy()
            ahead[i], behind[i] = ahead[i] + step, behind[i] - step
            brackets = [parts(x, t.numpy(), "logistic")[1] for x in (ahead, behind)]
            expected.append(-gamma * (brackets[0] - brackets[1]) / (2 * step))
        np.testing.assert_allclose(gradient, expected, atol=1e-8)

    def test_nnpu_correction_is_all_or_nothing_at_beta(self):
        s, t = torch.tensor(LOGITS, dtype=torch.float64), torch.tensor(TARGETS)
        bracket = parts(s.numpy(), t.numpy(), "logistic")[1]
        assert bracket < 0
        _, corrected = value_and_gradient(F.non_negative_pu_loss, s, t, beta=-bracket - 1e-9)
        _, plain = value_and_gradient(F.non_negative_pu_loss, s, t, beta=-bracket + 1e-9)
        _, unbiased = value_and_gradient(F.unbiased_pu_loss, s, t)
        torch.testing.assert_close(plain, unbiased)
        assert (corrected[t == 0] < 0).all()

    @pytest.mark.parametrize("function", [F.ge_kl_loss, F.ge_binomial_loss])
    def test_entropy_penalty(self, function):
        s, t = example(9, n=8)
        s.requires_grad_()
        assert torch.autograd.gradcheck(
            lambda x: function(x, t, prior=PRIOR, entropy_penalty=0.5), (s,)
        )

    def test_entropy_penalty_makes_predictions_confident(self):
        s, t = torch.tensor([0.0, 1.0, -1.0]), torch.tensor([1, 0, 0])
        _, with_penalty = value_and_gradient(F.ge_kl_loss, s, t, entropy_penalty=1.0)
        _, without = value_and_gradient(F.ge_kl_loss, s, t)
        difference = with_penalty - without
        assert difference[1] < 0 < difference[2]

    def test_previous_batches_take_no_gradient(self):
        s, t = example(10, n=8)
        running_mean = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
        loss = F.ge_kl_loss(
            s.requires_grad_(), t, prior=PRIOR, momentum=0.5, running_mean=running_mean
        )
        loss.backward()
        assert running_mean.grad is None
        assert torch.autograd.gradcheck(
            lambda x: F.ge_kl_loss(
                x, t, prior=PRIOR, momentum=0.5, running_mean=running_mean.detach()
            ),
            (s,),
        )

    @pytest.mark.parametrize("sign", [1, -1])
    def test_ge_pulls_the_count_towards_the_prior(self, sign):
        s, t = torch.full((50,), 3.0 * sign), torch.zeros(50)
        for function in (F.ge_kl_loss, F.ge_binomial_loss):
            _, gradient = value_and_gradient(function, s, t)
            assert (sign * gradient > 0).all()


class TestHardBatches:
    @pytest.mark.parametrize("targets", [1, 0])
    @pytest.mark.parametrize("scale", [1.0, 1e4])
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    @pytest.mark.parametrize("function", FUNCTIONS)
    def test_one_kind_only(self, function, dtype, scale, targets):
        s = scale * torch.tensor(LOGITS, dtype=dtype)
        value, gradient = value_and_gradient(function, s, torch.full((8,), targets))
        assert value.isfinite()
        assert gradient.isfinite().all()

    @pytest.mark.parametrize("function", FUNCTIONS)
    def test_mean_over_nothing_is_zero(self, function):
        s = torch.tensor([1.0, 2.0])
        positives = function(s, torch.ones(2), prior=PRIOR)
        plus, minus = (
            torch.nn.functional.softplus(-s).mean(),
            torch.nn.functional.softplus(s).mean(),
        )
        expected = {
            F.pn_loss: PRIOR * plus,
            F.unbiased_pu_loss: PRIOR * (plus - minus),
            F.non_negative_pu_loss: PRIOR * plus,
            F.absolute_pu_loss: PRIOR * (plus + minus),
            F.distribution_pu_loss: 2 * PRIOR * (1 - torch.sigmoid(s).mean()),
        }.get(function, plus)
        torch.testing.assert_close(positives, expected)

    @pytest.mark.parametrize("function", FUNCTIONS)
    @pytest.mark.parametrize("value", [1e4, -1e4])
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_saturated(self, function, value, dtype):
        s = torch.full((10,), value, dtype=dtype)
        t = torch.tensor([1] * 3 + [0] * 7)
        loss, gradient = value_and_gradient(function, s, t)
        assert loss.isfinite()
        assert gradient.isfinite().all()

    @pytest.mark.parametrize("function", FUNCTIONS)
    @pytest.mark.parametrize("seed", range(3))
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_up_to_ten_thousand_either_way(self, function, dtype, seed):
        # Some positives far below, some unlabelled far above, others in between.
        size = torch.tensor([1e4, -1e4, 1e4, -1e4, 100, -100, 20, -20, 0, 1], dtype=dtype)
        order = torch.randperm(10, generator=torch.Generator().manual_seed(seed))
        loss, gradient = value_and_gradient(function, size[order], torch.tensor([1] * 4 + [0] * 6))
        assert loss.isfinite()
        assert gradient.isfinite().all()

    @pytest.mark.parametrize("function", [F.ge_kl_loss, F.ge_binomial_loss, F.distribution_pu_loss])
    @pytest.mark.parametrize("value", [1e4, -1e4, 0.0])
    def test_entropy_of_saturated(self, function, value):
        s, t = torch.full((4,), value), torch.tensor([1, 0, 0, 0])
        loss, gradient = value_and_gradient(function, s, t, entropy_penalty=1.0)
        assert loss.isfinite()
        assert gradient.isfinite().all()

    def test_ge_kl_pulls_saturated_predictions_back(self):
        # In floating point 1 - sigmoid(50) is 0: a loss that forms it has lost the gradient.
        _, gradient = value_and_gradient(
            F.ge_kl_loss, torch.full((5,), 50.0), torch.zeros(5), slack=1.0
        )
        np.testing.assert_allclose(gradient, (1 - PRIOR) / 5, rtol=1e-5)

    @pytest.mark.parametrize("sign", [1, -1])
    def test_ge_binomial_counts_certain_predictions(self, sign):
        s = torch.tensor([1e4] * 2 + [-1e4] * 5, dtype=torch.float64)
        loss = F.ge_binomial_loss(sign * s, torch.zeros(7), prior=PRIOR)
        assert loss.item() == pytest.approx(-binom.logpmf(2 if sign > 0 else 5, 7, PRIOR))

    @pytest.mark.parametrize("n", [2, 3, 4, 7, 8])
    def test_ge_binomial_whose_table_is_just_long_enough(self, n):
        """It holds a power of two of numbers, and is kept for the next batch."""
        s = torch.full((n,), 1e4, dtype=torch.float64)
        expected = pytest.approx(-n * np.log(PRIOR))
        with torch.inference_mode():
            assert F.ge_binomial_loss(s, torch.zeros(n), prior=PRIOR).item() == expected
        loss, _ = value_and_gradient(F.ge_binomial_loss, s, torch.zeros(n))
        assert loss.item() == expected

    @pytest.mark.parametrize("n", [1, 2000])
    def test_ge_binomial_of_one_and_of_many(self, n):
        rng = np.random.default_rng(n)
        s, t = rng.normal(-1, 1, n + 1), np.array([1] + [0] * n)
        loss = F.ge_binomial_loss(torch.tensor(s).float(), torch.tensor(t), prior=PRIOR)
        assert loss.item() == pytest.approx(ge_binomial_oracle(s, t), rel=1e-4)

    @pytest.mark.parametrize("function", FUNCTIONS)
    @pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
    def test_half_precision_is_computed_in_float32(self, function, dtype):
        s, t = example(11, n=300)
        half = s.to(dtype)
        loss, gradient = value_and_gradient(function, half, t)
        assert loss.dtype == torch.float32
        assert gradient.dtype == dtype
        torch.testing.assert_close(loss, function(half.float(), t, prior=PRIOR))

    @pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
    @pytest.mark.parametrize("function", FUNCTIONS)
    def test_autocast(self, function, dtype):
        s, t = example(12, n=300, dtype=torch.float32)
        layer = torch.nn.Linear(1, 1)
        with torch.autocast("cpu", dtype=dtype):
            logits = layer(s[:, None])
            loss = function(logits, t, prior=PRIOR)
        assert logits.dtype == dtype
        loss.backward()
        assert layer.weight.grad.isfinite().all()
        torch.testing.assert_close(loss, function(logits.float(), t, prior=PRIOR))

    @pytest.mark.parametrize("function", FUNCTIONS)
    def test_needs_no_value_on_the_host(self, function):
        # Reading a value of a meta tensor raises, as it would stall an accelerator.
        s = torch.zeros(6, device="meta", requires_grad=True)
        loss = function(s, torch.zeros(6, device="meta"), prior=PRIOR)
        loss.backward()
        assert s.grad.shape == (6,)


class TestInput:
    @pytest.mark.parametrize("function", FUNCTIONS)
    def test_order_does_not_matter(self, function):
        s, t = example(13)
        order = torch.randperm(len(s), generator=torch.Generator().manual_seed(0))
        value, gradient = value_and_gradient(function, s, t)
        shuffled, shuffled_gradient = value_and_gradient(function, s[order], t[order])
        torch.testing.assert_close(shuffled, value)
        torch.testing.assert_close(shuffled_gradient, gradient[order])

    @pytest.mark.parametrize("function", FUNCTIONS)
    @pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int64, torch.float32])
    def test_shapes_and_types_of_targets(self, function, dtype):
        s, t = example(14)
        expected = function(s, t, prior=PRIOR)
        maps = function(s.reshape(5, 1, 2, 2), t.to(dtype).reshape(5, 4), prior=PRIOR)
        assert maps.shape == ()
        torch.testing.assert_close(maps, expected)

    @pytest.mark.parametrize("function", FUNCTIONS)
    def test_unequal_sizes(self, function):
        with pytest.raises(
            ValueError, match=r"equally many elements, got shapes \(3,\) and \(2,\)"
        ):
            function(torch.zeros(3), torch.zeros(2), prior=PRIOR)

    @pytest.mark.parametrize("function", WITH_PRIOR)
    @pytest.mark.parametrize("prior", [0, 1, 0.0, 1.0, -0.1, 2, math.nan, "0.2", True])
    def test_impossible_prior(self, function, prior):
        with pytest.raises(ValueError, match=r"^prior must be a number between 0 and 1, both excl"):
            function(torch.zeros(2), torch.tensor([1, 0]), prior=prior)

    @pytest.mark.parametrize("prior", [None, 0.9, 3.0, "unknown"])
    def test_variational_loss_ignores_the_prior(self, prior):
        s, t = torch.tensor(LOGITS), torch.tensor(TARGETS)
        assert F.variational_pu_loss(s, t, prior=prior) == F.variational_pu_loss(s, t)

    @pytest.mark.parametrize("function", WITH_PRIOR)
    def test_no_prior(self, function):
        with pytest.raises(ValueError, match="pass prior="):
            function(torch.zeros(2), torch.tensor([1, 0]), prior=None)

    @pytest.mark.parametrize("function", functions(SURROGATE))
    @pytest.mark.parametrize("surrogate", ["hinge", None, ["logistic"]])
    def test_unknown_surrogate(self, function, surrogate):
        with pytest.raises(ValueError, match="surrogate must be 'logistic' or 'sigmoid', got"):
            function(torch.zeros(2), torch.tensor([1, 0]), prior=PRIOR, surrogate=surrogate)

    @pytest.mark.parametrize(
        ("function", "options", "expected"),
        [
            (F.non_negative_pu_loss, {"beta": -0.1}, "a finite number >= 0"),
            (F.non_negative_pu_loss, {"gamma": 1.1}, "a number from 0 to 1"),
            (F.non_negative_pu_loss, {"gamma": -0.1}, "a number from 0 to 1"),
            (F.ge_kl_loss, {"slack": -1.0}, "a finite number >= 0"),
            (F.ge_kl_loss, {"slack": math.inf}, "a finite number >= 0"),
            (F.ge_kl_loss, {"momentum": 0.0}, "a number above 0 and at most 1"),
            (F.ge_kl_loss, {"momentum": 1.5}, "a number above 0 and at most 1"),
            (F.ge_kl_loss, {"entropy_penalty": -1.0}, "a finite number >= 0"),
            (F.ge_binomial_loss, {"slack": None}, "a finite number >= 0"),
            (F.ge_binomial_loss, {"risk_weight": -1.0}, "a finite number >= 0"),
            (F.ge_binomial_loss, {"entropy_penalty": math.nan}, "a finite number >= 0"),
            (F.distribution_pu_loss, {"entropy_penalty": -0.1}, "a finite number >= 0"),
        ],
    )
    def test_impossible_option(self, function, options, expected):
        ((name, value),) = options.items()
        with pytest.raises(ValueError, match=f"^{name} must be {expected}, got {value!r}$"):
            function(torch.zeros(2), torch.tensor([1, 0]), prior=PRIOR, **options)


class TestVariational:
    def test_blind_to_a_factor_of_all_probabilities(self):
        p, t = torch.tensor([0.8, 0.6, 0.3, 0.1], dtype=torch.float64), torch.tensor([1, 1, 0, 0])
        values = [F.variational_pu_loss(torch.logit(c * p), t) for c in (1.0, 0.5, 0.01)]
        assert values[1].item() == pytest.approx(values[0].item(), rel=1e-9)
        assert values[2].item() == pytest.approx(values[0].item(), rel=1e-9)

    def test_flat_where_probabilities_are_the_posterior(self):
        """Counts in four bins stand for densities; 4 of 10 unlabelled are positive."""
        positive, negative = np.array([1, 2, 3, 4]), np.array([4, 3, 2, 1])
        unlabelled = 4 * positive + 6 * negative
        posterior = torch.tensor(4 * positive / unlabelled)
        bins = np.concatenate([np.repeat(np.arange(4), n) for n in (positive, unlabelled)])
        targets = torch.tensor(np.repeat([1, 0], [positive.sum(), unlabelled.sum()]))
        logits = torch.logit(posterior).requires_grad_()
        F.variational_pu_loss(logits[bins], targets).backward()
        np.testing.assert_allclose(logits.grad, 0, atol=1e-12)

    def test_saturated_unlabelled_keep_their_gradient(self):
        _, gradient = value_and_gradient(
            F.variational_pu_loss, torch.full((5,), -1e4), torch.zeros(5)
        )
        np.testing.assert_allclose(gradient, 1 / 5, rtol=1e-3)


class TestDiscarded:
    """The unlabelled examples that have a gradient were kept."""

    def kept(self, logits, prior, targets=None):
        s = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
        targets = torch.zeros(len(logits)) if targets is None else torch.tensor(targets)
        F.cvir_loss(s, targets, prior=prior).backward()
        return (s.grad > 0).tolist()

    @pytest.mark.parametrize(
        ("prior", "n", "n_discarded"),
        [(0.2, 10, 2), (0.25, 10, 3), (0.24, 10, 2), (0.04, 10, 0), (0.05, 10, 1), (0.96, 10, 10)],
    )
    def test_share_is_rounded_halves_up(self, prior, n, n_discarded):
        assert (
            self.kept(list(range(n)), prior) == [True] * (n - n_discarded) + [False] * n_discarded
        )

    def test_labelled_positives_take_no_part_in_the_ranking(self):
        kept = self.kept([9.0, 1.0, 8.0, 2.0, 0.0], 0.25, targets=[1, 0, 1, 0, 0])
        assert kept == [False, True, False, False, True]

    def test_of_equal_logits_the_earlier_are_discarded(self):
        assert self.kept([0.0] * 40, 0.25) == [False] * 10 + [True] * 30
        assert self.kept([0.0, 5.0, 0.0, 0.0], 0.5) == [False, False, True, True]

    def test_none_kept(self):
        value, gradient = value_and_gradient(F.cvir_loss, torch.tensor([3.0]), torch.zeros(1))
        assert value == torch.nn.functional.softplus(torch.tensor(3.0))
        assert gradient > 0
        s = torch.tensor([3.0], requires_grad=True)
        loss = F.cvir_loss(s, torch.zeros(1), prior=0.6)
        loss.backward()
        assert loss == s.grad == 0


class TestMixupTerms:
    def example(self, seed, n=20, dtype=torch.float64):
        rng = np.random.default_rng(seed)
        s, soft = rng.normal(0, 2, n), rng.random(n)
        return torch.tensor(s, dtype=dtype), torch.tensor(soft, dtype=dtype)

    @pytest.mark.parametrize("seed", range(4))
    @pytest.mark.parametrize(("term", "oracle"), pairs(MIXUP_ORACLES, MIXUP_ORACLES))
    def test_value(self, term, oracle, seed):
        s, soft = self.example(seed)
        assert term(s, soft).item() == pytest.approx(oracle(s.numpy(), soft.numpy()), rel=1e-10)
        weighted = term(s, soft, mixup_weight=0.7).item()
        assert weighted == pytest.approx(oracle(s.numpy(), soft.numpy(), 0.7), rel=1e-10)

    def test_entropy(self):
        s, soft = self.example(4)
        term = F.distribution_mixup_term(s, soft, mixup_entropy_penalty=0.7)
        expected = distribution_mixup_oracle(s.numpy(), soft.numpy(), eta=0.7)
        assert term.item() == pytest.approx(expected, rel=1e-10)

    @pytest.mark.parametrize("term", MIXUP_TERMS)
    def test_gradient(self, term):
        s, soft = self.example(5, n=8)
        s.requires_grad_()
        soft.requires_grad_()
        assert torch.autograd.gradcheck(lambda x: term(x, soft.detach()), (s,))
        term(s, soft).backward()
        assert soft.grad is None

    @pytest.mark.parametrize("term", MIXUP_TERMS)
    @pytest.mark.parametrize("logit", [1e4, -1e4])
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
    def test_saturated(self, term, logit, dtype):
        s = torch.full((3,), logit, dtype=dtype, requires_grad=True)
        value = term(s, torch.tensor([0.0, 0.5, 1.0]))
        value.backward()
        assert value.isfinite()
        assert s.grad.isfinite().all()

    @pytest.mark.parametrize("term", MIXUP_TERMS)
    def test_order_shape_and_precision(self, term):
        s, soft = self.example(6)
        expected = term(s, soft)
        order = torch.randperm(len(s), generator=torch.Generator().manual_seed(0))
        torch.testing.assert_close(term(s[order], soft[order]), expected)
        torch.testing.assert_close(term(s.reshape(5, 4), soft.reshape(2, 10)), expected)
        half = s.to(torch.bfloat16)
        assert term(half, soft).dtype == torch.float32
        torch.testing.assert_close(term(half, soft), term(half.float(), soft))
        with pytest.raises(ValueError, match="equally many elements"):
            term(s, soft[1:])

    @pytest.mark.parametrize("term", MIXUP_TERMS)
    @pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
    def test_autocast(self, term, dtype):
        s, soft = self.example(7, dtype=torch.float32)
        layer = torch.nn.Linear(1, 1)
        with torch.autocast("cpu", dtype=dtype):
            value = term(layer(s[:, None]), soft)
        value.backward()
        assert layer.weight.grad.isfinite().all()

    @pytest.mark.parametrize("term", MIXUP_TERMS)
    def test_nothing_mixed_and_nothing_on_the_host(self, term):
        assert term(torch.zeros(0), torch.zeros(0)) == 0
        s = torch.zeros(6, device="meta", requires_grad=True)
        term(s, torch.zeros(6, device="meta")).backward()
        assert s.grad.shape == (6,)

    @pytest.mark.parametrize(
        ("term", "name"),
        [
            (F.variational_mixup_term, "mixup_weight"),
            (F.distribution_mixup_term, "mixup_weight"),
            (F.distribution_mixup_term, "mixup_entropy_penalty"),
        ],
    )
    @pytest.mark.parametrize("value", [-1.0, math.inf, math.nan, None, "1"])
    def test_impossible_weight(self, term, name, value):
        with pytest.raises(
            ValueError, match=f"^{name} must be a finite number >= 0, got {value!r}$"
        ):
            term(torch.zeros(2), torch.zeros(2), **{name: value})

    def test_consistent_predictions_cost_nothing(self):
        s, _ = self.example(8)
        assert F.variational_mixup_term(s, torch.sigmoid(s)).item() == pytest.approx(0, abs=1e-12)
        _, gradient = value_and_gradient(
            lambda x, soft, prior: F.distribution_mixup_term(x, soft, mixup_entropy_penalty=0.0),
            s,
            torch.sigmoid(s),
        )
        np.testing.assert_allclose(gradient, 0, atol=1e-12)


class TestUnlabelledMeanProbability:
    def test_mean(self):
        s, t = example(15)
        expected = sigmoid(s[t == 0].numpy()).mean()
        assert F.unlabelled_mean_probability(s, t).item() == pytest.approx(expected)

    def test_running(self):
        s, t = example(16)
        mean = sigmoid(s[t == 0].numpy()).mean()
        mixed = F.unlabelled_mean_probability(s, t, momentum=0.2, running_mean=torch.tensor(0.5))
        assert mixed.item() == pytest.approx(0.2 * mean + 0.8 * 0.5)

    def test_start_and_nothing_to_average(self):
        s, start = torch.tensor([1.0]), torch.tensor(math.nan)
        first = F.unlabelled_mean_probability(s, torch.zeros(1), momentum=0.1, running_mean=start)
        assert first.item() == pytest.approx(1 / (1 + math.exp(-1)))
        kept = F.unlabelled_mean_probability(s, torch.ones(1), momentum=0.1, running_mean=first)
        assert kept == first
        assert F.unlabelled_mean_probability(s, torch.ones(1)).isnan()
