"""Examples that a fit holds out, and what it estimates from them."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch

from puclassify._devices import resolve_device, resolve_precision
from puclassify.classifier._calibration import UNCALIBRATED, fit_calibration, is_calibrated
from puclassify.classifier._early_stopping import HeldOutLoss
from puclassify.classifier._forward import first_logits, run_in_batches
from puclassify.classifier._net import PUNet
from puclassify.classifier._prior_estimation import PriorEstimation
from puclassify.classifier._samples import PixelSource
from puclassify.classifier._trainer import Trained

__all__ = ["HeldOutExamples", "hold_out"]


class HeldOutExamples:
    """Examples held out for early stopping, the estimate of the prior and the calibration.

    All three share them, and none are held out where none of the three is asked for. ``trained``
    are the rows to train on; ``stopping`` and ``estimation`` are callbacks of the training, or
    None.
    """

    def __init__(
        self,
        classifier,
        source: PixelSource,
        positive: np.ndarray,
        rng: np.random.RandomState,
        *,
        estimates_prior: bool,
        unlabelled_is_everything: bool,
    ):
        self.trained = np.arange(len(positive))
        self.stopping: HeldOutLoss | None = None
        self.estimation: PriorEstimation | None = None
        self._scenario = classifier.scenario
        self._precision = classifier.precision
        self._device = resolve_device(classifier.device)
        self._source = source
        share = classifier.validation_fraction
        self._calibrates = is_calibrated(classifier.calibration, np.sum(positive), share)
        if not (classifier.early_stopping or self._calibrates or estimates_prior):
            return
        self.trained, self._held = hold_out(positive, share, rng)
        self._positive = positive[self._held]
        if classifier.early_stopping:
            labelled = self._held[self._positive]
            unlabelled = self._held if unlabelled_is_everything else self._held[~self._positive]
            targets = torch.zeros(len(labelled) + len(unlabelled))
            targets[: len(labelled)] = 1
            graded = np.concatenate([labelled, unlabelled])
            self.stopping = HeldOutLoss(partial(self._logits_in_training, rows=graded), targets)
        if estimates_prior:
            self.estimation = PriorEstimation(
                classifier.prior,
                self._scenario,
                partial(self._logits_in_training, rows=self._held),
                self._positive,
                float(np.mean(positive)),
                int(classifier.max_epochs),
            )

    def calibration(self, trained: Trained) -> tuple[float, float]:
        """Return slope and intercept that calibrate the trained network, if that is asked for."""
        if not self._calibrates:
            return UNCALIBRATED
        dtype = resolve_precision(self._precision, self._device, coarse=trained.needs_float32)
        logits = self._logits(trained.module, dtype, self._held).numpy()
        return fit_calibration(logits, self._positive, trained.prior, self._scenario)

    def _logits_in_training(self, net: PUNet, rows: np.ndarray) -> torch.Tensor:
        return self._logits(net.module_.network, net.scoring_dtype, rows)

    def _logits(self, module, autocast_dtype, rows) -> torch.Tensor:
        return run_in_batches(
            first_logits,
            module,
            self._source,
            device=self._device,
            autocast_dtype=autocast_dtype,
            rows=rows,
        )


def hold_out(
    positive: np.ndarray, share: float, rng: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """Return rows to train on and rows to hold out: a share of either label, at least one each."""
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
