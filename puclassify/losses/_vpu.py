"""Variational positive-unlabelled loss."""

from __future__ import annotations

import torch
from torch.nn.functional import logsigmoid

from puclassify.losses._examples import (
    check_weights,
    flatten,
    flatten_soft,
    log_mean_exp,
    masked_mean,
)
from puclassify.losses._mixup import MixupPULoss

__all__ = ["VariationalPULoss", "variational_mixup_term", "variational_pu_loss"]


def variational_pu_loss(
    logits: torch.Tensor,
    targets: torch.Tensor,
    *,
    prior: float | None = None,
    weights: torch.Tensor | None = None,
) -> torch.Tensor:
    r"""Variational loss, minimal at the posterior probability of the positives.

    Parameters
    ----------
    logits : Tensor of any shape
        One logit per example.
    targets : Tensor with as many elements
        1 for labelled positives, 0 for unlabelled examples.
    prior : float or None, default=None
        Ignored: this loss needs no class prior. Accepted so that all losses are called alike.
    weights : Tensor with as many elements or None, default=None
        Relative weight of each example, at least 0, in the means over the labelled and over the
        unlabelled ones; each mean is divided by the sum of its own weights. None weighs all alike.

    Returns
    -------
    Tensor of shape ()
        The loss; it can be negative.

    Notes
    -----
    Chen, Liu, Wang, Zhao and Wu (NeurIPS 2020, arXiv 1906.00642), equation 6. With
    :math:`\Phi(s) = 1 / (1 + e^{-s})`,

    .. math::
        R = \log \frac{1}{|U|}\sum_{i \in U} \Phi(s_i)
            - \frac{1}{|P|}\sum_{i \in P} \log \Phi(s_i).

    Up to a constant this is the Kullback-Leibler divergence of the distribution of the positives
    from that of the unlabelled examples weighted by :math:`\Phi`. It does not depend on a constant
    factor of :math:`\Phi`; `variational_mixup_term` pulls the positives towards 1, which sets the
    scale of the probabilities.

    Means are computed in logs, so that logits of any size stay finite.

    Examples
    --------
    >>> import torch
    >>> from puclassify.losses.functional import variational_pu_loss
    >>> logits, targets = torch.tensor([2.0, -1.0, -3.0]), torch.tensor([1, 0, 0])
    >>> variational_pu_loss(logits, targets)
    tensor(-1.7171)
    """
    s, positive, unlabelled, w = flatten(logits, targets, weights)
    log_phi = logsigmoid(s)
    log_mean = log_mean_exp(log_phi, unlabelled, w).where(unlabelled.any(), 0.0)
    return log_mean - masked_mean(log_phi, positive, w)


def variational_mixup_term(
    logits: torch.Tensor, soft_targets: torch.Tensor, *, mixup_weight: float = 3.0
) -> torch.Tensor:
    r"""Mixup consistency of log-probabilities, added to the variational loss.

    Parameters
    ----------
    logits : Tensor of any shape
        Logits of mixed inputs.
    soft_targets : Tensor with as many elements
        Mixture of the probabilities of the two inputs, from 0 to 1: 1 for labelled positives, the
        predictions for unlabelled examples. Receives no gradient.
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

    The authors chose the weight for every data set: 0.3 for Fashion-MNIST and STL-10, 0.03 for
    CIFAR-10, in batches with as many labelled as unlabelled images. Only a tenth of our batches is
    labelled, which networks memorise sooner; they need 3. :math:`\alpha = 0.3` throughout. As in
    the source, labelled positives are mixed with unlabelled examples. There the gradient passes
    through the predictions in :math:`\tilde t`; here they are constants, which made no measurable
    difference. Targets below the smallest normal number of float32 are raised to it.

    Examples
    --------
    >>> import torch
    >>> from puclassify.losses.functional import variational_mixup_term
    >>> variational_mixup_term(torch.tensor([0.0]), torch.tensor([1.0]), mixup_weight=1.0)
    tensor(0.4805)
    """
    check_weights(mixup_weight=mixup_weight)
    s, t = flatten_soft(logits, soft_targets)
    log_t = t.clamp(min=torch.finfo(torch.float32).tiny).log()
    return mixup_weight * (log_t - logsigmoid(s)).square().sum() / max(len(s), 1)


class VariationalPULoss(MixupPULoss):
    """Variational loss (VPU; Chen et al., 2020), which needs no class prior.

    Parameters
    ----------
    prior : float or None, default=None
        Ignored by the loss. As for any loss, the estimator sets it and starts the bias of the
        network's last layer at its logit.
    mixup_weight : float, default=3.0
        Weight of the mixup term in training, at least 0; with 0 nothing is mixed, which halves the
        training time.
    mixup_alpha : float, default=0.3
        Both parameters of the Beta distribution from which the share of the first of two mixed
        inputs is drawn, above 0.

    See Also
    --------
    puclassify.losses.functional.variational_pu_loss : The formula.
    puclassify.losses.functional.variational_mixup_term : The mixup term.

    Notes
    -----
    Only the mixup term keeps a network from memorising the labelled examples and predicting
    everything else negative. A network that can memorise them, such as a wide multilayer perceptron
    with a thousand labels, does: use ``early_stopping=True``, or an objective with a prior.

    A call returns the loss without the mixup term, which needs mixed inputs: `PUImageClassifier`
    and `ParticlePicker` add it in training.

    Examples
    --------
    >>> import torch
    >>> from puclassify.losses import VariationalPULoss
    >>> VariationalPULoss()(torch.tensor([2.0, -1.0, -3.0]), torch.tensor([1, 0, 0]))
    tensor(-1.7171)
    """

    mixes_across = True

    def __init__(
        self, prior: float | None = None, *, mixup_weight: float = 3.0, mixup_alpha: float = 0.3
    ):
        super().__init__(prior)
        self.mixup_weight = mixup_weight
        self.mixup_alpha = mixup_alpha

    def forward(
        self,
        logits: torch.Tensor,
        targets: torch.Tensor,
        weights: torch.Tensor | None = None,
    ) -> torch.Tensor:
        return variational_pu_loss(logits, targets, prior=self.prior, weights=weights)

    def mixup_term(self, logits: torch.Tensor, soft_targets: torch.Tensor) -> torch.Tensor:
        return variational_mixup_term(logits, soft_targets, mixup_weight=self.mixup_weight)
