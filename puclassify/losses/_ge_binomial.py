"""Generalised-expectation loss with a binomial number of positives."""

from __future__ import annotations

import functools
import math

import torch

from puclassify.losses._base import PULoss
from puclassify.losses._examples import (
    check_prior,
    check_weights,
    entropy_term,
    flatten,
    masked_mean,
    surrogate_loss,
    wide_dtype,
)
from puclassify.losses._nnpu import non_negative_pu_loss

__all__ = ["GEBinomialLoss", "ge_binomial_loss"]

# Below this variance all unlabelled probabilities are within it of 0 or 1, and the normal already
# has its mass on one count; the floor only keeps the division finite.
_MIN_VARIANCE = 1e-6


def ge_binomial_loss(
    logits: torch.Tensor,
    targets: torch.Tensor,
    *,
    prior: float,
    slack: float = 1.0,
    entropy_penalty: float = 0.0,
    risk_weight: float = 0.0,
    surrogate: str = "logistic",
    weights: torch.Tensor | None = None,
) -> torch.Tensor:
    r"""Generalised expectation: pulls the number of unlabelled positives towards a binomial.

    Parameters
    ----------
    logits : Tensor of any shape
        One logit per example.
    targets : Tensor with as many elements
        1 for labelled positives, 0 for unlabelled examples.
    prior : float
        Fraction of positives among the unlabelled examples, between 0 and 1.
    slack : float, default=1.0
        Weight of the cross-entropy, at least 0.
    entropy_penalty : float, default=0.0
        Weight of the mean entropy of the unlabelled predictions, at least 0; larger values push
        them towards 0 and 1.
    risk_weight : float, default=0.0
        Weight of the non-negative PU risk, at least 0; not part of the published objective.
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
    GE-binomial of Bepler et al. (RECOMB 2018, arXiv 1803.08207). The number *k* of positives among
    the *N* unlabelled examples of a batch is Binomial(N, pi). By the predictions it is a sum of *N*
    Bernoulli variables, approximated by a normal of the same mean and variance:

    .. math::
        R = \frac{1}{|P|}\sum_{i \in P} \ell(s_i, +1)
            - \lambda \sum_{k=0}^{N} q_k \log \mathrm{Binomial}(k; N, \pi)
            + \eta\,\frac{1}{|U|}\sum_{i \in U} H(p_i),
        \qquad q_k \propto \exp\Bigl(-\frac{(k - \mu)^2}{2 \sigma^2}\Bigr),

    with :math:`\mu = \sum_U p_i`, :math:`\sigma^2 = \sum_U p_i (1 - p_i)`,
    :math:`p_i = 1 / (1 + e^{-s_i})` and :math:`\sum_k q_k = 1`; slack :math:`\lambda`, entropy
    penalty :math:`\eta` and *H* as in `ge_kl_loss`.

    ``risk_weight`` adds that multiple of `non_negative_pu_loss`. The count alone has no gradient at
    an unlabelled example whose prediction is nearly certain, be it a particle or a contaminant; the
    risk lowers the prediction unless the labelled positives look the same.

    With ``weights`` :math:`\mu` and :math:`\sigma^2` are *N* times the weighted means of
    :math:`p_i` and :math:`p_i (1 - p_i)`, with *N* the number of unlabelled examples whose weight
    is not 0: a weight of two is not the same as two examples here.

    *k* runs over the whole batch with the counts above *N* masked, so that *N* never has to come
    back from an accelerator. The cost is linear in the batch size.

    Examples
    --------
    >>> import torch
    >>> from puclassify.losses.functional import ge_binomial_loss
    >>> logits, targets = torch.tensor([9.0, 9.0, -9.0, -9.0, -9.0]), torch.tensor([1, 0, 0, 0, 0])
    >>> ge_binomial_loss(logits, targets, prior=0.25)  # -log of 4 * 0.25 * 0.75 ** 3
    tensor(0.8632)
    """
    check_prior(prior)
    check_weights(slack=slack, entropy_penalty=entropy_penalty, risk_weight=risk_weight)
    s, positive, unlabelled, w = flatten(logits, targets, weights)
    n = unlabelled.sum()
    p = torch.sigmoid(s).where(unlabelled, 0.0)
    mean, variance = p.sum(), (p * (1 - p)).sum()
    if w is not None:  # those of n examples drawn in proportion to the weights
        mean = n * masked_mean(p, unlabelled, w)
        variance = n * masked_mean(p * (1 - p), unlabelled, w)
    variance = variance.clamp(min=_MIN_VARIANCE)
    counts = torch.arange(s.numel() + 1, device=s.device)
    possible = counts <= n
    log_density = -0.5 * (counts.to(s.dtype) - mean).square() / variance
    q = log_density.where(possible, -math.inf).softmax(0)
    log_binomial = _log_binomial(counts, n, prior).to(s.dtype).where(possible, 0.0)
    loss = (
        masked_mean(surrogate_loss(surrogate)(s), positive, w)
        - slack * (q * log_binomial).sum()
        + entropy_term(s, unlabelled, entropy_penalty, w)
    )
    if risk_weight == 0:
        return loss
    return loss + risk_weight * non_negative_pu_loss(
        logits, targets, prior=prior, surrogate=surrogate, weights=weights
    )


