"""Variational positive-unlabelled learning, which needs no class prior."""

from __future__ import annotations

import math

import torch
from torch.nn.functional import logsigmoid

from puclassify.losses.functional._examples import (
    check_interval,
    flatten,
    flatten_soft,
    log_mean_exp,
    masked_mean,
)

__all__ = ["variational_mixup_term", "variational_pu_loss"]


def variational_pu_loss(
    logits: torch.Tensor, targets: torch.Tensor, *, prior: float | None = None
) -> torch.Tensor:
    r"""Variational loss, whose minimum is the posterior probability of the positives.

    Parameters
    ----------
    logits : Tensor of any shape
        One logit per example.
    targets : Tensor of as many elements
        1 for labelled positives, 0 for unlabelled examples.
    prior : float or None, default=None
        Ignored: this loss needs no class prior. Accepted so that all losses are called alike.

    Returns
    -------
    Tensor of shape ()
        The loss; it may be negative.

    Notes
    -----
    Chen, Liu, Wang, Zhao and Wu (NeurIPS 2020, arXiv 1906.00642), equation 6. With
    :math:`\Phi(s) = 1 / (1 + e^{-s})`,

    .. math::
        R = \log \frac{1}{|U|}\sum_{i \in U} \Phi(s_i)
            - \frac{1}{|P|}\sum_{i \in P} \log \Phi(s_i).

    Up to a constant this is the Kullback-Leibler divergence of the distribution of the positives
    from that of the unlabelled examples weighted by :math:`\Phi`. A constant factor of :math:`\Phi`
    does not change it; `variational_mixup_term` draws the positives to 1, and that sets the scale
    of the probabilities.

    Means are taken in logs, so that logits of any size stay finite.

    Examples
    --------
    >>> import torch
    >>> from puclassify.losses.functional import variational_pu_loss
    >>> logits, targets = torch.tensor([2.0, -1.0, -3.0]), torch.tensor([1, 0, 0])
    >>> variational_pu_loss(logits, targets)
    tensor(-1.7171)
    """
    s, positive = flatten(logits, targets)
    unlabelled = ~positive
    log_phi = logsigmoid(s)
    log_mean = log_mean_exp(log_phi, unlabelled).where(unlabelled.any(), 0.0)
    return log_mean - masked_mean(log_phi, positive)


def variational_mixup_term(
    logits: torch.Tensor, soft_targets: torch.Tensor, *, mixup_weight: float = 3.0
) -> torch.Tensor:
    r"""Mixup consistency of log-probabilities, to be added to the variational loss.

    Parameters
    ----------
    logits : Tensor of any shape
        Logits of mixed inputs.
    soft_targets : Tensor of as many elements
        Mixture of the probabilities of what was mixed, from 0 to 1: 1 for labelled positives, the
        predictions for unlabelled examples. Takes no gradient.
    mixup_weight : float, default=3.0
        Weight of the term, at least 0.

    Returns
    -------
    Tensor of shape ()
        The weighted term.

    Notes
    -----
    Chen, Liu, Wang, Zhao and Wu (NeurIPS 2020, arXiv 1906.00642), equations 8 and 9. With mixed
    inputs :math:`\tilde x = \gamma x + (1 - \gamma) x'`, their logits
    :math:`\tilde s` and soft targets :math:`\tilde t = \gamma t + (1 - \gamma) t'`,

    .. math::
        \lambda \frac{1}{n}\sum_i \bigl(\log \tilde t_i - \log \Phi(\tilde s_i)\bigr)^2,
        \qquad \gamma \sim \mathrm{Beta}(\alpha, \alpha).

    The authors chose the weight for every data set, 0.3 for Fashion-MNIST and STL-10, 0.03 for
    CIFAR-10, in batches of as many labelled as unlabelled images. Our batches hold a tenth of
    labelled ones, learned by heart the sooner, and need 3. :math:`\alpha = 0.3` throughout.
    As in the source, labelled positives are mixed with unlabelled examples; there the gradient
    passes through the predictions in :math:`\tilde t`, here they are constants, which made no
    difference that could be measured.
    Targets below the smallest normal number of float32 count as that.

    Examples
    --------
    >>> import torch
    >>> from puclassify.losses.functional import variational_mixup_term
    >>> variational_mixup_term(torch.tensor([0.0]), torch.tensor([1.0]), mixup_weight=1.0)
    tensor(0.4805)
    """
    check_interval("mixup_weight", mixup_weight, 0, math.inf, open_high=True)
    s, t = flatten_soft(logits, soft_targets)
    log_t = t.clamp(min=torch.finfo(torch.float32).tiny).log()
    return mixup_weight * (log_t - logsigmoid(s)).square().sum() / max(len(s), 1)
