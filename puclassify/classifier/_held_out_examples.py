"""What a fit finds out from examples that it does not train on."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch

from puclassify.classifier._calibration import UNCALIBRATED, fit_calibration, is_calibrated
from puclassify.classifier._held_out import HeldOutLoss, hold_out
from puclassify.classifier._prior_estimation import PriorEstimation

__all__ = ["HeldOutExamples"]


class HeldOutExamples:
    """Examples held out for early stopping, the estimate of the prior and the calibration.

    They are the same for all three. None are held out where none of the three is asked for.

    Parameters
    ----------
    classifier : PUImageClassifier
        Its parameters decide.
    positive : ndarray of bool of shape (n,)
        Which of all examples are labelled positive.
    logits_of : callable
        Takes rows of examples and returns their logits, a tensor on the CPU, under the module as
        it is when this is called.
    rng : RandomState
        Draws the examples, if any are held out.

    Attributes
    ----------
    trained : ndarray of int
        Rows of the examples to train on.
    stopping : HeldOutLoss or None
        What stops the training early.
    estimation : PriorEstimation or None
        What estimates the prior in the course of the training.

    Raises
    ------
    ValueError
        If some have to be held out and there is only one example of a label.
    """

    def __init__(self, classifier, positive, logits_of, rng):
        self.scenario = classifier.scenario
        self.trained = np.arange(len(positive))
        self.stopping: HeldOutLoss | None = None
        self.estimation: PriorEstimation | None = None
        share = classifier.validation_fraction
        self._calibrates = is_calibrated(classifier.calibration, np.sum(positive), share)
        estimates = classifier._estimates_prior
        if not (classifier.early_stopping or self._calibrates or estimates):
            return
        self.trained, held = hold_out(positive, share, rng)
        self._positive = positive[held]
        self._logits = partial(logits_of, held)
        if classifier.early_stopping:
            is_everything = classifier._unlabelled_is_everything
            labelled = held[self._positive]
            unlabelled = held if is_everything else held[~self._positive]
            targets = torch.zeros(len(labelled) + len(unlabelled))
            targets[: len(labelled)] = 1
            graded = np.concatenate([labelled, unlabelled])
            self.stopping = HeldOutLoss(partial(logits_of, graded), targets)
        if estimates:
            self.estimation = PriorEstimation(
                classifier.prior,
                self.scenario,
                self._logits,
                self._positive,
                float(np.mean(positive)),
                int(classifier.max_epochs),
            )

    def calibration(self, prior: float) -> tuple[float, float]:
        """Calibrate the trained network, where that is asked for.

        Parameters
        ----------
        prior : float
            P(y = 1) that was trained with, as the scenario has it.

        Returns
        -------
        tuple of (float, float)
            Slope and intercept; those that change nothing without a calibration.

        Warns
        -----
        UserWarning
            If there is none to be found, to the caller of the ``fit`` that calls this.
        """
        if not self._calibrates:
            return UNCALIBRATED
        return fit_calibration(self._logits().numpy(), self._positive, prior, self.scenario)
