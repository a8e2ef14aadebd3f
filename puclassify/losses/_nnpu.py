"""Non-negative positive-unlabelled loss."""

from __future__ import annotations

from puclassify.losses._base import PULoss
from puclassify.losses.functional import non_negative_pu_loss

__all__ = ["NonNegativePULoss"]


class NonNegativePULoss(PULoss):
    """Non-negative positive-unlabelled risk (Kiryo et al., 2017, Algorithm 1).

    Parameters
    ----------
    prior : float or None, default=None
        Fraction of positives among the unlabelled examples, between 0 and 1. None is filled in by
        the estimator.
    beta : float, default=0.0
        How far below zero the estimated risk of the negatives may fall before it is corrected, at
        least 0.
    gamma : float, default=1.0
        Step of the correction relative to the learning rate, from 0 to 1.
    surrogate : {"logistic", "sigmoid"}, default="logistic"
        The loss of one example.

    See Also
    --------
    puclassify.losses.functional.non_negative_pu_loss : The formula.

    Notes
    -----
    Where the correction is active the gradient is not that of the reported value: it climbs the
    negative estimate instead of descending it.

    Examples
    --------
    >>> import torch
    >>> from puclassify.losses import NonNegativePULoss
    >>> loss = NonNegativePULoss(0.5, beta=0.1)
    >>> loss(torch.tensor([6.0, -6.0]), torch.tensor([1, 0]))
    tensor(-0.0988)
    >>> loss.set_params(beta=0.0)
    NonNegativePULoss(prior=0.5)
    """

    def __init__(self, prior=None, *, beta=0.0, gamma=1.0, surrogate="logistic"):
        super().__init__(prior)
        self.beta = beta
        self.gamma = gamma
        self.surrogate = surrogate

    def forward(self, logits, targets):
        return non_negative_pu_loss(
            logits,
            targets,
            prior=self.prior,
            beta=self.beta,
            gamma=self.gamma,
            surrogate=self.surrogate,
        )
