"""Generalised-expectation losses: what is expected of the unlabelled predictions together."""

from __future__ import annotations

import functools
import math

import torch
from torch.nn.functional import logsigmoid

from puclassify.losses.functional._examples import (
    check_interval,
    check_prior,
    entropy_term,
    flatten,
    log_mean_exp,
    masked_mean,
    surrogate_loss,
    wide_dtype,
)
from puclassify.losses.functional._risks import non_negative_pu_loss

__all__ = ["ge_binomial_loss", "ge_kl_loss", "unlabelled_mean_probability"]

# Below this variance all unlabelled probabilities are within it of 0 or 1, so the normal has its
# mass on one count anyway; the floor only keeps the division finite.
_MIN_VARIANCE = 1e-6


def _check_expectation(slack, entropy_penalty) -> None:
    check_interval("slack", slack, 0, math.inf, open_high=True)
    check_interval("entropy_penalty", entropy_penalty, 0, math.inf, open_high=True)


def _mix(log_mean: torch.Tensor, momentum: float, previous: torch.Tensor) -> torch.Tensor:
    """Log of the running mean: momentum * exp(log_mean) + (1 - momentum) * previous."""
    return torch.logaddexp(
        log_mean + math.log(momentum), previous.to(log_mean).log() + math.log1p(-momentum)
    )


def unlabelled_mean_probability(
    logits: torch.Tensor,
    targets: torch.Tensor,
    *,
    momentum: float = 1.0,
    running_mean: torch.Tensor | None = None,
) -> torch.Tensor:
    """Mean predicted probability of the unlabelled examples, mixed with earlier batches.

    Parameters
    ----------
    logits : Tensor of any shape
        One logit per example.
    targets : Tensor of as many elements
        1 for labelled positives, 0 for unlabelled examples.
    momentum : float, default=1.0
        Weight of this batch, above 0 and at most 1.
    running_mean : Tensor of shape () or None, default=None
        The mean over the earlier batches; None or NaN where there were none.

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
    s, positive = flatten(logits, targets)
    mean = masked_mean(torch.sigmoid(s), ~positive)
    if running_mean is None:
        running_mean = torch.full_like(mean, math.nan)
    previous = running_mean.to(mean)
    mixed = momentum * mean + (1 - momentum) * previous.where(~previous.isnan(), mean)
    return mixed.where((~positive).any(), previous)


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
) -> torch.Tensor:
    r"""Generalised expectation: the unlabelled mean prediction is drawn towards the prior.

    Parameters
    ----------
    logits : Tensor of any shape
        One logit per example.
    targets : Tensor of as many elements
        1 for labelled positives, 0 for unlabelled examples.
    prior : float
        Fraction of positives among the unlabelled examples, between 0 and 1.
    slack : float, default=10.0
        Weight of the divergence, at least 0.
    momentum : float, default=1.0
        Weight of this batch in the mean prediction, above 0 and at most 1; 1 uses this batch alone.
    entropy_penalty : float, default=0.0
        Weight of the mean entropy of the unlabelled predictions, at least 0; larger values draw
        them towards 0 and 1.
    running_mean : Tensor of shape () or None, default=None
        Mean prediction over the earlier batches, which takes the rest of the weight and no
        gradient; None or NaN where there were none. `unlabelled_mean_probability` computes the
        next.
    surrogate : {"logistic", "sigmoid"}, default="logistic"
        The loss of one labelled positive, see `pn_loss`.

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
    _check_expectation(slack, entropy_penalty)
    check_interval("momentum", momentum, 0, 1, open_low=True)
    s, positive = flatten(logits, targets)
    unlabelled = ~positive
    # Near the prior the divergence is a small difference of logs, and slack multiplies its error.
    wide = s.to(wide_dtype(s.device))
    log_mean = log_mean_exp(logsigmoid(wide), unlabelled)
    log_rest = log_mean_exp(logsigmoid(-wide), unlabelled)
    if running_mean is not None and momentum < 1:
        previous = running_mean.detach().to(wide)
        # The first batch stands for the missing earlier ones, with the weight it has later.
        previous = previous.where(~previous.isnan(), log_mean.detach().exp())
        log_mean, log_rest = (
            _mix(log_mean, momentum, previous),
            _mix(log_rest, momentum, 1 - previous),
        )
    divergence = prior * (math.log(prior) - log_mean) + (1 - prior) * (
        math.log1p(-prior) - log_rest
    )
    return (
        masked_mean(surrogate_loss(surrogate)(s), positive)
        + slack * divergence.where(unlabelled.any(), 0.0).to(s.dtype)
        + entropy_term(s, unlabelled, entropy_penalty)
    )


@functools.lru_cache(maxsize=32)
def _log_factorials(size: int, device: torch.device) -> torch.Tensor:
    """Log of 0!, 1!, ..., of ``size`` numbers.

    Log-gammas of thousands lose three digits in their differences, hence the wide type.
    """
    return torch.lgamma(torch.arange(1, size + 1, dtype=wide_dtype(device), device=device))


