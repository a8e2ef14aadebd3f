"""Non-negative positive-unlabelled loss."""

from __future__ import annotations

import torch

from puclassify._parameters import check_number
from puclassify.losses._base import PULoss
from puclassify.losses._examples import check_weights
from puclassify.losses._risks import risk_terms

__all__ = ["NonNegativePULoss", "non_negative_pu_loss"]


def non_negative_pu_loss(
    logits: torch.Tensor,
    targets: torch.Tensor,
    *,
    prior: float,
    beta: float = 0.0,
    gamma: float = 1.0,
    surrogate: str = "logistic",
    weights: torch.Tensor | None = None,
) -> torch.Tensor:
    r"""Non-negative positive-unlabelled risk.

    Parameters
    ----------
    logits : Tensor of any shape
        One logit per example.
    targets : Tensor with as many elements
        1 for labelled positives, 0 for unlabelled examples.
    prior : float
        Fraction of positives among the unlabelled examples, between 0 and 1.
    beta : float, default=0.0
        How far below zero the estimated risk of the negatives may fall before it is corrected, at
        least 0.
    gamma : float, default=1.0
        Step size of the correction relative to the learning rate, from 0 to 1.
    surrogate : {"logistic", "sigmoid"}, default="logistic"
        The loss of one example, see `pn_loss`.
    weights : Tensor with as many elements or None, default=None
        Relative weight of each example, at least 0, in the means over the labelled and over the
        unlabelled ones; each mean is divided by the sum of its own weights. None weighs all alike.

    Returns
    -------
    Tensor of shape ()
        The risk. Where the correction is active, the gradient is not that of the value.

    Notes
    -----
    Kiryo et al. (NeurIPS 2017), Algorithm 1. With the bracket
    :math:`r = \hat R_U^- - \pi \hat R_P^-` of `unbiased_pu_loss`,

    * if :math:`r \ge -\beta`, value and gradient are those of :math:`\pi \hat R_P^+ + r`;
    * otherwise the value is :math:`\pi \hat R_P^+ - \beta` and the gradient that of
      :math:`-\gamma r`. A negative estimate of a risk means that the network has overfitted the
      positives of this batch; ascending :math:`r` undoes it.

    Examples
    --------
    >>> import torch
    >>> from puclassify.losses.functional import non_negative_pu_loss
    >>> logits = torch.tensor([6.0, -6.0], requires_grad=True)
    >>> loss = non_negative_pu_loss(logits, torch.tensor([1, 0]), prior=0.5)
    >>> loss.backward()
    >>> logits.grad.sign()  # the correction lowers the positive and raises the unlabelled logit
    tensor([ 1., -1.])
    """
    check_weights(beta=beta)
    check_number(gamma, "gamma", "a number from 0 to 1", at_least=0, at_most=1)
    positive_risk, negative_risk = risk_terms(logits, targets, prior, surrogate, weights)
    overfitted = negative_risk < -beta
    value = positive_risk + negative_risk.where(~overfitted, -beta)
    descended = torch.where(overfitted, -gamma * negative_risk, positive_risk + negative_risk)
    return descended + (value - descended).detach()


class NonNegativePULoss(PULoss):
    """Non-negative positive-unlabelled risk (nnPU; Kiryo et al., 2017, Algorithm 1).

    Parameters
    ----------
    prior : float or None, default=None
        Class prior: the fraction of positives among the unlabelled examples, between 0 and 1. If
        None, the estimator sets it.
    beta : float, default=0.0
        How far below zero the estimated risk of the negatives may fall before it is corrected, at
        least 0.
    gamma : float, default=1.0
        Step size of the correction relative to the learning rate, from 0 to 1.
    surrogate : {"logistic", "sigmoid"}, default="logistic"
        The loss of one example.

    See Also
    --------
    puclassify.losses.functional.non_negative_pu_loss : The formula.

    Notes
    -----
    Where the correction is active, the gradient is not that of the reported value: it ascends the
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

    def __init__(
        self,
        prior: float | None = None,
        *,
        beta: float = 0.0,
        gamma: float = 1.0,
        surrogate: str = "logistic",
    ):
        super().__init__(prior)
        self.beta = beta
        self.gamma = gamma
        self.surrogate = surrogate

    def forward(
        self,
        logits: torch.Tensor,
        targets: torch.Tensor,
        weights: torch.Tensor | None = None,
    ) -> torch.Tensor:
        return non_negative_pu_loss(
            logits,
            targets,
            prior=self.prior,
            beta=self.beta,
            gamma=self.gamma,
            surrogate=self.surrogate,
            weights=weights,
        )
