"""Training: from a classifier's parameters and batches to a trained network.

`PUImageClassifier` trains on single images, the picker on tiles of micrographs; both do it with a
`Trainer`, which knows neither of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np
import skorch.callbacks
import torch
from sklearn.exceptions import ConvergenceWarning
from torch import nn

from puclassify._devices import (
    OwnGenerators,
    bfloat16_is_too_coarse,
    resolve_device,
    resolve_precision,
    threads_worth,
)
from puclassify._progress import Progress
from puclassify._warnings import warn
from puclassify.classifier._check_module import check_unbounded, warn_if_one_sided
from puclassify.classifier._early_stopping import HeldOutLoss
from puclassify.classifier._fine_tuning import LOWEST_RATE
from puclassify.classifier._forward import blank_sample, embed
from puclassify.classifier._history import plain_history
from puclassify.classifier._interruption import CompletedEpochs
from puclassify.classifier._net import HybridModule, PUNet
from puclassify.classifier._parameters import OPTIMIZERS
from puclassify.classifier._prior_estimation import PriorEstimation
from puclassify.classifier._progress import (
    FitReport,
    OneCycle,
    SklearnCallbackBridge,
    TrainingProgress,
)
from puclassify.classifier._runs_in import check_runs_in
from puclassify.classifier._tasks import Task
from puclassify.classifier._user_callbacks import check_monitors
from puclassify.losses import make_loss
from puclassify.networks import (
    Pretrained,
    check_init,
    load_pretrained,
    resolve_network,
    set_head_bias,
)

__all__ = ["Trained", "Trainer", "warn_if_diverged"]

_LARGEST_SEED = 2**31 - 1


class Batches(Protocol):
    """What a trainer needs of its data."""

    n_labelled: int  # samples of a batch, the first ones, that bring the labelled positives
    n_pixels: int  # in a batch

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""

    def __iter__(self) -> Any:
        """Yield the (x, targets) of one epoch."""

    def example(self) -> torch.Tensor:
        """Return some of the pixels, as samples (n, c, h, w) or rows (n, features)."""


@dataclass(frozen=True)
class Trained:
    """What a training gives back."""

    module: nn.Module
    image_shape: tuple[int, ...]
    prior: float  # P(y = 1) in the unlabelled sample that the objective had
    needs_float32: bool  # bfloat16 cannot resolve the pixels, or the network does not run in it
    history: Sequence[Mapping[str, float]] = ()


class Seeds(NamedTuple):
    """Seeds of what torch draws: the first weights, and whatever is drawn in training."""

    weights: int
    training: int


@dataclass(frozen=True)
class Trainer:
    """Builds and trains a network; the fields are parameters of `PUImageClassifier`."""

    module: Any
    module_params: Mapping[str, Any] | None
    criterion: Any
    reconstruction_weight: float | str
    optimizer: Any
    optimizer_params: Mapping[str, Any] | None
    lr: float
    max_epochs: int
    callbacks: Iterable | None
    precision: str
    device: Any
    verbose: int
    init: Any = "random"

    @classmethod
    def of(cls, classifier) -> Trainer:
        """Read the parameters of a classifier."""
        return cls(**{field.name: getattr(classifier, field.name) for field in fields(cls)})

    @property
    def criterion_prior(self) -> float | None:
        """The prior that the criterion brings itself, or None."""
        is_class = isinstance(self.criterion, type)
        return None if is_class else getattr(self.criterion, "prior", None)

    def training_prior(self, prior: float) -> float:
        """Return the prior that the objective will use: the criterion's own wins."""
        own = self.criterion_prior
        return float(prior if own is None else own)

    @staticmethod
    def draw_seeds(rng: np.random.RandomState) -> Seeds:
        """Draw the seeds of a training."""
        return Seeds(*rng.randint(_LARGEST_SEED, size=2).tolist())

    def network_name(self, image_shape: tuple[int, ...]) -> Any:
        """Return ``module``, with "auto" decided by the kind of sample."""
        if isinstance(self.module, str) and self.module == "auto":
            return "mlp" if len(image_shape) == 1 else "cnn"
        return self.module

    def build(
        self, image_shape: tuple[int, ...], prior: float, generators: OwnGenerators | None = None
    ) -> nn.Module:
        """Make a network with new weights and its head's bias at logit(prior)."""
        module = self.network_name(image_shape)
        build = resolve_network(module)
        params = dict(self.module_params or {})
        if isinstance(module, str) and module == "mlp":
            params["in_features"] = int(np.prod(image_shape))
        elif isinstance(module, str) and len(image_shape) == 1:
            raise ValueError(
                f"module={module!r} needs images but X holds rows of {image_shape[0]} features; "
                "reshape X to (n, height, width), or set module='mlp' (or 'auto')"
            )
        elif isinstance(module, str):
            params.setdefault("in_channels", image_shape[0])
        generators = generators or OwnGenerators(torch.device("cpu"), 0)
        with generators.drawing():
            try:
                network = build(**params)
            except TypeError as error:
                raise TypeError(
                    f"module_params={self.module_params!r} do not fit module={module!r}: {error}"
                ) from error
        if not isinstance(network, nn.Module):
            raise TypeError(
                f"module must build a torch.nn.Module, but {module!r} gave {type(network).__name__}"
            )
        set_head_bias(network, prior)
        return network

    def pretrained(self, image_shape: tuple[int, ...]) -> Pretrained | None:
        """Return the weights that ``init`` stands for, None for random ones."""
        check_init(self.init)
        if self.init == "random":
            return None
        return load_pretrained(self.init, self.build(image_shape, 0.5))

    def untrained(self, image_shape: tuple[int, ...], prior: float) -> Trained:
        """Return a network with the pretrained weights as they are."""
        weights = self.pretrained(image_shape)
        if weights is None:
            raise ValueError(f"init={self.init!r} stands for random weights, which score nothing")
        network = weights.give_to(self.build(image_shape, 0.5))
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return Trained(network.eval(), tuple(image_shape), prior, needs_float32=False)

    def train(
        self,
        batches: Batches,
        task: Task,
        image_shape: tuple[int, ...],
        prior: float,
        seeds: Seeds,
        *,
        module: nn.Module | None = None,
        report: FitReport | None = None,
        stopping: HeldOutLoss | None = None,
        estimation: PriorEstimation | None = None,
        progress: Progress | None = None,
        rate_of_pretrained: float = LOWEST_RATE,
    ) -> Trained:
        """Train a new network, or go on with ``module``, on batches.

        A new one has random or pretrained weights; these are trained at a share of the rate.
        ``stopping`` ends the training early and ``estimation`` estimates the prior during it, for
        which ``prior`` is the first guess. ``report`` calls scikit-learn's callbacks.
        ``progress``, of several trainings side by side, is advanced instead of one's own. A
        KeyboardInterrupt carries the complete epochs to `completed_training`.
        """
        check_monitors(
            self.callbacks, holds_out=stopping is not None, estimates_prior=estimation is not None
        )
        device = resolve_device(self.device)
        prior = self.training_prior(prior)
        trainer = self
        if module is None:
            module = self.build(image_shape, prior, OwnGenerators(device, seeds.weights))
            weights = self.pretrained(image_shape)
            if weights is not None:
                module = weights.give_to(module)
                trainer = replace(self, lr=self.lr * rate_of_pretrained)
        module.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        # The networks of feature rows are small, and every feature may have its own offset.
        coarse = len(image_shape) == 1 or bfloat16_is_too_coarse(batches.example())
        start = Trained(module, tuple(image_shape), prior, coarse)
        generators = OwnGenerators(device, seeds.training)
        with threads_worth(batches.n_pixels):
            trained = trainer._run(
                start, batches, task, generators, report, stopping, estimation, progress
            )
        module.eval()
        return trained if estimation is None else replace(trained, prior=estimation.result())

    def _run(
        self, start, batches, task, generators, report, stopping, estimation, shared
    ) -> Trained:
        """Run the training loop on a network that is on its device."""
        module, device = start.module, generators.device
        blank = blank_sample(start.image_shape, module, device)
        with torch.enable_grad():  # autograd's record tells how the logits came about
            logits = module.eval()(torch.cat([blank, blank]))
        check_unbounded(logits, module)
        task.check_logits(logits, module, start.image_shape)
        if not isinstance(self.module, str):
            warn_if_one_sided(module, blank)
        decoder = None
        if self.reconstruction_weight != 0:
            with generators.drawing():
                decoder = self._decoder(start, task, blank).to(device)
        dtype = resolve_precision(self.precision, device, training=True, coarse=start.needs_float32)
        if dtype is not None and not self._runs_in(dtype, module, blank):
            dtype, start = None, replace(start, needs_float32=True)
        scoring_dtype = resolve_precision(self.precision, device, coarse=start.needs_float32)
        callbacks = [] if report is None else [SklearnCallbackBridge(report, start)]
        # Early stopping comes ahead of the user's callbacks, which may monitor its valid_loss.
        callbacks += [one for one in (estimation, stopping) if one is not None]
        callbacks += self.callbacks or []
        if not any(_is_schedule(callback) for callback in callbacks):
            callbacks.append(OneCycle(int(self.max_epochs) * len(batches)))
        completed = CompletedEpochs()
        callbacks.append(completed)
        n_batches = int(self.max_epochs) * len(batches)
        progress = shared or Progress(n_batches, "batch", "training", verbose=self.verbose)
        callbacks.append(TrainingProgress(progress, tells_of_epochs=shared is None))
        is_name = isinstance(self.optimizer, str)
        net = PUNet(
            HybridModule(module, decoder, partial(task.crop, module=module)),
            make_loss(self.criterion, start.prior),
            optimizer=OPTIMIZERS[self.optimizer] if is_name else self.optimizer,
            lr=self.lr,
            callbacks=callbacks,
            callbacks__print_log=None,  # the progress says the same, and the time left
            train_split=None,
            device=str(device),
            max_epochs=self.max_epochs,  # which callbacks log
            batch_size=1,  # skorch's progress bar divides the number of batches by it
            verbose=self.verbose,
            reconstruction_weight=self.reconstruction_weight,
            autocast_dtype=dtype,
            scoring_dtype=scoring_dtype,
            n_labelled=batches.n_labelled,
            generators=generators,
            **{f"optimizer__{key}": value for key, value in (self.optimizer_params or {}).items()},
        )
        net.initialize()
        try:
            with progress if shared is None else nullcontext():
                net.train(batches, self.max_epochs)
        except KeyboardInterrupt as interrupt:
            if estimation is not None:
                start = replace(start, prior=estimation.prior)
            completed.attach_to(interrupt, start, net, stopping)
            raise
        if stopping is not None:
            stopping.restore(net.module_)
        return replace(start, history=plain_history(net.history))

    def _runs_in(self, dtype, module, blank) -> bool:
        """Try whether a network runs in a precision; refuse one that was asked for and does not."""
        try:
            check_runs_in(dtype, module, blank)
        except RuntimeError as error:
            if self.precision != "auto":
                raise ValueError(
                    f"module {type(module).__name__} does not run at precision="
                    f"{self.precision!r} ({error}); set precision='float32'"
                ) from error
            return False
        return True

    def _decoder(self, start, task, blank) -> nn.Module:
        """Make the decoder of the autoencoder hybrid, on the embedding of the network."""
        embedding = None
        if len(start.image_shape) == 3:
            with torch.no_grad():
                embedding = embed(start.module.eval(), blank)
        if embedding is None or embedding.ndim != 4:
            raise ValueError(
                f"reconstruction_weight={self.reconstruction_weight!r} needs images and a "
                "convolutional module; for feature rows and multilayer perceptrons leave it 0"
            )
        return task.decoder(embedding.shape[1], start.module, start.image_shape)


def warn_if_diverged(history: Sequence[Mapping[str, float]], lr: float) -> bool:
    """Warn, and return True, where the last epoch of a training had a loss of NaN or infinity."""
    # An epoch that a callback broke off has no loss.
    loss = history[-1].get("train_loss", 0.0) if history else 0.0
    if not math.isfinite(loss):
        warn(
            f"training diverged: the loss of its last epoch is {loss}, and the scores are "
            f"worthless; try a learning rate well below lr={lr!r}",
            ConvergenceWarning,
        )
        return True
    return False


def _is_schedule(callback) -> bool:
    """Return whether a callback (skorch accepts classes and named pairs) sets the learning rate."""
    callback = callback[1] if isinstance(callback, tuple) else callback
    kind = callback if isinstance(callback, type) else type(callback)
    return issubclass(kind, skorch.callbacks.LRScheduler)
