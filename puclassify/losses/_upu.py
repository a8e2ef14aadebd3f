"""Unbiased positive-unlabelled loss."""

from __future__ import annotations

from puclassify.losses._base import PULoss
from puclassify.losses.functional import unbiased_pu_loss

__all__ = ["UnbiasedPULoss"]


class UnbiasedPULoss(PULoss):
    """Unbiased positive-unlabelled risk (du Plessis et al., 2015); it can fall below zero.

    Parameters
    ----------
    prior : float or None, default=None
        Fraction of positives among the unlabelled examples, between 0 and 1. None is filled in by
        the estimator.
    surrogate : {"logistic", "sigmoid"}, default="logistic"
        The loss of one example.

    See Also
    --------
    puclassify.losses.functional.unbiased_pu_loss : The formula.
    NonNegativePULoss : Stops flexible networks from overfitting this risk.

    Examples
    --------
    >>> import torch
    >>> from puclassify.losses import UnbiasedPULoss
    >>> UnbiasedPULoss(0.2)(torch.tensor([3.0, 0.0]), torch.tensor([1, 0]))
    tensor(0.0931)
    """

    def __init__(self, prior=None, *, surrogate="logistic"):
        super().__init__(prior)
        self.surrogate = surrogate

    def forward(self, logits, targets):
        return unbiased_pu_loss(logits, targets, prior=self.prior, surrogate=self.surrogate)
