"""Callbacks of the private skorch net: scikit-learn's progress hooks and the schedule."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import skorch.callbacks
import torch
from torch import nn

__all__ = ["FitReport", "OneCycle", "SklearnCallbackBridge"]


@dataclass(frozen=True)
class FitReport:
    """To whom a training reports its epochs.

    Parameters
    ----------
    estimator : estimator
        Whom the scikit-learn callbacks were set on.
    context : sklearn.callback.CallbackContext
        Its context for this fit; each epoch becomes a subtask of it.
    X, y : object
        What it was fitted on.
    fitted_attributes : callable
        Takes a snapshot of the module and returns the attributes with which a copy of the
        estimator can predict.
    """

    estimator: Any
    context: Any
    X: Any
    y: Any
    fitted_attributes: Callable[[nn.Module], dict]


class SklearnCallbackBridge(skorch.callbacks.Callback):
    """Report every epoch to the scikit-learn callbacks set on the estimator.

    Parameters
    ----------
    report : FitReport
        To whom.
    module : nn.Module
        The module in training.
    """

    def __init__(self, report, module):
        self.report = report
        self.module = module

    def on_epoch_begin(self, net, **kwargs):
        """Open the epoch's subtask.

        Parameters
        ----------
        net : PUNet
            The net in training.
        **kwargs : dict
            Ignored.
        """
        self._epoch = self.report.context.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(
            estimator=self.report.estimator, X=self.report.X, y=self.report.y
        )

    def on_epoch_end(self, net, **kwargs):
        """Close it, and stop where a callback asks for it.

        Parameters
        ----------
        net : PUNet
            The net in training.
        **kwargs : dict
            Ignored.
        """
        if self._epoch.call_on_fit_task_end(
            estimator=self.report.estimator,
            X=self.report.X,
            y=self.report.y,
            reconstruction_attributes=self._fitted_attributes,
        ):
            net.stop_after_epoch = True

    def _fitted_attributes(self) -> dict:
        return self.report.fitted_attributes(copy.deepcopy(self.module).eval())


class OneCycle(skorch.callbacks.Callback):
    """One-cycle learning rate (Smith & Topin, arXiv 1708.07120), stepped by batch.

    Parameters
    ----------
    n_steps : int
        Batches in the whole training.
    warm_up : float, default=0.3
        Share of them in which the rate rises to the optimizer's ``lr``.
    """

    def __init__(self, n_steps, warm_up=0.3):
        self.n_steps = n_steps
        self.warm_up = warm_up

    def on_train_begin(self, net, **kwargs):
        """Start the schedule.

        Parameters
        ----------
        net : PUNet
            The net in training.
        **kwargs : dict
            Ignored.
        """
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            net.optimizer_,
            max_lr=[group["lr"] for group in net.optimizer_.param_groups],
            total_steps=self.n_steps + 1,
            pct_start=self.warm_up,
            cycle_momentum=False,
        )

    def on_batch_end(self, net, training, **kwargs):
        """Step it.

        Parameters
        ----------
        net : PUNet
            The net in training.
        training : bool
            Whether the batch was trained on.
        **kwargs : dict
            Ignored.
        """
        if training:
            self._schedule.step()
