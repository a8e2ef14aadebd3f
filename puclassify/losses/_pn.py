"""Positive-negative loss."""

from __future__ import annotations

from puclassify.losses._base import PULoss
from puclassify.losses.functional import pn_loss

__all__ = ["PNLoss"]


class PNLoss(PULoss):
    """Naive positive-negative risk: every unlabelled example is taken for a negative.

    Parameters
    ----------
    prior : float or None, default=None
        Weight of the positives, between 0 and 1. None is filled in by the estimator.
    surrogate : {"logistic", "sigmoid"}, default="logistic"
        The loss of one example.

    See Also
    --------
    puclassify.losses.functional.pn_loss : The formula.

    Examples
    --------
    >>> import torch
    >>> from puclassify.losses import PNLoss
    >>> PNLoss(0.2)(torch.tensor([0.0, 0.0]), torch.tensor([1, 0]))
    tensor(0.6931)
    """

    unlabelled_is_everything = False

    def __init__(self, prior=None, *, surrogate="logistic"):
        super().__init__(prior)
        self.surrogate = surrogate

    def forward(self, logits, targets):
        return pn_loss(logits, targets, prior=self.prior, surrogate=self.surrogate)
