"""Base class of the losses with a mixup term."""

from __future__ import annotations

from typing import Any

import torch

from puclassify._parameters import check_number
from puclassify.losses._base import PULoss

__all__ = ["MixupPULoss"]


class MixupPULoss(PULoss):
    r"""Base class of the losses with a term on mixed inputs.

    A call returns the loss without that term. Where `mixes` is true, the training loop draws a
    share :math:`\gamma` with `draw_share`, mixes every input *x* of a batch with another one,
    :math:`\tilde x = \gamma x + (1 - \gamma) x'` (a labelled with an unlabelled one if the class
    attribute ``mixes_across`` is true), runs the network on inputs and mixed inputs together, and
    adds `mixup_term` of the mixed logits and their soft targets
    :math:`\tilde t = \gamma t + (1 - \gamma) t'`. Here *t* is 1 for a labelled positive and the
    current prediction, without gradient, for an unlabelled example. Subclasses have the parameters
    ``mixup_weight`` and ``mixup_alpha`` and define ``forward`` and `mixup_term`.

    Parameters
    ----------
    prior : float or None, default=None
        Class prior: the fraction of positives among the unlabelled examples, between 0 and 1. If
        None, the estimator that owns the loss sets it.

    See Also
    --------
    VariationalPULoss : Compares log-probabilities of mixed inputs.
    DistributionPULoss : Uses the cross-entropy of mixed inputs.

    Examples
    --------
    Define your own loss and pass it as ``criterion``:

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
    mixes_across: bool = False

    @property
    def mixes(self) -> bool:
        """Whether training mixes inputs for this loss.

        Returns
        -------
        bool
            False if the weight is 0; mixed inputs are then not computed.
        """
        return self.mixup_weight != 0

    def draw_share(self) -> float:
        """Draw the share of the first of two mixed inputs from torch's CPU generator.

        Returns
        -------
        float
            A value of Beta(``mixup_alpha``, ``mixup_alpha``).
        """
        check_number(self.mixup_alpha, "mixup_alpha", "a finite number above 0", above=0)
        alpha = torch.tensor(float(self.mixup_alpha), dtype=torch.float64)
        return float(torch.distributions.Beta(alpha, alpha).sample())

    def mixup_term(self, logits: torch.Tensor, soft_targets: torch.Tensor) -> torch.Tensor:
        """Return the weighted term that training adds to the loss of the batch.

        Parameters
        ----------
        logits : Tensor of any shape
            Logits of mixed inputs.
        soft_targets : Tensor with as many elements
            Their targets, from 0 to 1.

        Returns
        -------
        Tensor of shape ()
            The weighted term.
        """
        raise NotImplementedError(f"{type(self).__name__} has no mixup_term")
