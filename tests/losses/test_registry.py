"""Losses from names, classes and instances."""

from __future__ import annotations

import pytest
import torch

from puclassify.losses import LOSSES, GEKLLoss, NonNegativePULoss, make_loss


class OwnLoss(torch.nn.Module):
    """A loss without scikit-learn's parameters."""

    def __init__(self, prior=None):
        super().__init__()
        self.prior = prior
        self.weight = torch.nn.Parameter(torch.tensor(1.0))

    def forward(self, logits, targets):
        return self.weight * logits.sum() * self.prior


class TestMakeLoss:
    @pytest.mark.parametrize("name", list(LOSSES))
    def test_name(self, name):
        loss = make_loss(name, 0.2)
        assert type(loss) is LOSSES[name]
        assert loss.prior == 0.2

    def test_class(self):
        assert make_loss(GEKLLoss, 0.2).get_params() == GEKLLoss(0.2).get_params()
        assert make_loss(OwnLoss, 0.2).prior == 0.2

    def test_instance_is_cloned_and_given_the_prior(self):
        given = GEKLLoss(slack=5.0)
        loss = make_loss(given, 0.2)
        assert loss is not given
        assert (loss.prior, loss.slack) == (0.2, 5.0)
        assert given.prior is None

    def test_instance_keeps_its_prior(self):
        assert make_loss(NonNegativePULoss(0.4), 0.2).prior == 0.4

    def test_instance_forgets_what_it_has_seen(self):
        given = GEKLLoss(0.2)
        given(torch.zeros(2), torch.tensor([1, 0]))
        assert make_loss(given, 0.2).running_mean.isnan()

    def test_foreign_module(self):
        given = OwnLoss()
        loss = make_loss(given, 0.2)
        assert loss.prior == 0.2
        assert given.prior is None
        assert loss.weight is not given.weight
        plain = torch.nn.BCEWithLogitsLoss()
        assert type(make_loss(plain, 0.2)) is torch.nn.BCEWithLogitsLoss

    @pytest.mark.parametrize(
        ("wrong", "near"), [("nnppu", "nnpu"), ("GE-binomial", "ge_binomial"), ("ge_k", "ge_kl")]
    )
    def test_unknown_name(self, wrong, near):
        with pytest.raises(ValueError, match=f"'pn', 'upu'.*got '{wrong}'; did you mean '{near}'"):
            make_loss(wrong, 0.2)

    def test_name_like_nothing(self):
        with pytest.raises(ValueError, match=r"got 'xxxxxxxx'$"):
            make_loss("xxxxxxxx", 0.2)

    def test_an_entry_of_your_own(self, monkeypatch):
        monkeypatch.setitem(LOSSES, "own", OwnLoss)
        assert type(make_loss("own", 0.2)) is OwnLoss
        with pytest.raises(ValueError, match=r"'pn'.*, 'own'\], got 'owm'; did you mean 'own'"):
            make_loss("owm", 0.2)

    @pytest.mark.parametrize("wrong", [None, 3, int, lambda logits, targets: 0.0])
    def test_neither(self, wrong):
        with pytest.raises(TypeError, match="criterion must be one of"):
            make_loss(wrong, 0.2)
