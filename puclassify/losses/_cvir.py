"""Conditional value ignoring risk."""

from __future__ import annotations

from puclassify.losses._base import PULoss
from puclassify.losses.functional import cvir_loss

__all__ = ["CVIRLoss"]


class CVIRLoss(PULoss):
    """Conditional value ignoring risk (Garg et al., 2021): discards likely positives.

    Of the unlabelled examples of a batch the ``prior`` share with the highest logits takes no part;
    the rest is taken for negative.

    Parameters
    ----------
    prior : float or None, default=None
        Fraction of positives among the unlabelled examples, between 0 and 1. None is filled in by
        the estimator.
    surrogate : {"logistic", "sigmoid"}, default="logistic"
        The loss of one example.

    See Also
    --------
    puclassify.losses.functional.cvir_loss : The formula, and how many are discarded.

    Examples
    --------
    >>> import torch
    >>> from puclassify.losses import CVIRLoss
    >>> CVIRLoss(0.5)(torch.tensor([0.0, 9.0, 0.0]), torch.tensor([1, 0, 0]))
    tensor(1.3863)
    """

    def __init__(self, prior=None, *, surrogate="logistic"):
        super().__init__(prior)
        self.surrogate = surrogate

    def forward(self, logits, targets):
        return cvir_loss(logits, targets, prior=self.prior, surrogate=self.surrogate)
