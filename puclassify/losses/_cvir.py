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
    logits: torch.Tensor, targets: torch.Tensor, *, prior: float, surrogate: str = "logistic"
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
    border the earlier ones are discarded.

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
    s, positive = flatten(logits, targets)
    unlabelled = ~positive
    order = s.detach().where(unlabelled, -math.inf).argsort(descending=True, stable=True)
    rank = torch.empty_like(order).scatter(0, order, torch.arange(len(s), device=s.device))
    n_discarded = (prior * unlabelled.sum().to(wide_dtype(s.device)) + 0.5).floor()
    kept = unlabelled & (rank >= n_discarded)
    return masked_mean(loss(s), positive) + masked_mean(loss(-s), kept)


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

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return cvir_loss(logits, targets, prior=self.prior, surrogate=self.surrogate)
