"""Variational positive-unlabelled loss."""

from __future__ import annotations

from puclassify.losses._mixup import MixupPULoss
from puclassify.losses.functional import variational_mixup_term, variational_pu_loss

__all__ = ["VariationalPULoss"]


class VariationalPULoss(MixupPULoss):
    """Variational loss (VPU; Chen et al., 2020), which needs no class prior.

    Parameters
    ----------
    prior : float or None, default=None
        Ignored by the loss. The estimator fills it in, as for any loss, and starts the network's
        last bias at its logit.
    mixup_weight : float, default=3.0
        Weight of the mixup term in training, at least 0; 0 mixes nothing and saves half the time.
    mixup_alpha : float, default=0.3
        Both parameters of the Beta distribution of the share of the first of two mixed inputs,
        above 0.

    See Also
    --------
    puclassify.losses.functional.variational_pu_loss : The formula.
    puclassify.losses.functional.variational_mixup_term : The mixup term.

    Notes
    -----
    Nothing but the mixup term keeps a network from learning the labelled examples by heart and
    calling everything else negative. A network that can, as a wide multilayer perceptron can with a
    thousand labels, does: take ``early_stopping=True``, or an objective with a prior.

    A call gives the loss without the mixup term, which takes mixed inputs: `PUImageClassifier` and
    `ParticlePicker` add it in training.

    Examples
    --------
    >>> import torch
    >>> from puclassify.losses import VariationalPULoss
    >>> VariationalPULoss()(torch.tensor([2.0, -1.0, -3.0]), torch.tensor([1, 0, 0]))
    tensor(-1.7171)
    """

    mixes_across = True

    def __init__(self, prior=None, *, mixup_weight=3.0, mixup_alpha=0.3):
        super().__init__(prior)
        self.mixup_weight = mixup_weight
        self.mixup_alpha = mixup_alpha

    def forward(self, logits, targets):
        return variational_pu_loss(logits, targets, prior=self.prior)

    def mixup_term(self, logits, soft_targets):
        return variational_mixup_term(logits, soft_targets, mixup_weight=self.mixup_weight)
