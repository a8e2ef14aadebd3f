"""Early stopping on the loss of held-out examples."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import skorch.callbacks
import torch
from torch import nn

__all__ = ["HeldOutLoss"]


class HeldOutLoss(skorch.callbacks.Callback):
    """Records the loss of held-out examples, stops after ``patience`` epochs without improvement.

    ``logits`` returns the logits of these examples from the net in training, ``targets`` are their
    PU targets, ``weights`` their weights in the loss, if they differ.
    """

    def __init__(
        self,
        logits: Callable[..., torch.Tensor],
        targets: torch.Tensor,
        weights: torch.Tensor | None = None,
        patience: int = 5,
    ):
        self.logits = logits
        self.targets = targets
        self.weights = weights
        self.patience = patience

    def on_train_begin(self, net, **kwargs):
        """Forget earlier fits."""
        self._best, self._best_epoch, self._best_state = np.inf, 0, None

    def on_epoch_end(self, net, **kwargs):
        """Record the loss; stop after `patience` epochs without improvement."""
        criterion = copy.deepcopy(net.criterion_).cpu().eval()
        weights = () if self.weights is None else (self.weights,)
        with torch.no_grad():
            loss = float(criterion(self.logits(net), self.targets, *weights))
        net.history.record("valid_loss", loss)
        net.history.record("valid_loss_best", loss < self._best)  # for callbacks of skorch
        epoch = len(net.history)
        if loss < self._best:
            self._best, self._best_epoch = loss, epoch
            self._best_state = copy.deepcopy(net.module_.state_dict())
        elif not np.isfinite(loss) or epoch - self._best_epoch >= self.patience:
            net.stop_after_epoch = True

    def restore(self, module: nn.Module) -> None:
        """Put the weights of the best epoch back."""
        if self._best_state is not None:
            module.load_state_dict(self._best_state)
