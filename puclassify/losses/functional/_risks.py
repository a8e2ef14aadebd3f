"""Risks of positive-negative and positive-unlabelled classification."""

from __future__ import annotations

import math

import torch

from puclassify.losses.functional._examples import (
    check_interval,
    check_prior,
    flatten,
    masked_mean,
    surrogate_loss,
)

__all__ = ["absolute_pu_loss", "non_negative_pu_loss", "pn_loss", "unbiased_pu_loss"]


def _risks(logits, targets, prior, surrogate) -> tuple[torch.Tensor, torch.Tensor]:
    """Return prior * R_P(+1) and the bracket R_U(-1) - prior * R_P(-1)."""
    check_prior(prior)
    loss = surrogate_loss(surrogate)
    s, positive = flatten(logits, targets)
    negative_loss = loss(-s)
    bracket = masked_mean(negative_loss, ~positive) - prior * masked_mean(negative_loss, positive)
    return prior * masked_mean(loss(s), positive), bracket


def pn_loss(
    logits: torch.Tensor, targets: torch.Tensor, *, prior: float, surrogate: str = "logistic"
) -> torch.Tensor:
    r"""Positive-negative risk, which takes every unlabelled example for a negative.

    Parameters
    ----------
    logits : Tensor of any shape
        One logit per example.
    targets : Tensor of as many elements
        1 for labelled positives, 0 for unlabelled examples.
    prior : float
        Weight of the positives, between 0 and 1.
    surrogate : {"logistic", "sigmoid"}, default="logistic"
        The loss of one example.

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
    s, positive = flatten(logits, targets)
    return prior * masked_mean(loss(s), positive) + (1 - prior) * masked_mean(loss(-s), ~positive)


def unbiased_pu_loss(
    logits: torch.Tensor, targets: torch.Tensor, *, prior: float, surrogate: str = "logistic"
) -> torch.Tensor:
    r"""Unbiased positive-unlabelled risk.

    Parameters
    ----------
    logits : Tensor of any shape
        One logit per example.
    targets : Tensor of as many elements
        1 for labelled positives, 0 for unlabelled examples.
    prior : float
        Fraction of positives among the unlabelled examples, between 0 and 1.
    surrogate : {"logistic", "sigmoid"}, default="logistic"
        The loss of one example, see `pn_loss`.

    Returns
    -------
    Tensor of shape ()
        The risk; it may be negative.

    Notes
    -----
    du Plessis, Niu and Sugiyama (ICML 2015), here as in Kiryo et al. (NeurIPS 2017), equation 2:

    .. math:: R = \pi \hat R_P^+ + \bigl[\hat R_U^- - \pi \hat R_P^-\bigr],
              \qquad \hat R_A^\pm = \frac{1}{|A|}\sum_{i \in A} \ell(s_i, \pm 1).

    The bracket estimates the risk of the negatives and, unlike it, can fall below zero.

    Examples
    --------
    >>> import torch
    >>> from puclassify.losses.functional import unbiased_pu_loss
    >>> unbiased_pu_loss(torch.tensor([3.0, 0.0]), torch.tensor([1, 0]), prior=0.2)
    tensor(0.0931)
    """
    positive_risk, bracket = _risks(logits, targets, prior, surrogate)
    return positive_risk + bracket


def non_negative_pu_loss(
    logits: torch.Tensor,
    targets: torch.Tensor,
    *,
    prior: float,
    beta: float = 0.0,
    gamma: float = 1.0,
    surrogate: str = "logistic",
) -> torch.Tensor:
    r"""Non-negative positive-unlabelled risk.

    Parameters
    ----------
    logits : Tensor of any shape
        One logit per example.
    targets : Tensor of as many elements
        1 for labelled positives, 0 for unlabelled examples.
    prior : float
        Fraction of positives among the unlabelled examples, between 0 and 1.
    beta : float, default=0.0
        How far below zero the estimated risk of the negatives may fall before it is corrected, at
        least 0.
    gamma : float, default=1.0
        Step of the correction relative to the learning rate, from 0 to 1.
    surrogate : {"logistic", "sigmoid"}, default="logistic"
        The loss of one example, see `pn_loss`.

    Returns
    -------
    Tensor of shape ()
        The risk. Where the correction is active, its gradient is not that of its value.

    Notes
    -----
    Kiryo et al. (NeurIPS 2017), Algorithm 1. With the bracket
    :math:`r = \hat R_U^- - \pi \hat R_P^-` of `unbiased_pu_loss`,

    * where :math:`r \ge -\beta`, value and gradient are those of :math:`\pi \hat R_P^+ + r`;
    * else the value is :math:`\pi \hat R_P^+ - \beta` and the gradient that of :math:`-\gamma r`.
      A negative estimate of a risk means that the network has overfitted the positives of this
      batch; climbing :math:`r` undoes it.

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
    check_interval("beta", beta, 0, math.inf, open_high=True)
    check_interval("gamma", gamma, 0, 1)
    positive_risk, bracket = _risks(logits, targets, prior, surrogate)
    overfitted = bracket < -beta
    value = positive_risk + bracket.where(~overfitted, -beta)
    descended = torch.where(overfitted, -gamma * bracket, positive_risk + bracket)
    return descended + (value - descended).detach()


def absolute_pu_loss(
    logits: torch.Tensor, targets: torch.Tensor, *, prior: float, surrogate: str = "logistic"
) -> torch.Tensor:
    r"""Positive-unlabelled risk with the absolute value of the estimated negative risk.

    Parameters
    ----------
    logits : Tensor of any shape
        One logit per example.
    targets : Tensor of as many elements
        1 for labelled positives, 0 for unlabelled examples.
    prior : float
        Fraction of positives among the unlabelled examples, between 0 and 1.
    surrogate : {"logistic", "sigmoid"}, default="logistic"
        The loss of one example, see `pn_loss`.

    Returns
    -------
    Tensor of shape ()
        The risk, never negative.

    Notes
    -----
    Hammoudeh and Lowd (NeurIPS 2020), "abs-PU":

    .. math:: R = \pi \hat R_P^+ + \bigl|\hat R_U^- - \pi \hat R_P^-\bigr|.

    Unlike `non_negative_pu_loss` it needs no switch between two gradients.

    Examples
    --------
    >>> import torch
    >>> from puclassify.losses.functional import absolute_pu_loss
    >>> absolute_pu_loss(torch.tensor([2.0, -1.0]), torch.tensor([1, 0]), prior=0.5)
    tensor(0.8137)
    """
    positive_risk, bracket = _risks(logits, targets, prior, surrogate)
    return positive_risk + bracket.abs()
