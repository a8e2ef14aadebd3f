"""The loss classes, as PyTorch modules and as scikit-learn objects."""

from __future__ import annotations

import copy
import inspect
import io
import math
import pickle
import sys

import pytest
import torch
from sklearn.base import clone

from puclassify import losses
from puclassify.losses import (
    LOSSES,
    GEKLLoss,
    MixupPULoss,
    NonNegativePULoss,
    PULoss,
    functional,
)


def formula_of(loss_class, ending):
    """Return the public function with this ending in the module of a loss, None if it has none."""
    names = sys.modules[loss_class.__module__].__all__
    (name,) = [name for name in names if name.endswith(ending)] or [None]
    return name and getattr(functional, name)


FORMULAS = {name: formula_of(loss_class, "_loss") for name, loss_class in LOSSES.items()}
MIXUP_TERMS = {
    name: formula_of(loss_class, "_mixup_term")
    for name, loss_class in LOSSES.items()
    if issubclass(loss_class, MixupPULoss)
}
# One value other than the default for every parameter there is.
OTHER = {
    "prior": 0.3,
    "surrogate": "sigmoid",
    "beta": 0.02,
    "gamma": 0.5,
    "slack": 3.0,
    "momentum": 0.5,
    "entropy_penalty": 0.2,
    "risk_weight": 1.5,
    "mixup_weight": 0.6,
    "mixup_entropy_penalty": 0.1,
    "mixup_alpha": 2.0,
}
LOGITS = torch.tensor([2, 1, -3, -2, 0.5, -4, -1, -2.5])
TARGETS = torch.tensor([1, 1, 0, 0, 0, 0, 0, 0])


@pytest.fixture(params=list(LOSSES))
def name(request):
    return request.param


def other_parameters(loss_class):
    return {name: OTHER[name] for name in inspect.signature(loss_class).parameters}


def accepted(formula, parameters):
    return {
        name: parameters[name] for name in inspect.signature(formula).parameters if name in OTHER
    }


class TestEveryLoss:
    def test_computes_its_formula(self, name):
        assert LOSSES[name](0.2)(LOGITS, TARGETS) == FORMULAS[name](LOGITS, TARGETS, prior=0.2)

    def test_passes_every_parameter_on(self, name):
        for parameter, value in accepted(FORMULAS[name], OTHER).items():
            options = {"prior": 0.2, parameter: value}
            loss = LOSSES[name](**options)(LOGITS, TARGETS)
            torch.testing.assert_close(loss, FORMULAS[name](LOGITS, TARGETS, **options))

    def test_defaults_are_those_of_the_formula(self, name):
        in_class = inspect.signature(LOSSES[name]).parameters
        in_formula = dict(inspect.signature(FORMULAS[name]).parameters)
        if name in MIXUP_TERMS:
            in_formula |= inspect.signature(MIXUP_TERMS[name]).parameters
        for parameter in set(in_class) - {"prior", "mixup_alpha"}:
            assert in_class[parameter].default == in_formula[parameter].default
            assert in_class[parameter].kind is inspect.Parameter.KEYWORD_ONLY

    def test_is_both(self, name):
        loss = LOSSES[name]()
        assert isinstance(loss, PULoss)
        assert isinstance(loss, torch.nn.Module)
        assert loss.training
        assert not loss.eval().training
        assert list(loss.parameters()) == []

    def test_without_prior(self, name):
        if inspect.signature(FORMULAS[name]).parameters["prior"].default is None:
            assert LOSSES[name]()(LOGITS, TARGETS) == LOSSES[name](0.2)(LOGITS, TARGETS)
            return
        with pytest.raises(ValueError, match="pass prior="):
            LOSSES[name]()(LOGITS, TARGETS)

    def test_parameters_round_trip(self, name):
        parameters = other_parameters(LOSSES[name])
        loss = LOSSES[name]().set_params(**parameters)
        assert loss.get_params() == parameters
        assert loss(LOGITS, TARGETS) == LOSSES[name](**parameters)(LOGITS, TARGETS)
        with pytest.raises(ValueError, match="Invalid parameter 'alpha'"):
            loss.set_params(alpha=1.0)

    def test_clone(self, name):
        loss = LOSSES[name](**other_parameters(LOSSES[name]))
        copied = clone(loss)
        assert type(copied) is type(loss)
        assert copied is not loss
        assert copied.get_params() == loss.get_params()

    @pytest.mark.parametrize(
        "duplicate", [copy.deepcopy, lambda loss: pickle.loads(pickle.dumps(loss))]
    )
    def test_copies(self, name, duplicate):
        loss = LOSSES[name](**other_parameters(LOSSES[name]))
        loss(LOGITS, TARGETS)
        copied = duplicate(loss)
        assert copied.get_params() == loss.get_params()
        assert copied(LOGITS + 1, TARGETS) == loss(LOGITS + 1, TARGETS)

    def test_repr(self, name):
        loss_class = LOSSES[name]
        assert repr(loss_class(0.2)) == f"{loss_class.__name__}(prior=0.2)"
        assert loss_class.__name__ in loss_class(0.2)._repr_html_()

    def test_public(self, name):
        assert LOSSES[name].__name__ in losses.__all__


