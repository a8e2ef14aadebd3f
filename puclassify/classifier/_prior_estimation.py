"""The class prior, estimated in turn with the training (TED^n; Garg et al., 2021)."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
import skorch.callbacks
import torch

from puclassify.losses import make_loss
from puclassify.prior import BBEPrior, DEDPULPrior

__all__ = ["FIRST_GUESS", "PRIOR_ESTIMATORS", "PriorEstimation"]

PRIOR_ESTIMATORS: dict[str, Callable] = {
    "bbe": BBEPrior,
    "dedpul": partial(DEDPULPrior, n_bootstrap=0),
}
FIRST_GUESS = 0.5  # before the first estimate, and where it fails
_WARM_UP = 0.3  # share of the epochs


class PriorEstimation(skorch.callbacks.Callback):
    """Train on labelled against unlabelled first, then on the objective at an estimated prior.

    After the warm-up, and after every epoch from then on, the prior is estimated from the scores of
    held-out examples, and the median of the estimates so far becomes that of the objective: one
    that is too high makes the network worse, which makes the next one higher still. An estimate
    that fails does not count; the last one has to succeed.

    ``logits`` returns the logits of the held-out examples from the net in training, ``positive``
    says which of them are labelled, with ``propensities`` if these are known; ``labelled`` is the
    share of all examples that is.
    """

    def __init__(
        self,
        name: str,
        scenario: str,
        logits: Callable[..., torch.Tensor],
        positive: np.ndarray,
        labelled: float,
        n_epochs: int,
        propensities: np.ndarray | None = None,
    ):
        self.estimator = PRIOR_ESTIMATORS[name](scenario=scenario)
        self.logits = logits
        self.positive = positive
        self.propensities = propensities
        self.least = labelled if scenario == "single_training_set" else 0.0
        self.warm_up = math.ceil(_WARM_UP * n_epochs)

    def on_train_begin(self, net, **kwargs):
        """Train on labelled against unlabelled at first."""
        self.prior, self._epoch = FIRST_GUESS, 0
        self._estimates: list[float] = []
        self._scores = None
        self._objective = net.criterion_
        net.criterion_ = make_loss("pn", FIRST_GUESS).to(net.device)

    def on_epoch_end(self, net, **kwargs):
        """Estimate the prior, and give it to the objective."""
        self._epoch += 1
        if self._epoch < self.warm_up:
            return
        self._scores = self.logits(net).numpy()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of estimates on the way
            with contextlib.suppress(ValueError):
                self._estimates.append(self._estimate())
        if self._estimates:
            self.prior = float(np.median(self._estimates))
        net.history.record("prior", self.prior)
        self._objective.prior = self.prior
        net.criterion_ = self._objective

    def result(self) -> float:
        """Return the median of all estimates; refuse it if the last one failed."""
        try:
            self._estimate()
        except ValueError as error:
            raise ValueError(
                f"the prior could not be estimated from the {np.sum(self.positive)} labelled "
                f"positives and {np.sum(~self.positive)} unlabelled examples held out: {error}; "
                "give the prior as a number, label more, raise validation_fraction, or change "
                "lr or max_epochs"
            ) from error
        return self.prior

    def _estimate(self) -> float:
        if self._scores is None:
            raise ValueError(f"training ended before its first estimate, in epoch {self.warm_up}")
        if not np.isfinite(self._scores).all():
            raise ValueError("their scores are not finite, as training diverged")
        prior = self.estimator.fit_scores(self._scores, self.positive, self.propensities).prior_
        if not self.least < prior < 1:
            share = f"{self.least:.3f} of the examples are labelled, and "
            raise ValueError(
                f"the estimate is {prior:.3f}: {share if self.least else ''}no unlabelled example "
                "scores like the labelled positives; are these from another source or of another "
                "scale, so that the network tells them apart by that?"
            )
        return prior
