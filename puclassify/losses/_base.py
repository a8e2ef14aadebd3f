"""What every loss shares: it is a PyTorch module with scikit-learn's parameters."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from puclassify.base import PUBaseEstimator

__all__ = ["PULoss"]


class PULoss(PUBaseEstimator, nn.Module):
    """Base class of the losses.

    A loss is called with logits and targets and returns a scalar. It is a `torch.nn.Module`, so
    that a training loop can move, copy and save it, and has scikit-learn's ``get_params`` and
    ``set_params``, so that a search can turn its parameters and `sklearn.base.clone` copies it
    without what it has seen. Subclasses write ``__init__`` as scikit-learn wants it, with
    ``super().__init__(prior)`` in it, and ``forward``.

    Parameters
    ----------
    prior : float or None, default=None
        Fraction of positives among the unlabelled examples, between 0 and 1. None is filled in by
        the estimator that owns the loss; called on its own, a loss without a prior raises.

    Notes
    -----
    The class attribute ``unlabelled_is_everything`` tells whether the unlabelled examples stand for
    everything, as the objectives with a prior take them; in the single-training-set scenario the
    labelled ones are then put among them. An objective that takes the unlabelled for the negatives
    sets it to False.

    Examples
    --------
    A loss of one's own, to be passed as ``criterion``:

    >>> import torch
    >>> from puclassify.losses import PULoss, functional
    >>> class HalfPN(PULoss):
    ...     unlabelled_is_everything = False
    ...
    ...     def __init__(self, prior=None):
    ...         super().__init__(prior)
    ...     def forward(self, logits, targets):
    ...         return functional.pn_loss(logits, targets, prior=self.prior) / 2
    >>> HalfPN(0.5)(torch.zeros(2), torch.tensor([1.0, 0.0]))
    tensor(0.3466)
    """

    prior: Any  # None until an owner fills it in, which the formulas refuse
    unlabelled_is_everything = True

    def __init__(self, prior: float | None = None):
        # BaseEstimator has no __init__ of its own, so that this one is torch.nn.Module's.
        super().__init__()
        self.prior = prior

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the loss of one batch.

        Parameters
        ----------
        logits : Tensor of any shape
            One logit per example.
        targets : Tensor of as many elements
            1 for labelled positives, 0 for unlabelled examples.

        Returns
        -------
        Tensor of shape ()
            The loss.
        """
        raise NotImplementedError(f"{type(self).__name__} has no forward")
