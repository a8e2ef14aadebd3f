"""Generalised-expectation loss with a Kullback-Leibler divergence."""

from __future__ import annotations

import math

import torch

from puclassify.losses._base import PULoss
from puclassify.losses.functional import ge_kl_loss, unlabelled_mean_probability

__all__ = ["GEKLLoss"]


class GEKLLoss(PULoss):
    """Generalised expectation (GE-KL): draws the mean unlabelled prediction towards the prior.

    Parameters
    ----------
    prior : float or None, default=None
        Fraction of positives among the unlabelled examples, between 0 and 1. None is filled in by
        the estimator.
    slack : float, default=10.0
        Weight of the divergence, at least 0.
    momentum : float, default=1.0
        Weight of the present batch in the mean prediction, above 0 and at most 1. Small values
        help where a batch holds few unlabelled positives, or none.
    entropy_penalty : float, default=0.0
        Weight of the mean entropy of the unlabelled predictions, at least 0; larger values draw
        them towards 0 and 1.
    surrogate : {"logistic", "sigmoid"}, default="logistic"
        The loss of one labelled positive.

    Attributes
    ----------
    running_mean : Tensor of shape ()
        Mean unlabelled prediction over the batches seen in training mode; NaN before the first.

    See Also
    --------
    puclassify.losses.functional.ge_kl_loss : The formula.

    Examples
    --------
    >>> import torch
    >>> from puclassify.losses import GEKLLoss
    >>> loss = GEKLLoss(0.5, momentum=0.1)
    >>> loss(torch.tensor([0.0, 0.0]), torch.tensor([1, 0]))
    tensor(0.6931)
    >>> loss.running_mean
    tensor(0.5000)
    """

    running_mean: torch.Tensor

    def __init__(
        self, prior=None, *, slack=10.0, momentum=1.0, entropy_penalty=0.0, surrogate="logistic"
    ):
        super().__init__(prior)
        self.slack = slack
        self.momentum = momentum
        self.entropy_penalty = entropy_penalty
        self.surrogate = surrogate
        self.register_buffer("running_mean", torch.tensor(math.nan))

    def forward(self, logits, targets):
        running_mean = self.running_mean.to(logits.device)
        loss = ge_kl_loss(
            logits,
            targets,
            prior=self.prior,
            slack=self.slack,
            # Held-out examples are graded by their own mean.
            momentum=self.momentum if self.training else 1.0,
            entropy_penalty=self.entropy_penalty,
            running_mean=running_mean,
            surrogate=self.surrogate,
        )
        if self.training:
            self.running_mean = unlabelled_mean_probability(
                logits.detach(), targets, momentum=self.momentum, running_mean=running_mean
            ).to(running_mean.dtype)
        return loss
