"""Generalised-expectation loss with a Kullback-Leibler divergence."""

from __future__ import annotations

import math

import torch
from torch.nn.functional import logsigmoid

from puclassify._parameters import check_number
from puclassify.losses._base import PULoss
from puclassify.losses._examples import (
    check_prior,
    check_weights,
    entropy_term,
    flatten,
    log_mean_exp,
    masked_mean,
    surrogate_loss,
    wide_dtype,
)

__all__ = ["GEKLLoss", "ge_kl_loss", "unlabelled_mean_probability"]


def ge_kl_loss(
    logits: torch.Tensor,
    targets: torch.Tensor,
    *,
    prior: float,
    slack: float = 10.0,
    momentum: float = 1.0,
    entropy_penalty: float = 0.0,
    running_mean: torch.Tensor | None = None,
    surrogate: str = "logistic",
    weights: torch.Tensor | None = None,
) -> torch.Tensor:
    r"""Generalised expectation: pulls the mean unlabelled prediction towards the prior.

    Parameters
    ----------
    logits : Tensor of any shape
        One logit per example.
    targets : Tensor with as many elements
        1 for labelled positives, 0 for unlabelled examples.
    prior : float
        Fraction of positives among the unlabelled examples, between 0 and 1.
    slack : float, default=10.0
        Weight of the divergence, at least 0.
    momentum : float, default=1.0
        Weight of this batch in the mean prediction, above 0 and at most 1; 1 uses this batch alone.
    entropy_penalty : float, default=0.0
        Weight of the mean entropy of the unlabelled predictions, at least 0; larger values push
        them towards 0 and 1.
    running_mean : Tensor of shape () or None, default=None
        Mean prediction over the earlier batches, which gets the rest of the weight and no gradient;
        None or NaN if there were none. `unlabelled_mean_probability` updates it.
    surrogate : {"logistic", "sigmoid"}, default="logistic"
        The loss of one labelled positive, see `pn_loss`.
    weights : Tensor with as many elements or None, default=None
        Relative weight of each example, at least 0, in the means over the labelled and over the
        unlabelled ones; each mean is divided by the sum of its own weights. None weighs all alike.

    Returns
    -------
    Tensor of shape ()
        The penalised loss of the positives.

    Notes
    -----
    Mann and McCallum (JMLR 2010); in this form Bepler et al. (RECOMB 2018, arXiv 1803.08207), where
    it is called GE-KL. With :math:`p_i = 1 / (1 + e^{-s_i})`, slack :math:`\lambda` and entropy
    penalty :math:`\eta`,

    .. math::
        R = \frac{1}{|P|}\sum_{i \in P} \ell(s_i, +1)
            + \lambda \Bigl[\pi \log\frac{\pi}{\bar p}
            + (1 - \pi)\log\frac{1 - \pi}{1 - \bar p}\Bigr]
            + \eta\,\frac{1}{|U|}\sum_{i \in U} H(p_i),

    where :math:`\bar p = m \frac{1}{|U|} \sum_{i \in U} p_i + (1 - m)\,\bar p_\mathrm{previous}`
    for momentum *m* and :math:`H(p) = -p \log p - (1 - p)\log(1 - p)` (entropy minimisation,
    Grandvalet and Bengio, NIPS 2004).

    Examples
    --------
    >>> import torch
    >>> from puclassify.losses.functional import ge_kl_loss
    >>> ge_kl_loss(torch.tensor([0.0, 0.0]), torch.tensor([1, 0]), prior=0.5)  # no divergence
    tensor(0.6931)
    """
    check_prior(prior)
    check_weights(slack=slack, entropy_penalty=entropy_penalty)
    check_number(momentum, "momentum", "a number above 0 and at most 1", above=0, at_most=1)
    s, positive, unlabelled, w = flatten(logits, targets, weights)
    # Near the prior the divergence is a small difference of logs, and slack multiplies its error.
    wide = s.to(wide_dtype(s.device))
    log_mean = log_mean_exp(logsigmoid(wide), unlabelled, w)
    log_rest = log_mean_exp(logsigmoid(-wide), unlabelled, w)
    if running_mean is not None and momentum < 1:
        previous = running_mean.detach().to(wide)
        # Without earlier batches the first one also gets their weight, but no gradient for it.
        previous = previous.where(~previous.isnan(), log_mean.detach().exp())
        log_mean, log_rest = (
            _mix(log_mean, momentum, previous),
            _mix(log_rest, momentum, 1 - previous),
        )
    divergence = prior * (math.log(prior) - log_mean) + (1 - prior) * (
        math.log1p(-prior) - log_rest
    )
    return (
        masked_mean(surrogate_loss(surrogate)(s), positive, w)
        + slack * divergence.where(unlabelled.any(), 0.0).to(s.dtype)
        + entropy_term(s, unlabelled, entropy_penalty, w)
    )


