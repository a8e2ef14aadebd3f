"""Callbacks of the private skorch net: progress, scikit-learn's hooks and the schedule."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import skorch.callbacks
import torch

from puclassify._progress import Progress

__all__ = ["FitReport", "Interrupt", "OneCycle", "SklearnCallbackBridge", "TrainingProgress"]


@dataclass(frozen=True)
class FitReport:
    """The estimator whose scikit-learn callbacks hear of every epoch, and its task context.

    ``fitted_attributes`` turns the state of a training into the attributes with which a copy of the
    estimator can predict.
    """

    estimator: Any
    context: Any
    X: Any
    y: Any
    fitted_attributes: Callable[[Any], dict]


class Interrupt(skorch.callbacks.Callback):
    """Breaks a training off, between two batches, once an event is set."""

    def __init__(self, event: threading.Event):
        self.event = event

    def on_batch_begin(self, net, **kwargs):
        """Raise if the event is set."""
        if self.event.is_set():
            raise RuntimeError("the training was broken off, as another one beside it was")


class TrainingProgress(skorch.callbacks.Callback):
    """Advances a `Progress` by every batch; tells of every epoch unless it is one of several."""

    def __init__(self, progress: Progress, *, tells_of_epochs: bool = True):
        self.progress = progress
        self.tells_of_epochs = tells_of_epochs

    def on_batch_end(self, net, training, **kwargs):
        """Count the batch."""
        if training:
            self.progress.advance()

    def on_epoch_end(self, net, **kwargs):
        """Show the losses, and whatever else was recorded of the epoch."""
        if not self.tells_of_epochs:
            return
        epoch = net.history[-1]
        shown = [
            f"{name} {value:.4f}"
            for name, value in epoch.items()
            if isinstance(value, float) and name != "dur"
        ]
        place = f"epoch {epoch['epoch']} of {net.max_epochs}"
        self.progress.milestone(", ".join([place, *shown]))


class SklearnCallbackBridge(skorch.callbacks.Callback):
    """Reports every epoch to the scikit-learn callbacks set on the estimator.

    ``state`` is the training's state (`Trained`), of which callbacks get a snapshot.
    """

    def __init__(self, report: FitReport, state):
        self.report = report
        self.state = state

    def on_epoch_begin(self, net, **kwargs):
        """Begin a subtask."""
        self._epoch = self.report.context.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(
            estimator=self.report.estimator, X=self.report.X, y=self.report.y
        )

    def on_epoch_end(self, net, **kwargs):
        """End the subtask, and the training where a callback asks for it."""
        if self._epoch.call_on_fit_task_end(
            estimator=self.report.estimator,
            X=self.report.X,
            y=self.report.y,
            reconstruction_attributes=self._fitted_attributes,
        ):
            net.stop_after_epoch = True

    def _fitted_attributes(self) -> dict:
        module = copy.deepcopy(self.state.module).eval()
        return self.report.fitted_attributes(replace(self.state, module=module))


class OneCycle(skorch.callbacks.Callback):
    """One-cycle learning rate (Smith & Topin, arXiv 1708.07120), stepped by batch.

    The rate rises to the optimizer's ``lr`` in the first ``warm_up`` share of ``n_steps`` batches.
    """

    def __init__(self, n_steps: int, warm_up: float = 0.3):
        self.n_steps = n_steps
        self.warm_up = warm_up

    def on_train_begin(self, net, **kwargs):
        """Start the schedule."""
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            net.optimizer_,
            max_lr=[group["lr"] for group in net.optimizer_.param_groups],
            total_steps=self.n_steps + 1,
            pct_start=self.warm_up,
            cycle_momentum=False,
        )

    def on_batch_end(self, net, training, **kwargs):
        """Step the schedule."""
        if training:
            self._schedule.step()
