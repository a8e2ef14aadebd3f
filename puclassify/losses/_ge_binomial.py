"""Generalised-expectation loss with a binomial count of positives."""

from __future__ import annotations

from puclassify.losses._base import PULoss
from puclassify.losses.functional import ge_binomial_loss

__all__ = ["GEBinomialLoss"]


class GEBinomialLoss(PULoss):
    """Generalised expectation (GE-binomial): draws the count of unlabelled positives to a binomial.

    Parameters
    ----------
    prior : float or None, default=None
        Fraction of positives among the unlabelled examples, between 0 and 1. None is filled in by
        the estimator.
    slack : float, default=1.0
        Weight of the cross-entropy, at least 0.
    entropy_penalty : float, default=0.0
        Weight of the mean entropy of the unlabelled predictions, at least 0; larger values draw
        them towards 0 and 1.
    risk_weight : float, default=0.0
        Weight of the non-negative PU risk that is added, at least 0. Not part of the published
        objective: it unlearns contaminants that look sure, which the count alone cannot.
    surrogate : {"logistic", "sigmoid"}, default="logistic"
        The loss of one labelled positive, and of one example in the added risk.

    See Also
    --------
    puclassify.losses.functional.ge_binomial_loss : The formula.

    Examples
    --------
    >>> import torch
    >>> from puclassify.losses import GEBinomialLoss
    >>> logits, targets = torch.tensor([9.0, 9.0, -9.0, -9.0, -9.0]), torch.tensor([1, 0, 0, 0, 0])
    >>> GEBinomialLoss(0.25)(logits, targets)
    tensor(0.8632)
    """

    def __init__(
        self,
        prior=None,
        *,
        slack=1.0,
        entropy_penalty=0.0,
        risk_weight=0.0,
        surrogate="logistic",
    ):
        super().__init__(prior)
        self.slack = slack
        self.entropy_penalty = entropy_penalty
        self.risk_weight = risk_weight
        self.surrogate = surrogate

    def forward(self, logits, targets):
        return ge_binomial_loss(
            logits,
            targets,
            prior=self.prior,
            slack=self.slack,
            entropy_penalty=self.entropy_penalty,
            risk_weight=self.risk_weight,
            surrogate=self.surrogate,
        )
