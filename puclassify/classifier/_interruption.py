"""What an interrupted training leaves: the network of the last epoch that was complete."""

from __future__ import annotations

import copy
from dataclasses import replace

import skorch.callbacks

from puclassify.classifier._early_stopping import HeldOutLoss
from puclassify.classifier._history import plain_history

__all__ = ["CompletedEpochs", "completed_training"]

_ATTRIBUTE = "_completed_training"  # of a KeyboardInterrupt


class CompletedEpochs(skorch.callbacks.Callback):
    """Keeps the weights and the history of the last complete epoch; comes after other callbacks."""

    def on_train_begin(self, net, **kwargs):
        """Forget earlier trainings."""
        self._kept = None

    def on_epoch_end(self, net, **kwargs):
        """Copy the weights."""
        state = copy.deepcopy(net.module_.network.state_dict())
        self._kept = state, plain_history(net.history)

    def attach_to(
        self, interrupt: KeyboardInterrupt, start, net, stopping: HeldOutLoss | None
    ) -> None:
        """Let an interrupt carry the training, begun as ``start``, to who can make use of it."""
        if self._kept is None:
            return
        state, history = self._kept
        start.module.load_state_dict(state)
        if stopping is not None:
            stopping.restore(net.module_)
        setattr(interrupt, _ATTRIBUTE, replace(start, module=start.module.eval(), history=history))


def completed_training(interrupt: KeyboardInterrupt):
    """Return the training of the complete epochs that an interrupt carries, or None."""
    return vars(interrupt).pop(_ATTRIBUTE, None)
