"""Positive-negative loss."""

from __future__ import annotations

import torch

from puclassify.losses._base import PULoss
from puclassify.losses._examples import check_prior, flatten, masked_mean, surrogate_loss

__all__ = ["PNLoss", "pn_loss"]


def pn_loss(
    logits: torch.Tensor,
    targets: torch.Tensor,
    *,
    prior: float,
    surrogate: str = "logistic",
    weights: torch.Tensor | None = None,
) -> torch.Tensor:
    r"""Positive-negative risk: every unlabelled example is treated as negative.

    Parameters
    ----------
    logits : Tensor of any shape
        One logit per example.
    targets : Tensor with as many elements
        1 for labelled positives, 0 for unlabelled examples.
    prior : float
        Weight of the positives, between 0 and 1.
    surrogate : {"logistic", "sigmoid"}, default="logistic"
        The loss of one example.
    weights : Tensor with as many elements or None, default=None
        Relative weight of each example, at least 0, in the means over the labelled and over the
        unlabelled ones; each mean is divided by the sum of its own weights. None weighs all alike.

    Returns
    -------
    Tensor of shape ()
        The risk.

    Notes
    -----
    With :math:`\ell(s, +1) = \log(1 + e^{-s})` ("logistic") or :math:`1 / (1 + e^{s})` ("sigmoid"),
    and :math:`\ell(s, -1) = \ell(-s, +1)`,

    .. math:: R = \pi\,\frac{1}{|P|}\sum_{i \in P} \ell(s_i, +1)
              + (1 - \pi)\,\frac{1}{|U|}\sum_{i \in U} \ell(s_i, -1).

    Examples
    --------
    >>> import torch
    >>> from puclassify.losses.functional import pn_loss
    >>> pn_loss(torch.tensor([0.0, 0.0]), torch.tensor([1, 0]), prior=0.2)
    tensor(0.6931)
    """
    check_prior(prior)
    loss = surrogate_loss(surrogate)
    s, positive, unlabelled, w = flatten(logits, targets, weights)
    of_positives, of_unlabelled = masked_mean(loss(s), positive, w), loss(-s)
    return prior * of_positives + (1 - prior) * masked_mean(of_unlabelled, unlabelled, w)


class PNLoss(PULoss):
    """Naive positive-negative risk: every unlabelled example is treated as negative.

    Parameters
    ----------
    prior : float or None, default=None
        Weight of the positives, between 0 and 1. If None, the estimator sets it.
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

    def __init__(self, prior: float | None = None, *, surrogate: str = "logistic"):
        super().__init__(prior)
        self.surrogate = surrogate

    def forward(
        self,
        logits: torch.Tensor,
        targets: torch.Tensor,
        weights: torch.Tensor | None = None,
    ) -> torch.Tensor:
        return pn_loss(logits, targets, prior=self.prior, surrogate=self.surrogate, weights=weights)
