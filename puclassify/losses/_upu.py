"""Unbiased positive-unlabelled loss."""

from __future__ import annotations

import torch

from puclassify.losses._base import PULoss
from puclassify.losses._risks import risk_terms

__all__ = ["UnbiasedPULoss", "unbiased_pu_loss"]


def unbiased_pu_loss(
    logits: torch.Tensor,
    targets: torch.Tensor,
    *,
    prior: float,
    surrogate: str = "logistic",
    weights: torch.Tensor | None = None,
) -> torch.Tensor:
    r"""Unbiased positive-unlabelled risk.

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
        The risk; it can be negative.

    Notes
    -----
    du Plessis, Niu and Sugiyama (ICML 2015), here as in Kiryo et al. (NeurIPS 2017), equation 2:

    .. math:: R = \pi \hat R_P^+ + \bigl[\hat R_U^- - \pi \hat R_P^-\bigr],
              \qquad \hat R_A^\pm = \frac{1}{|A|}\sum_{i \in A} \ell(s_i, \pm 1).

    The bracket estimates the risk of the negatives but, unlike that risk, can be negative.

    Examples
    --------
    >>> import torch
    >>> from puclassify.losses.functional import unbiased_pu_loss
    >>> unbiased_pu_loss(torch.tensor([3.0, 0.0]), torch.tensor([1, 0]), prior=0.2)
    tensor(0.0931)
    """
    positive_risk, negative_risk = risk_terms(logits, targets, prior, surrogate, weights)
    return positive_risk + negative_risk


class UnbiasedPULoss(PULoss):
    """Unbiased positive-unlabelled risk (du Plessis et al., 2015); it can be negative.

    Parameters
    ----------
    prior : float or None, default=None
        Class prior: the fraction of positives among the unlabelled examples, between 0 and 1. If
        None, the estimator sets it.
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

    def __init__(self, prior: float | None = None, *, surrogate: str = "logistic"):
        super().__init__(prior)
        self.surrogate = surrogate

    def forward(
        self,
        logits: torch.Tensor,
        targets: torch.Tensor,
        weights: torch.Tensor | None = None,
    ) -> torch.Tensor:
        return unbiased_pu_loss(
            logits, targets, prior=self.prior, surrogate=self.surrogate, weights=weights
        )