def _log_binomial(counts: torch.Tensor, n: torch.Tensor, prior: float) -> torch.Tensor:
    """Return the log probability of 0, 1, ... successes in ``n`` trials; meaningless above n."""
    # Batch sizes vary, so one table serves all sizes up to the next power of two.
    table = _log_factorials(2 ** (len(counts) - 1).bit_length(), counts.device)
    rest = (n - counts).clamp(min=0)
    log_choose = table.take(n) - table[: len(counts)] - table.take(rest)
    return log_choose + counts.to(table) * math.log(prior) + rest.to(table) * math.log1p(-prior)


@functools.lru_cache(maxsize=32)
def _log_factorials(size: int, device: torch.device) -> torch.Tensor:
    """Return log(0!), log(1!), ..., ``size`` numbers.

    Differences of log-gammas of thousands lose three digits, hence the wide type.
    """
    return torch.lgamma(torch.arange(1, size + 1, dtype=wide_dtype(device), device=device))


class GEBinomialLoss(PULoss):
    """Generalised expectation (GE-binomial): pulls the count of positives towards a binomial.

    Parameters
    ----------
    prior : float or None, default=None
        Class prior: the fraction of positives among the unlabelled examples, between 0 and 1. If
        None, the estimator sets it.
    slack : float, default=1.0
        Weight of the cross-entropy, at least 0.
    entropy_penalty : float, default=0.0
        Weight of the mean entropy of the unlabelled predictions, at least 0; larger values push
        them towards 0 and 1.
    risk_weight : float, default=0.0
        Weight of an added non-negative PU risk, at least 0. Not part of the published objective: it
        corrects contaminants with nearly certain predictions, which the count alone cannot.
    surrogate : {"logistic", "sigmoid"}, default="logistic"
        The loss of one labelled positive, and of one example in the added risk.

    See Also
    --------
    puclassify.losses.functional.ge_binomial_loss : The formula.

    Examples
    --------
    >>> import torch
    >>> from puclassify.losses import GEBinomialLoss
    >>> logits, targets = torch.tensor([9.0, 9.0, -9.0, -9.0, -9.0]), torch.tensor([1, 0, 0, 0, 0])
    >>> GEBinomialLoss(0.25)(logits, targets)
    tensor(0.8632)
    """

    def __init__(
        self,
        prior: float | None = None,
        *,
        slack: float = 1.0,
        entropy_penalty: float = 0.0,
        risk_weight: float = 0.0,
        surrogate: str = "logistic",
    ):
        super().__init__(prior)
        self.slack = slack
        self.entropy_penalty = entropy_penalty
        self.risk_weight = risk_weight
        self.surrogate = surrogate

    def forward(
        self,
        logits: torch.Tensor,
        targets: torch.Tensor,
        weights: torch.Tensor | None = None,
    ) -> torch.Tensor:
        return ge_binomial_loss(
            logits,
            targets,
            prior=self.prior,
            slack=self.slack,
            entropy_penalty=self.entropy_penalty,
            risk_weight=self.risk_weight,
            surrogate=self.surrogate,
            weights=weights,
        )
