"""Absolute positive-unlabelled loss."""

from __future__ import annotations

import torch

from puclassify.losses._base import PULoss
from puclassify.losses._risks import risk_terms

__all__ = ["AbsolutePULoss", "absolute_pu_loss"]


def absolute_pu_loss(
    logits: torch.Tensor,
    targets: torch.Tensor,
    *,
    prior: float,
    surrogate: str = "logistic",
    weights: torch.Tensor | None = None,
) -> torch.Tensor:
    r"""Positive-unlabelled risk with the absolute value of the estimated negative risk.

    Parameters
    ----------
    logits : Tensor of any shape
        One logit per example.
    targets : Tensor with as many elements
        1 for labelled positives, 0 for unlabelled examples.
    prior : float
        Fraction of positives among the unlabelled examples, between 0 and 1.
    surrogate : {"logistic", "sigmoid"}, default="logistic"
        The loss of one example, see `pn_loss`.
    weights : Tensor with as many elements or None, default=None
        Relative weight of each example, at least 0, in the means over the labelled and over the
        unlabelled ones; each mean is divided by the sum of its own weights. None weighs all alike.

    Returns
    -------
    Tensor of shape ()
        The risk, never negative.

    Notes
    -----
    Hammoudeh and Lowd (NeurIPS 2020), "abs-PU":

    .. math:: R = \pi \hat R_P^+ + \bigl|\hat R_U^- - \pi \hat R_P^-\bigr|.

    Unlike `non_negative_pu_loss` it does not switch between two gradients.

    Examples
    --------
    >>> import torch
    >>> from puclassify.losses.functional import absolute_pu_loss
    >>> absolute_pu_loss(torch.tensor([2.0, -1.0]), torch.tensor([1, 0]), prior=0.5)
    tensor(0.8137)
    """
    positive_risk, negative_risk = risk_terms(logits, targets, prior, surrogate, weights)
    return positive_risk + negative_risk.abs()


class AbsolutePULoss(PULoss):
    """Positive-unlabelled risk with the absolute value of the estimated negative risk.

    Parameters
    ----------
    prior : float or None, default=None
        Class prior: the fraction of positives among the unlabelled examples, between 0 and 1. If
        None, the estimator sets it.
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

    def __init__(self, prior: float | None = None, *, surrogate: str = "logistic"):
        super().__init__(prior)
        self.surrogate = surrogate

    def forward(
        self,
        logits: torch.Tensor,
        targets: torch.Tensor,
        weights: torch.Tensor | None = None,
    ) -> torch.Tensor:
        return absolute_pu_loss(
            logits, targets, prior=self.prior, surrogate=self.surrogate, weights=weights
        )
