"""Absolute positive-unlabelled loss."""

from __future__ import annotations

from puclassify.losses._base import PULoss
from puclassify.losses.functional import absolute_pu_loss

__all__ = ["AbsolutePULoss"]


class AbsolutePULoss(PULoss):
    """Positive-unlabelled risk with the absolute value of the estimated negative risk.

    Parameters
    ----------
    prior : float or None, default=None
        Fraction of positives among the unlabelled examples, between 0 and 1. None is filled in by
        the estimator.
    surrogate : {"logistic", "sigmoid"}, default="logistic"
        The loss of one example.

    See Also
    --------
    puclassify.losses.functional.absolute_pu_loss : The formula.

    Examples
    --------
    >>> import torch
    >>> from puclassify.losses import AbsolutePULoss
    >>> AbsolutePULoss(0.5)(torch.tensor([2.0, -1.0]), torch.tensor([1, 0]))
    tensor(0.8137)
    """

    def __init__(self, prior=None, *, surrogate="logistic"):
        super().__init__(prior)
        self.surrogate = surrogate

    def forward(self, logits, targets):
        return absolute_pu_loss(logits, targets, prior=self.prior, surrogate=self.surrogate)
