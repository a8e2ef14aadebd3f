"""Base class of the losses."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from puclassify.base import PUBaseEstimator

__all__ = ["PULoss"]


class PULoss(PUBaseEstimator, nn.Module):
    """Base class of the losses: a PyTorch module with scikit-learn's parameters.

    A loss is called with logits and targets and returns a scalar. As a `torch.nn.Module` it can be
    moved, copied and saved by a training loop. With ``get_params`` and ``set_params`` its
    parameters can be searched, and `sklearn.base.clone` copies it without its state. Subclasses
    define ``__init__``, by scikit-learn's rules and with a call to ``super().__init__(prior)``, and
    ``forward``.

    Parameters
    ----------
    prior : float or None, default=None
        Class prior: the fraction of positives among the unlabelled examples, between 0 and 1. If
        None, the estimator that owns the loss sets it; a loss called on its own then raises.

    Notes
    -----
    The class attribute ``unlabelled_is_everything`` is True for objectives in which the unlabelled
    examples are a sample of all examples. In the single-training-set scenario the labelled examples
    are then added to them. Objectives that treat the unlabelled examples as negatives set it to
    False.

    A loss of your own may leave ``weights`` out of ``forward``; `PUImageClassifier` then refuses
    weights, and propensities, that differ.

    Examples
    --------
    Define your own loss and pass it as ``criterion``:

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

    prior: Any  # None until an owner sets it; the formulas refuse None
    unlabelled_is_everything: bool = True

    def __init__(self, prior: float | None = None):
        # BaseEstimator has no __init__ of its own, so this calls torch.nn.Module's.
        super().__init__()
        self.prior = prior

    def forward(
        self,
        logits: torch.Tensor,
        targets: torch.Tensor,
        weights: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return the loss of one batch.

        Parameters
        ----------
        logits : Tensor of any shape
            One logit per example.
        targets : Tensor with as many elements
            1 for labelled positives, 0 for unlabelled examples.
        weights : Tensor with as many elements or None, default=None
            Relative weight of each example, at least 0; None weighs all alike.

        Returns
        -------
        Tensor of shape ()
            The loss.
        """
        raise NotImplementedError(f"{type(self).__name__} has no forward")
