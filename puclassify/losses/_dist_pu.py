"""Label distribution consistency loss."""

from __future__ import annotations

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from puclassify.losses._examples import (
    check_prior,
    check_weights,
    entropy_term,
    flatten,
    flatten_soft,
    masked_mean,
)
from puclassify.losses._mixup import MixupPULoss

__all__ = ["DistributionPULoss", "distribution_mixup_term", "distribution_pu_loss"]


def distribution_pu_loss(
    logits: torch.Tensor,
    targets: torch.Tensor,
    *,
    prior: float,
    entropy_penalty: float = 0.004,
    weights: torch.Tensor | None = None,
) -> torch.Tensor:
    r"""Label distribution consistency: pulls mean predictions towards the known mean labels.

    Parameters
    ----------
    logits : Tensor of any shape
        One logit per example.
    targets : Tensor with as many elements
        1 for labelled positives, 0 for unlabelled examples.
    prior : float
        Fraction of positives among the unlabelled examples, between 0 and 1.
    entropy_penalty : float, default=0.004
        Weight of the mean entropy of the unlabelled predictions, at least 0; larger values push
        them towards 0 and 1.
    weights : Tensor with as many elements or None, default=None
        Relative weight of each example, at least 0, in the means over the labelled and over the
        unlabelled ones; each mean is divided by the sum of its own weights. None weighs all alike.

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

    where the entropy :math:`H(p) = -p \log p - (1 - p)\log(1 - p)` prevents all unlabelled
    predictions from settling at :math:`\pi`. Training adds `distribution_mixup_term`.

    The default :math:`\mu` is the final value in the authors' program. That program divides the
    first two terms by :math:`2 \pi`, so at its prior of 0.4 its weights are, in this form, 0.8
    times the numbers given. It trains the first half of its epochs without mixup and with
    :math:`\mu = 0.002`, the second half with all terms while :math:`\mu` rises from 0; here all is
    constant from the start. For two such phases, fit twice with ``warm_start=True``, with a
    different criterion each time.

    Examples
    --------
    >>> import torch
    >>> from puclassify.losses.functional import distribution_pu_loss
    >>> logits, targets = torch.tensor([0.0, 0.0]), torch.tensor([1, 0])
    >>> distribution_pu_loss(logits, targets, prior=0.2, entropy_penalty=0.0)  # 0.4 / 2 + 0.3
    tensor(0.5000)
    """
    check_prior(prior)
    check_weights(entropy_penalty=entropy_penalty)
    s, positive, unlabelled, w = flatten(logits, targets, weights)
    # No mean of p exceeds 1, and sigmoid(-s) is 1 - p without cancellation where p is near 1.
    shortfall = masked_mean(torch.sigmoid(-s), positive, w)
    difference = masked_mean(torch.sigmoid(s), unlabelled, w) - prior
    return (
        2 * prior * shortfall
        + difference.abs().where(unlabelled.any(), 0.0)
        + entropy_term(s, unlabelled, entropy_penalty, w)
    )


def distribution_mixup_term(
    logits: torch.Tensor,
    soft_targets: torch.Tensor,
    *,
    mixup_weight: float = 0.3,
    mixup_entropy_penalty: float = 0.04,
) -> torch.Tensor:
    r"""Cross-entropy and entropy of mixed inputs, added to label distribution consistency.

    Parameters
    ----------
    logits : Tensor of any shape
        Logits of mixed inputs.
    soft_targets : Tensor with as many elements
        Mixture of the probabilities of the two inputs, from 0 to 1: 1 for labelled positives, the
        predictions for unlabelled examples. Receives no gradient.
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
    per cent are labelled positive. Here a tenth to a half of a batch is labelled, all of it pulled
    towards 1, and with a weight of 5 networks predicted everything positive. The predictions in
    their targets are one epoch old; here they are those of the same step.

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
    check_weights(mixup_weight=mixup_weight, mixup_entropy_penalty=mixup_entropy_penalty)
    s, t = flatten_soft(logits, soft_targets)
    cross_entropy = binary_cross_entropy_with_logits(s, t, reduction="sum") / max(len(s), 1)
    every = torch.ones_like(s, dtype=torch.bool)
    return mixup_weight * cross_entropy + entropy_term(s, every, mixup_entropy_penalty)


class DistributionPULoss(MixupPULoss):
    """Label distribution consistency (Dist-PU; Zhao et al., 2022).

    Parameters
    ----------
    prior : float or None, default=None
        Class prior: the fraction of positives among the unlabelled examples, between 0 and 1. If
        None, the estimator sets it.
    entropy_penalty : float, default=0.004
        Weight of the mean entropy of the unlabelled predictions, at least 0; larger values push
        them towards 0 and 1.
    mixup_weight : float, default=0.3
        Weight of the cross-entropy of mixed inputs in training, at least 0. Far above 1, as in the
        source, networks can end up predicting everything positive.
    mixup_entropy_penalty : float, default=0.04
        Weight of the mean entropy of the predictions of mixed inputs, at least 0. With both mixup
        weights at 0 nothing is mixed, which halves the training time.
    mixup_alpha : float, default=6.0
        Both parameters of the Beta distribution from which the share of the first of two mixed
        inputs is drawn, above 0.

    See Also
    --------
    puclassify.losses.functional.distribution_pu_loss : The formula.
    puclassify.losses.functional.distribution_mixup_term : The mixup term.

    Notes
    -----
    A call returns the loss without the mixup term, which needs mixed inputs: `PUImageClassifier`
    and `ParticlePicker` add it in training.

    Examples
    --------
    >>> import torch
    >>> from puclassify.losses import DistributionPULoss
    >>> loss = DistributionPULoss(0.2, entropy_penalty=0.0)
    >>> loss(torch.tensor([0.0, 0.0]), torch.tensor([1, 0]))
    tensor(0.5000)
    """

    def __init__(
        self,
        prior: float | None = None,
        *,
        entropy_penalty: float = 0.004,
        mixup_weight: float = 0.3,
        mixup_entropy_penalty: float = 0.04,
        mixup_alpha: float = 6.0,
    ):
        super().__init__(prior)
        self.entropy_penalty = entropy_penalty
        self.mixup_weight = mixup_weight
        self.mixup_entropy_penalty = mixup_entropy_penalty
        self.mixup_alpha = mixup_alpha

    @property
    def mixes(self) -> bool:
        """Whether training mixes inputs for this loss.

        Returns
        -------
        bool
            False if both weights of mixed inputs are 0; mixed inputs are then not computed.
        """
        return self.mixup_weight != 0 or self.mixup_entropy_penalty != 0

    def forward(
        self,
        logits: torch.Tensor,
        targets: torch.Tensor,
        weights: torch.Tensor | None = None,
    ) -> torch.Tensor:
        return distribution_pu_loss(
            logits,
            targets,
            prior=self.prior,
            entropy_penalty=self.entropy_penalty,
            weights=weights,
        )

    def mixup_term(self, logits: torch.Tensor, soft_targets: torch.Tensor) -> torch.Tensor:
        return distribution_mixup_term(
            logits,
            soft_targets,
            mixup_weight=self.mixup_weight,
            mixup_entropy_penalty=self.mixup_entropy_penalty,
        )