def _mix(log_mean: torch.Tensor, momentum: float, previous: torch.Tensor) -> torch.Tensor:
    """Return log(momentum * exp(log_mean) + (1 - momentum) * previous)."""
    return torch.logaddexp(
        log_mean + math.log(momentum), previous.to(log_mean).log() + math.log1p(-momentum)
    )


def unlabelled_mean_probability(
    logits: torch.Tensor,
    targets: torch.Tensor,
    *,
    momentum: float = 1.0,
    running_mean: torch.Tensor | None = None,
    weights: torch.Tensor | None = None,
) -> torch.Tensor:
    """Mean predicted probability of the unlabelled examples, averaged with earlier batches.

    Parameters
    ----------
    logits : Tensor of any shape
        One logit per example.
    targets : Tensor with as many elements
        1 for labelled positives, 0 for unlabelled examples.
    momentum : float, default=1.0
        Weight of this batch, above 0 and at most 1.
    running_mean : Tensor of shape () or None, default=None
        The mean over the earlier batches; None or NaN if there were none.
    weights : Tensor with as many elements or None, default=None
        As in `ge_kl_loss`.

    Returns
    -------
    Tensor of shape ()
        The mean probability, or ``running_mean`` (NaN for None) if no example is unlabelled.

    Examples
    --------
    >>> import torch
    >>> from puclassify.losses.functional import unlabelled_mean_probability
    >>> logits, targets = torch.tensor([9.0, 0.0]), torch.tensor([1, 0])
    >>> unlabelled_mean_probability(logits, targets)
    tensor(0.5000)
    >>> unlabelled_mean_probability(
    ...     logits, targets, momentum=0.1, running_mean=torch.tensor(0.2)
    ... )
    tensor(0.2300)
    """
    s, _, unlabelled, w = flatten(logits, targets, weights)
    mean = masked_mean(torch.sigmoid(s), unlabelled, w)
    if running_mean is None:
        running_mean = torch.full_like(mean, math.nan)
    previous = running_mean.to(mean)
    mixed = momentum * mean + (1 - momentum) * previous.where(~previous.isnan(), mean)
    return mixed.where(unlabelled.any(), previous)


class GEKLLoss(PULoss):
    """Generalised expectation (GE-KL): pulls the mean unlabelled prediction towards the prior.

    Parameters
    ----------
    prior : float or None, default=None
        Class prior: the fraction of positives among the unlabelled examples, between 0 and 1. If
        None, the estimator sets it.
    slack : float, default=10.0
        Weight of the divergence, at least 0.
    momentum : float, default=1.0
        Weight of the current batch in the mean prediction, above 0 and at most 1. Small values help
        if a batch holds few unlabelled positives, or none.
    entropy_penalty : float, default=0.0
        Weight of the mean entropy of the unlabelled predictions, at least 0; larger values push
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
        self,
        prior: float | None = None,
        *,
        slack: float = 10.0,
        momentum: float = 1.0,
        entropy_penalty: float = 0.0,
        surrogate: str = "logistic",
    ):
        super().__init__(prior)
        self.slack = slack
        self.momentum = momentum
        self.entropy_penalty = entropy_penalty
        self.surrogate = surrogate
        self.register_buffer("running_mean", torch.tensor(math.nan))

    def forward(
        self,
        logits: torch.Tensor,
        targets: torch.Tensor,
        weights: torch.Tensor | None = None,
    ) -> torch.Tensor:
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
            weights=weights,
        )
        if self.training:
            self.running_mean = unlabelled_mean_probability(
                logits.detach(),
                targets,
                momentum=self.momentum,
                running_mean=running_mean,
                weights=weights,
            ).to(running_mean.dtype)
        return loss
