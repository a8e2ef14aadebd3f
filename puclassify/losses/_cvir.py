"""Conditional value ignoring risk."""

from __future__ import annotations

import math

import torch

from puclassify.losses._base import PULoss
from puclassify.losses._examples import (
    check_prior,
    flatten,
    masked_mean,
    surrogate_loss,
    wide_dtype,
)

__all__ = ["CVIRLoss", "cvir_loss"]


def cvir_loss(
    logits: torch.Tensor,
    targets: torch.Tensor,
    *,
    prior: float,
    surrogate: str = "logistic",
    weights: torch.Tensor | None = None,
) -> torch.Tensor:
    r"""Conditional value ignoring risk, which discards the most positive-looking unlabelled.

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
        The risk.

    Notes
    -----
    Garg, Wu, Smola, Balakrishnan and Lipton (NeurIPS 2021), Algorithm 2:

    .. math::
        R = \frac{1}{|P|}\sum_{i \in P} \ell(s_i, +1)
            + \frac{1}{|K|}\sum_{i \in K} \ell(s_i, -1),

    where *K* is the unlabelled sample without the fraction :math:`\pi` with the highest logits. A
    batch of :math:`|U|` unlabelled examples loses :math:`\pi |U|` of them, rounded to the nearest
    whole number, halves up: none in batches of fewer than :math:`1 / (2 \pi)`, and all in batches
    of up to :math:`1 / (2 - 2 \pi)`, so that nothing is treated as negative. Of equal logits at the
    border the earlier ones are discarded. With ``weights`` the same fraction of the total weight is
    discarded, and of the example at the border a part.

    The source ranks the whole unlabelled sample once per epoch, with fixed weights. Here every
    batch is ranked by the logits of the same step: the ranking is current, the loss needs only the
    batch, and no extra pass over the data is made. In return every batch loses the fraction
    :math:`\pi`, even if by chance it holds more or fewer positives; in large batches the difference
    is small. The source also trains for some epochs without discarding first.

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
    s, positive, unlabelled, w = flatten(logits, targets, weights)
    order = s.detach().where(unlabelled, -math.inf).argsort(descending=True, stable=True)
    n = unlabelled.sum().to(wide_dtype(s.device))
    n_discarded = (prior * n + 0.5).floor()
    if w is None:
        rank = torch.empty_like(order).scatter(0, order, torch.arange(len(s), device=s.device))
        kept, w_kept = unlabelled & (rank >= n_discarded), None
    else:
        in_turn = w.where(unlabelled, 0.0)[order].to(n)
        discarded = n_discarded / n.clamp(min=1) * in_turn.sum()
        w_in_turn = torch.minimum((in_turn.cumsum(0) - discarded).clamp(min=0), in_turn)
        kept, w_kept = unlabelled, torch.empty_like(w_in_turn).scatter(0, order, w_in_turn)
    return masked_mean(loss(s), positive, w) + masked_mean(loss(-s), kept, w_kept)


class CVIRLoss(PULoss):
    """Conditional value ignoring risk (Garg et al., 2021): discards likely positives.

    In every batch the ``prior`` fraction of the unlabelled examples with the highest logits is
    ignored; the rest is treated as negative.

    Parameters
    ----------
    prior : float or None, default=None
        Class prior: the fraction of positives among the unlabelled examples, between 0 and 1. If
        None, the estimator sets it.
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

    def __init__(self, prior: float | None = None, *, surrogate: str = "logistic"):
        super().__init__(prior)
        self.surrogate = surrogate

    def forward(
        self,
        logits: torch.Tensor,
        targets: torch.Tensor,
        weights: torch.Tensor | None = None,
    ) -> torch.Tensor:
        return cvir_loss(
            logits, targets, prior=self.prior, surrogate=self.surrogate, weights=weights
        )
