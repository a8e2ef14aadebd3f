"""Label distribution consistency loss."""

from __future__ import annotations

from puclassify.losses._mixup import MixupPULoss
from puclassify.losses.functional import distribution_mixup_term, distribution_pu_loss

__all__ = ["DistributionPULoss"]


class DistributionPULoss(MixupPULoss):
    """Label distribution consistency (Dist-PU; Zhao et al., 2022).

    Parameters
    ----------
    prior : float or None, default=None
        Fraction of positives among the unlabelled examples, between 0 and 1. None is filled in by
        the estimator.
    entropy_penalty : float, default=0.004
        Weight of the mean entropy of the unlabelled predictions, at least 0; larger values draw
        them towards 0 and 1.
    mixup_weight : float, default=0.3
        Weight of the cross-entropy of mixed inputs in training, at least 0. Far above 1, as in the
        source, networks can settle on calling everything positive.
    mixup_entropy_penalty : float, default=0.04
        Weight of the mean entropy of the predictions of mixed inputs, at least 0. With both at 0
        nothing is mixed and half the time is saved.
    mixup_alpha : float, default=6.0
        Both parameters of the Beta distribution of the share of the first of two mixed inputs,
        above 0.

    See Also
    --------
    puclassify.losses.functional.distribution_pu_loss : The formula.
    puclassify.losses.functional.distribution_mixup_term : The mixup term.

    Notes
    -----
    A call gives the loss without the mixup term, which takes mixed inputs: `PUImageClassifier` and
    `ParticlePicker` add it in training.

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
        prior=None,
        *,
        entropy_penalty=0.004,
        mixup_weight=0.3,
        mixup_entropy_penalty=0.04,
        mixup_alpha=6.0,
    ):
        super().__init__(prior)
        self.entropy_penalty = entropy_penalty
        self.mixup_weight = mixup_weight
        self.mixup_entropy_penalty = mixup_entropy_penalty
        self.mixup_alpha = mixup_alpha

    @property
    def mixes(self) -> bool:
        """Whether training has to mix inputs for this loss.

        Returns
        -------
        bool
            False where both weights of mixed inputs are 0; they are not computed then.
        """
        return self.mixup_weight != 0 or self.mixup_entropy_penalty != 0

    def forward(self, logits, targets):
        return distribution_pu_loss(
            logits, targets, prior=self.prior, entropy_penalty=self.entropy_penalty
        )

    def mixup_term(self, logits, soft_targets):
        return distribution_mixup_term(
            logits,
            soft_targets,
            mixup_weight=self.mixup_weight,
            mixup_entropy_penalty=self.mixup_entropy_penalty,
        )
