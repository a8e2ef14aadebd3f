"""Examples that are not trained on, and early stopping on them."""

from __future__ import annotations

import copy

import numpy as np
import skorch.callbacks
import torch

__all__ = ["HeldOutLoss", "hold_out"]


def hold_out(positive, share: float, rng) -> tuple[np.ndarray, np.ndarray]:
    """Split examples into some to train on and some held out, a share of either label.

    Parameters
    ----------
    positive : ndarray of bool of shape (n,)
        Which examples are labelled positive.
    share : float
        Of each label, between 0 and 1. At least one example of each is held out, and one trained
        on.
    rng : RandomState
        Draws them.

    Returns
    -------
    trained : ndarray of int
        Which examples to train on.
    held : ndarray of int
        Which are held out.

    Raises
    ------
    ValueError
        If there is a label with one example only.
    """
    drawn = []
    for kind, of_kind in (("labelled positive", positive), ("unlabelled", ~positive)):
        rows = rng.permutation(np.flatnonzero(of_kind))
        if len(rows) < 2:
            raise ValueError(
                "early_stopping=True, calibration='platt' and an estimated prior hold out "
                f"examples of both labels, but y has only {len(rows)} {kind} example; leave "
                "early_stopping=False and calibration='auto', give the prior as a number, or give "
                "more examples"
            )
        drawn.append(rows[: min(max(1, round(share * len(rows))), len(rows) - 1)])
    held = np.concatenate(drawn)
    return np.setdiff1d(np.arange(len(positive)), held), held


class HeldOutLoss(skorch.callbacks.Callback):
    """Early stopping on the loss of held-out examples; the best weights are put back.

    Parameters
    ----------
    logits : callable
        Returns the logits of the held-out examples under the module as it is now.
    targets : tensor
        Their PU targets.
    patience : int, default=5
        Epochs without an improvement after which training ends.
    """

    def __init__(self, logits, targets, patience=5):
        self.logits = logits
        self.targets = targets
        self.patience = patience

    def on_train_begin(self, net, **kwargs):
        """Forget earlier fits.

        Parameters
        ----------
        net : PUNet
            The net in training.
        **kwargs : dict
            Ignored.
        """
        self._best, self._best_epoch, self._best_state = np.inf, 0, None

    def on_epoch_end(self, net, **kwargs):
        """Measure, remember the best, stop when it is long ago.

        Parameters
        ----------
        net : PUNet
            The net in training.
        **kwargs : dict
            Ignored.
        """
        criterion = copy.deepcopy(net.criterion_).cpu().eval()
        with torch.no_grad():
            loss = float(criterion(self.logits(), self.targets))
        net.history.record("valid_loss", loss)
        epoch = len(net.history)
        if loss < self._best:
            self._best, self._best_epoch = loss, epoch
            self._best_state = copy.deepcopy(net.module_.state_dict())
        elif not np.isfinite(loss) or epoch - self._best_epoch >= self.patience:
            net.stop_after_epoch = True

    def restore(self, module):
        """Put the best weights back.

        Parameters
        ----------
        module : nn.Module
            The trained module.
        """
        if self._best_state is not None:
            module.load_state_dict(self._best_state)