def _log_binomial(counts: torch.Tensor, n: torch.Tensor, prior: float) -> torch.Tensor:
    """Log probability of ``counts`` = 0, 1, ... successes in ``n`` trials, ``n`` a scalar tensor.

    Void for counts above n, which is none beyond the last of them.
    """
    # Hardly two batches are of one size: a table serves all up to the next power of two.
    table = _log_factorials(2 ** (len(counts) - 1).bit_length(), counts.device)
    rest = (n - counts).clamp(min=0)
    log_choose = table.take(n) - table[: len(counts)] - table.take(rest)
    return log_choose + counts.to(table) * math.log(prior) + rest.to(table) * math.log1p(-prior)


def ge_binomial_loss(
    logits: torch.Tensor,
    targets: torch.Tensor,
    *,
    prior: float,
    slack: float = 1.0,
    entropy_penalty: float = 0.0,
    risk_weight: float = 0.0,
    surrogate: str = "logistic",
) -> torch.Tensor:
    r"""Generalised expectation: the unlabelled number of positives is drawn towards a binomial.

    Parameters
    ----------
    logits : Tensor of any shape
        One logit per example.
    targets : Tensor of as many elements
        1 for labelled positives, 0 for unlabelled examples.
    prior : float
        Fraction of positives among the unlabelled examples, between 0 and 1.
    slack : float, default=1.0
        Weight of the cross-entropy, at least 0.
    entropy_penalty : float, default=0.0
        Weight of the mean entropy of the unlabelled predictions, at least 0; larger values draw
        them towards 0 and 1.
    risk_weight : float, default=0.0
        Weight of the non-negative PU risk, at least 0; not part of the published objective.
    surrogate : {"logistic", "sigmoid"}, default="logistic"
        The loss of one labelled positive, see `pn_loss`.

    Returns
    -------
    Tensor of shape ()
        The penalised loss of the positives.

    Notes
    -----
    GE-binomial of Bepler et al. (RECOMB 2018, arXiv 1803.08207). The number *k* of positives among
    the *N* unlabelled examples of a batch is Binomial(N, pi), while the predictions say it is the
    sum of *N* Bernoulli variables, which a normal of the same mean and variance stands for:

    .. math::
        R = \frac{1}{|P|}\sum_{i \in P} \ell(s_i, +1)
            - \lambda \sum_{k=0}^{N} q_k \log \mathrm{Binomial}(k; N, \pi)
            + \eta\,\frac{1}{|U|}\sum_{i \in U} H(p_i),
        \qquad q_k \propto \exp\Bigl(-\frac{(k - \mu)^2}{2 \sigma^2}\Bigr),

    with :math:`\mu = \sum_U p_i`, :math:`\sigma^2 = \sum_U p_i (1 - p_i)`,
    :math:`p_i = 1 / (1 + e^{-s_i})` and :math:`\sum_k q_k = 1`; slack :math:`\lambda`, entropy
    penalty :math:`\eta` and *H* as in `ge_kl_loss`.

    ``risk_weight`` adds that multiple of `non_negative_pu_loss`. The count alone has no gradient at
    an unlabelled example that once looks sure, be it a particle or a contaminant; the risk lowers
    it unless the labelled positives look the same.

    *k* runs over the whole batch, with the counts above *N* masked, so that *N* never has to come
    back from an accelerator. The cost is linear in the batch.

    Examples
    --------
    >>> import torch
    >>> from puclassify.losses.functional import ge_binomial_loss
    >>> logits, targets = torch.tensor([9.0, 9.0, -9.0, -9.0, -9.0]), torch.tensor([1, 0, 0, 0, 0])
    >>> ge_binomial_loss(logits, targets, prior=0.25)  # -log of 4 * 0.25 * 0.75 ** 3
    tensor(0.8632)
    """
    check_prior(prior)
    _check_expectation(slack, entropy_penalty)
    check_interval("risk_weight", risk_weight, 0, math.inf, open_high=True)
    s, positive = flatten(logits, targets)
    unlabelled = ~positive
    p = torch.sigmoid(s).where(unlabelled, 0.0)
    mean, variance = p.sum(), (p * (1 - p)).sum().clamp(min=_MIN_VARIANCE)
    counts = torch.arange(s.numel() + 1, device=s.device)
    n = unlabelled.sum()
    possible = counts <= n
    log_density = -0.5 * (counts.to(s.dtype) - mean).square() / variance
    q = log_density.where(possible, -math.inf).softmax(0)
    log_binomial = _log_binomial(counts, n, prior).to(s.dtype).where(possible, 0.0)
    loss = (
        masked_mean(surrogate_loss(surrogate)(s), positive)
        - slack * (q * log_binomial).sum()
        + entropy_term(s, unlabelled, entropy_penalty)
    )
    if risk_weight == 0:
        return loss
    return loss + risk_weight * non_negative_pu_loss(
        logits, targets, prior=prior, surrogate=surrogate
    )
