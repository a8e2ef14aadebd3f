"""Consistency of predicted and known label distributions."""

from __future__ import annotations

import math

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from puclassify.losses.functional._examples import (
    check_interval,
    check_prior,
    entropy_term,
    flatten,
    flatten_soft,
    masked_mean,
)

__all__ = ["distribution_mixup_term", "distribution_pu_loss"]


def distribution_pu_loss(
    logits: torch.Tensor,
    targets: torch.Tensor,
    *,
    prior: float,
    entropy_penalty: float = 0.004,
) -> torch.Tensor:
    r"""Label distribution consistency: mean predictions are drawn to the known mean labels.

    Parameters
    ----------
    logits : Tensor of any shape
        One logit per example.
    targets : Tensor of as many elements
        1 for labelled positives, 0 for unlabelled examples.
    prior : float
        Fraction of positives among the unlabelled examples, between 0 and 1.
    entropy_penalty : float, default=0.004
        Weight of the mean entropy of the unlabelled predictions, at least 0; larger values draw
        them towards 0 and 1.

    Returns
    -------
    Tensor of shape ()
        The loss.

    Notes
    -----
    Dist-PU of Zhao, Xu, Jiang, Wen and Huang (CVPR 2022, arXiv 2212.02801). With
    :math:`p_i = 1 / (1 + e^{-s_i})`,

    .. math::
        R = 2 \pi \Bigl|\frac{1}{|P|}\sum_{i \in P} p_i - 1\Bigr|
            + \Bigl|\frac{1}{|U|}\sum_{i \in U} p_i - \pi\Bigr|
            + \mu\,\frac{1}{|U|}\sum_{i \in U} H(p_i),

    where the entropy :math:`H(p) = -p \log p - (1 - p)\log(1 - p)` keeps all unlabelled
    predictions from being :math:`\pi`. `distribution_mixup_term` belongs to it.

    The default :math:`\mu` is the one that the authors' program ends with. That program divides the
    first two terms by :math:`2 \pi`, so at its prior of 0.4 its weights are, in this form, 0.8
    times the numbers given. It trains half of its epochs without mixup and with
    :math:`\mu = 0.002`, then as many with everything while :math:`\mu` rises from 0; here all is
    constant from the start. Two fits with ``warm_start=True`` and a criterion each make two such
    phases.

    Examples
    --------
    >>> import torch
    >>> from puclassify.losses.functional import distribution_pu_loss
    >>> logits, targets = torch.tensor([0.0, 0.0]), torch.tensor([1, 0])
    >>> distribution_pu_loss(logits, targets, prior=0.2, entropy_penalty=0.0)  # 0.4 / 2 + 0.3
    tensor(0.5000)
    """
    check_prior(prior)
    check_interval("entropy_penalty", entropy_penalty, 0, math.inf, open_high=True)
    s, positive = flatten(logits, targets)
    unlabelled = ~positive
    # No mean of probabilities exceeds 1, and 1 - p is exact where p is nearly 1 only as p(-s).
    shortfall = masked_mean(torch.sigmoid(-s), positive)
    difference = masked_mean(torch.sigmoid(s), unlabelled) - prior
    return (
        2 * prior * shortfall
        + difference.abs().where(unlabelled.any(), 0.0)
        + entropy_term(s, unlabelled, entropy_penalty)
    )


def distribution_mixup_term(
    logits: torch.Tensor,
    soft_targets: torch.Tensor,
    *,
    mixup_weight: float = 0.3,
    mixup_entropy_penalty: float = 0.04,
) -> torch.Tensor:
    r"""Cross-entropy and entropy of mixed inputs, to be added to label distribution consistency.

    Parameters
    ----------
    logits : Tensor of any shape
        Logits of mixed inputs.
    soft_targets : Tensor of as many elements
        Mixture of the probabilities of what was mixed, from 0 to 1: 1 for labelled positives, the
        predictions for unlabelled examples. Takes no gradient.
    mixup_weight : float, default=0.3
        Weight of the cross-entropy, at least 0.
    mixup_entropy_penalty : float, default=0.04
        Weight of the mean entropy of the predictions of mixed inputs, at least 0.

    Returns
    -------
    Tensor of shape ()
        The weighted term.

    Notes
    -----
    Dist-PU of Zhao, Xu, Jiang, Wen and Huang (CVPR 2022, arXiv 2212.02801). With mixed inputs
    :math:`\tilde x = \gamma x + (1 - \gamma) x'`, their predictions
    :math:`\tilde p = 1 / (1 + e^{-\tilde s})` and soft targets
    :math:`\tilde t = \gamma t + (1 - \gamma) t'`,

    .. math::
        \frac{1}{n}\sum_i \bigl[-\nu\,\tilde t_i \log \tilde p_i
            - \nu\,(1 - \tilde t_i) \log(1 - \tilde p_i) + \eta H(\tilde p_i)\bigr],
        \qquad \gamma \sim \mathrm{Beta}(\alpha, \alpha),

    with *H* as in `distribution_pu_loss`. The defaults of :math:`\eta` and :math:`\alpha = 6` are
    those of the authors' program; that of :math:`\nu` is ours. Theirs is 5, for batches of which 2
    per cent are labelled positive. Here a tenth to a half is, all of it drawn to 1, and with a
    weight of 5 networks came to call everything positive. Their predictions in the targets are
    an epoch old; here they are those of the same step.

    Examples
    --------
    >>> import torch
    >>> from puclassify.losses.functional import distribution_mixup_term
    >>> logits, soft_targets = torch.tensor([0.0]), torch.tensor([0.3])
    >>> distribution_mixup_term(
    ...     logits, soft_targets, mixup_weight=1.0, mixup_entropy_penalty=0.0
    ... )
    tensor(0.6931)
    """
    for name, weight in (
        ("mixup_weight", mixup_weight),
        ("mixup_entropy_penalty", mixup_entropy_penalty),
    ):
        check_interval(name, weight, 0, math.inf, open_high=True)
    s, t = flatten_soft(logits, soft_targets)
    cross_entropy = binary_cross_entropy_with_logits(s, t, reduction="sum") / max(len(s), 1)
    every = torch.ones_like(s, dtype=torch.bool)
    return mixup_weight * cross_entropy + entropy_term(s, every, mixup_entropy_penalty)