@pytest.mark.parametrize("name", list(MIXUP_TERMS))
class TestMixup:
    def test_term_is_its_formula_with_every_parameter(self, name):
        soft_targets = torch.linspace(0, 1, 8)
        defaults = LOSSES[name](0.2)
        expected = MIXUP_TERMS[name](LOGITS, soft_targets)
        assert defaults.mixup_term(LOGITS, soft_targets) == expected
        for parameter, value in accepted(MIXUP_TERMS[name], OTHER).items():
            term = LOSSES[name](0.2, **{parameter: value}).mixup_term(LOGITS, soft_targets)
            assert term == MIXUP_TERMS[name](LOGITS, soft_targets, **{parameter: value})
            assert term != expected

    def test_mixes_unless_all_weights_are_zero(self, name):
        weights = accepted(MIXUP_TERMS[name], OTHER)
        assert LOSSES[name]().mixes
        for weight in weights:
            assert LOSSES[name](**(dict.fromkeys(weights, 0) | {weight: 0.1})).mixes
        assert not LOSSES[name](**dict.fromkeys(weights, 0.0)).mixes

    def test_call_leaves_the_term_out(self, name):
        weights = dict.fromkeys(accepted(MIXUP_TERMS[name], OTHER), 0.0)
        assert LOSSES[name](0.2)(LOGITS, TARGETS) == LOSSES[name](0.2, **weights)(LOGITS, TARGETS)

    def test_share_follows_the_beta_distribution_and_the_generator(self, name):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            shares = [LOSSES[name](mixup_alpha=0.5).draw_share() for _ in range(2000)]
            torch.manual_seed(0)
            assert LOSSES[name](mixup_alpha=0.5).draw_share() == shares[0]
        shares = torch.tensor(shares)
        assert ((shares >= 0) & (shares <= 1)).all()
        assert shares.mean().item() == pytest.approx(0.5, abs=0.03)
        assert shares.var().item() == pytest.approx(1 / 8, abs=0.01)  # 1 / (4 (2 alpha + 1))

    @pytest.mark.parametrize("alpha", [0, -1.0, math.inf, math.nan, None, "0.3"])
    def test_impossible_alpha(self, name, alpha):
        message = f"^mixup_alpha must be a finite number above 0, got {alpha!r}$"
        with pytest.raises(ValueError, match=message):
            LOSSES[name](mixup_alpha=alpha).draw_share()


def test_base_class_of_mixup_has_no_term():
    with pytest.raises(NotImplementedError, match="MixupPULoss has no mixup_term"):
        losses.MixupPULoss().mixup_term(LOGITS, TARGETS)


class TestSearch:
    def test_nested_in_an_estimator(self):
        from sklearn.base import BaseEstimator

        class Owner(BaseEstimator):
            def __init__(self, criterion=None):
                self.criterion = criterion

        owner = Owner(NonNegativePULoss(0.2))
        assert owner.get_params()["criterion__beta"] == 0.0
        copied = clone(owner).set_params(criterion__beta=0.5)
        assert copied.criterion.beta == 0.5
        assert owner.criterion.beta == 0.0


class TestRunningMean:
    def batches(self, n=4):
        generator = torch.Generator().manual_seed(0)
        return [torch.randn(8, generator=generator) for _ in range(n)]

    def test_follows_the_batches(self):
        loss = GEKLLoss(0.2, momentum=0.3)
        assert loss.running_mean.isnan()
        expected = None
        for s in self.batches():
            value = loss(s, TARGETS)
            mean = torch.sigmoid(s[2:]).mean().item()
            expected = mean if expected is None else 0.3 * mean + 0.7 * expected
            assert loss.running_mean.item() == pytest.approx(expected, abs=1e-6)
            kl = 0.2 * math.log(0.2 / expected) + 0.8 * math.log(0.8 / (1 - expected))
            positive = torch.nn.functional.softplus(-s[:2]).mean().item()
            assert value.item() == pytest.approx(positive + 10 * kl, rel=1e-5)

    def test_stands_still_in_evaluation(self):
        loss = GEKLLoss(0.2, momentum=0.3)
        first, second, *_ = self.batches()
        loss(first, TARGETS)
        mean = loss.running_mean.clone()
        loss.eval()
        assert loss(second, TARGETS) == loss(second, TARGETS)
        assert loss.running_mean == mean

    def test_skips_batches_without_unlabelled(self):
        loss = GEKLLoss(0.2, momentum=0.3)
        s = self.batches()[0].requires_grad_()
        loss(s, torch.ones(8)).backward()
        assert loss.running_mean.isnan()
        assert s.grad.isfinite().all()
        loss(s, TARGETS)
        mean = loss.running_mean.clone()
        assert loss(s, torch.ones(8)).isfinite()
        assert loss.running_mean == mean

    def test_holds_no_graph_and_travels_in_the_state(self):
        loss = GEKLLoss(0.2, momentum=0.3)
        loss(self.batches()[0].requires_grad_(), TARGETS)
        assert not loss.running_mean.requires_grad
        file = io.BytesIO()
        torch.save(loss.state_dict(), file)
        file.seek(0)
        other = GEKLLoss(0.2)
        other.load_state_dict(torch.load(file))
        assert other.running_mean == loss.running_mean
        assert clone(loss).running_mean.isnan()

    def test_held_out_examples_are_graded_by_their_own_mean(self):
        loss = GEKLLoss(0.2, momentum=0.1)
        loss(torch.full((8,), 6.0), TARGETS)  # a batch that would weigh nine tenths
        held_out = loss.eval()(LOGITS, TARGETS)
        assert held_out == GEKLLoss(0.2)(LOGITS, TARGETS)

    @pytest.mark.parametrize("logit", [1e4, -1e4])
    def test_saturated_history(self, logit):
        loss = GEKLLoss(0.2, momentum=0.1)
        for _ in range(3):
            s = torch.full((8,), logit, requires_grad=True)
            value = loss(s, TARGETS)
            value.backward()
            assert value.isfinite()
            assert s.grad.isfinite().all()
