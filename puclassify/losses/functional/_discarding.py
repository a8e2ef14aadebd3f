"""Risk of positives against the unlabelled examples that do not look positive."""

from __future__ import annotations

import math

import torch

from puclassify.losses.functional._examples import (
    check_prior,
    flatten,
    masked_mean,
    surrogate_loss,
    wide_dtype,
)

__all__ = ["cvir_loss"]


def cvir_loss(
    logits: torch.Tensor, targets: torch.Tensor, *, prior: float, surrogate: str = "logistic"
) -> torch.Tensor:
    r"""Conditional value ignoring risk, which discards the most positive-looking unlabelled.

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
        The risk.

    Notes
    -----
    Garg, Wu, Smola, Balakrishnan and Lipton (NeurIPS 2021), Algorithm 2:

    .. math::
        R = \frac{1}{|P|}\sum_{i \in P} \ell(s_i, +1)
            + \frac{1}{|K|}\sum_{i \in K} \ell(s_i, -1),

    where *K* is the unlabelled sample without the share :math:`\pi` of it that has the highest
    logits. In a batch of :math:`|U|` unlabelled examples that is :math:`\pi |U|` rounded to the
    nearest whole number, halves up; batches of fewer than :math:`1 / (2 \pi)` discard none, and
    those of up to :math:`1 / (2 - 2 \pi)` all, so that nothing is taken for negative. Of equal
    logits at the border the earlier ones are discarded.

    The source ranks the whole unlabelled sample once an epoch, by a network that stands still. Here
    every batch is ranked by the logits it is graded with: an example looks as it does now and not
    as it did an epoch ago, the loss needs nothing but the batch, and the extra pass over the data
    is saved. The price is that a batch loses the share :math:`\pi` even where chance put more, or
    fewer, positives into it; large batches make that small. The source also trains some epochs
    without discarding first.

    Examples
    --------
    >>> import torch
    >>> from puclassify.losses.functional import cvir_loss
    >>> logits, targets = torch.tensor([0.0, 9.0, 0.0]), torch.tensor([1, 0, 0])
    >>> cvir_loss(logits, targets, prior=0.5)  # the unlabelled example at 9 is discarded
    tensor(1.3863)
    """
    check_prior(prior)
    loss = surrogate_loss(surrogate)
    s, positive = flatten(logits, targets)
    unlabelled = ~positive
    order = s.detach().where(unlabelled, -math.inf).argsort(descending=True, stable=True)
    rank = torch.empty_like(order).scatter(0, order, torch.arange(len(s), device=s.device))
    n_discarded = (prior * unlabelled.sum().to(wide_dtype(s.device)) + 0.5).floor()
    kept = unlabelled & (rank >= n_discarded)
    return masked_mean(loss(s), positive) + masked_mean(loss(-s), kept)
