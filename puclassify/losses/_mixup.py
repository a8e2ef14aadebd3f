"""What a loss with a mixup term and the training loop agree on."""

from __future__ import annotations

import math
from typing import Any

import torch

from puclassify.losses._base import PULoss
from puclassify.losses.functional import check_interval

__all__ = ["MixupPULoss"]


class MixupPULoss(PULoss):
    r"""Base class of the losses that also grade mixed inputs.

    Called like any loss, such a one gives its value without the mixup term. Where `mixes` is true,
    the training loop draws a share :math:`\gamma` with `draw_share`, mixes every input *x* of a
    batch with another one of it, :math:`\tilde x = \gamma x + (1 - \gamma) x'` (a labelled one with
    an unlabelled one where the class attribute ``mixes_across`` is true), runs the network on
    inputs and mixed inputs together, and adds `mixup_term` of the mixed logits and their soft
    targets :math:`\tilde t = \gamma t + (1 - \gamma) t'`, where *t* is 1 for a labelled positive
    and the present prediction, without gradient, for an unlabelled example. Subclasses have the
    parameters ``mixup_weight`` and ``mixup_alpha`` and write ``forward`` and `mixup_term`.

    Parameters
    ----------
    prior : float or None, default=None
        Fraction of positives among the unlabelled examples, between 0 and 1. None is filled in by
        the estimator that owns the loss.

    See Also
    --------
    VariationalPULoss : Compares log-probabilities of mixed inputs.
    DistributionPULoss : Takes the cross-entropy of mixed inputs.

    Examples
    --------
    A loss of one's own, to be passed as ``criterion``:

    >>> import torch
    >>> from puclassify.losses import MixupPULoss, functional
    >>> class SmoothPN(MixupPULoss):
    ...     unlabelled_is_everything = False
    ...
    ...     def __init__(self, prior=None, *, mixup_weight=1.0, mixup_alpha=1.0):
    ...         super().__init__(prior)
    ...         self.mixup_weight = mixup_weight
    ...         self.mixup_alpha = mixup_alpha
    ...     def forward(self, logits, targets):
    ...         return functional.pn_loss(logits, targets, prior=self.prior)
    ...     def mixup_term(self, logits, soft_targets):
    ...         return self.mixup_weight * (torch.sigmoid(logits) - soft_targets).square().mean()
    >>> SmoothPN(0.5).mixes, SmoothPN(0.5, mixup_weight=0.0).mixes
    (True, False)
    """

    mixup_weight: Any
    mixup_alpha: Any
    mixes_across = False

    @property
    def mixes(self) -> bool:
        """Whether training has to mix inputs for this loss.

        Returns
        -------
        bool
            False where the weight is 0; mixed inputs are not computed then.
        """
        return self.mixup_weight != 0

    def draw_share(self) -> float:
        """Draw the share of the first of two mixed inputs from torch's generator of the CPU.

        Returns
        -------
        float
            A value of Beta(alpha, alpha), alpha being ``mixup_alpha``.
        """
        check_interval("mixup_alpha", self.mixup_alpha, 0, math.inf, open_low=True, open_high=True)
        alpha = torch.tensor(float(self.mixup_alpha), dtype=torch.float64)
        return float(torch.distributions.Beta(alpha, alpha).sample())

    def mixup_term(self, logits: torch.Tensor, soft_targets: torch.Tensor) -> torch.Tensor:
        """Return what is added to the loss of the batch, its weight included.

        Parameters
        ----------
        logits : Tensor of any shape
            Logits of mixed inputs.
        soft_targets : Tensor of as many elements
            Their targets, from 0 to 1.

        Returns
        -------
        Tensor of shape ()
            The weighted term.
        """
        raise NotImplementedError(f"{type(self).__name__} has no mixup_term")
