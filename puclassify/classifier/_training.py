"""From parameters to a trained module: shared by single images and tiles of micrographs."""

from __future__ import annotations

import math
import warnings
from functools import partial

import numpy as np
import skorch.callbacks
import torch
from sklearn.exceptions import ConvergenceWarning
from torch import nn

from puclassify._devices import (
    autocast,
    bfloat16_is_too_coarse,
    resolve_device,
    resolve_precision,
    seeded,
)
from puclassify.classifier._calibration import UNCALIBRATED
from puclassify.classifier._net import HybridModule, PUNet
from puclassify.classifier._parameters import OPTIMIZERS
from puclassify.classifier._prior_estimation import FIRST_GUESS
from puclassify.classifier._progress import OneCycle, SklearnCallbackBridge
from puclassify.losses.registry import make_loss
from puclassify.networks import Decoder, resolve_network, set_head_bias

__all__ = ["TrainingMixin", "first_logits", "resolve_device", "warn_if_diverged"]

_PREDICTION_PIXELS = 4_000_000  # in one forward pass: bounds memory, whatever the image size
_TILE_RECONSTRUCTION = 30  # pixels across that one position of a tile reconstructs
_LARGEST_SEED = 2**31 - 1


class TrainingMixin:
    """Builds the module and trains it on batches; reads the estimator's parameters."""

    _needs_float32_ = False  # that a fit found bfloat16 wanting, for its pixels or its module

    def _autocast_dtype(self, device, training=False):
        """Return the dtype of `autocast` for this module and the pixels it was trained on."""
        return resolve_precision(
            self.precision, device, training=training, coarse=self._needs_float32_
        )

    def _module_for(self, image_shape):
        """Return the ``module`` parameter with "auto" decided by the kind of sample."""
        if isinstance(self.module, str) and self.module == "auto":
            return "mlp" if len(image_shape) == 1 else "cnn"
        return self.module

    def _continues(self):
        """Tell whether a fit goes on from the weights of the one before."""
        return self.warm_start and hasattr(self, "module_")

    def _training_prior(self, prior):
        """Return the prior that the criterion will use: its own, where it has one."""
        own = self._own_prior
        return float(prior if own is None else own)

    @property
    def _own_prior(self):
        """The prior of the criterion itself, None where it has none."""
        return None if isinstance(self.criterion, type) else getattr(self.criterion, "prior", None)

    @property
    def _estimates_prior(self):
        """Whether the prior is estimated in the course of a fit."""
        return isinstance(self.prior, str) and self._own_prior is None

    @property
    def _unlabelled_is_everything(self):
        """Whether labelled examples belong to the unlabelled sample of the objective too."""
        if self.scenario != "single_training_set":
            return False
        loss = make_loss(self.criterion, self._first_prior)
        return getattr(loss, "unlabelled_is_everything", True)

    @property
    def _first_prior(self):
        """The ``prior`` parameter, or a first guess where it is to be estimated."""
        return FIRST_GUESS if isinstance(self.prior, str) else self.prior

    def _centre(self, x, module):
        """Crop images to the receptive field around their centre; refuse smaller ones."""
        field = getattr(module, "receptive_field", None)
        if field is None or x.ndim != 4:
            return x
        height, width = x.shape[-2:]
        if min(height, width) < field:
            raise ValueError(
                f"X holds images of {height} x {width} pixels but the module's receptive field is "
                f"{field}; use larger images, module='cnn' (any size), or a smaller network"
            )
        top, left = (height - field) // 2, (width - field) // 2
        return x[..., top : top + field, left : left + field]

    def _build_module(self, prior, image_shape=None):
        """Make a fresh network with its head's bias at logit(prior)."""
        shape = self.image_shape_ if image_shape is None else image_shape
        module = self._module_for(shape)
        build = resolve_network(module)
        params = dict(self.module_params or {})
        if isinstance(module, str) and module == "mlp":
            params["in_features"] = int(np.prod(shape))
        elif isinstance(module, str) and len(shape) == 1:
            raise ValueError(
                f"module={module!r} takes images but X holds rows of {shape[0]} features; reshape "
                "X to (n, height, width), or take module='mlp' (or 'auto')"
            )
        elif isinstance(module, str):
            params.setdefault("in_channels", shape[0])
        with torch.random.fork_rng(devices=[]):
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

    def _train(
        self,
        batches,
        prior,
        rng,
        report,
        *,
        tiles=False,
        stopping=None,
        estimation=None,
        verbose=None,
    ):
        """Train ``module_`` on batches.

        Parameters
        ----------
        batches : sized iterable of (x, targets)
            One pass over it is one epoch. The first ``n_labelled`` samples of each batch bring the
            labelled positives, and ``example()`` gives some of the pixels.
        prior : float
            P(y = 1) in the unlabelled sample.
        rng : RandomState
            Seeds weights and dropout.
        report : FitReport or None
            Whom the scikit-learn callbacks belong to; None tells them nothing.
        tiles : bool
            Whether the inputs are tiles to be mapped whole, not single images to be cropped.
        stopping : HeldOutLoss or None
            Stops it early.
        estimation : PriorEstimation or None
            Estimates the prior in the course of it; ``prior`` then is a first guess.
        verbose : int or None
            Instead of the estimator's own.
        """
        device = resolve_device(self.device)
        weights_seed, training_seed = (int(seed) for seed in rng.randint(_LARGEST_SEED, size=2))
        self.prior_ = self._training_prior(prior)
        self.calibration_ = UNCALIBRATED
        # The networks of feature rows are small, and every feature may have its own offset.
        is_rows = len(self.image_shape_) == 1
        self._needs_float32_ = is_rows or bfloat16_is_too_coarse(batches.example())
        if not self._continues():
            with seeded(device, weights_seed):
                self.module_ = self._build_module(self.prior_)
        self.module_.to(device, memory_format=torch.channels_last)
        progress = [] if report is None else [SklearnCallbackBridge(report, self.module_)]
        verbose = self.verbose if verbose is None else verbose
        with seeded(device, training_seed):
            self._train_net(batches, device, tiles, stopping, estimation, progress, verbose)
        if estimation is not None:
            self.prior_ = estimation.result()
        self.module_.eval()

    def _train_net(self, batches, device, tiles, stopping, estimation, progress, verbose):
        if not tiles:
            self._check_one_logit()
        decoder = None
        if self.reconstruction_weight != 0:
            decoder = self._build_decoder(tiles).to(device)
        callbacks = list(progress)
        if estimation is not None:
            callbacks.append(estimation)
        if stopping is not None:
            callbacks.append(stopping)  # ahead of the user's, which may monitor its valid_loss
        callbacks += self.callbacks or []
        if not any(_is_schedule(callback) for callback in callbacks):
            callbacks.append(OneCycle(int(self.max_epochs) * len(batches)))
        crop = nn.Identity() if tiles else partial(self._centre, module=self.module_)
        is_name = isinstance(self.optimizer, str)
        net = PUNet(
            HybridModule(self.module_, decoder, crop),
            make_loss(self.criterion, self.prior_),
            optimizer=OPTIMIZERS[self.optimizer] if is_name else self.optimizer,
            lr=self.lr,
            callbacks=callbacks,
            train_split=None,
            device=str(device),
            verbose=verbose,
            reconstruction_weight=self.reconstruction_weight,
            autocast_dtype=self._training_dtype(device),
            n_labelled=batches.n_labelled,
            **{f"optimizer__{key}": value for key, value in (self.optimizer_params or {}).items()},
        )
        net.initialize()
        net.train(batches, self.max_epochs)
        if stopping is not None:
            stopping.restore(net.module_)
        kept = {"epoch": int, "dur": float}
        kept |= dict.fromkeys(("train_loss", "valid_loss", "prior"), float)
        self.history_ = [
            {key: kind(epoch[key]) for key, kind in kept.items() if key in epoch}
            for epoch in net.history
        ]
        self.n_iter_ = len(self.history_)

    def _training_dtype(self, device):
        """Return the dtype of `autocast` in training, having tried whether the module takes it."""
        dtype = self._autocast_dtype(device, training=True)
        if dtype is None:
            return None
        try:
            with torch.no_grad(), autocast(device, dtype):
                self.module_.eval()(self._example())
        except RuntimeError as error:
            if self.precision != "auto":
                raise ValueError(
                    f"module {type(self.module_).__name__} does not run at precision="
                    f"{self.precision!r} ({error}); set precision='float32'"
                ) from error
            self._needs_float32_ = True
            return None
        return dtype

    def _check_one_logit(self):
        """Refuse a module that gives no single logit for a sample."""
        with torch.no_grad():
            logits = self.module_.eval()(self._example())
        if logits.numel() != 1:
            raise ValueError(
                f"module {type(self.module_).__name__} gives logits of shape "
                f"{tuple(logits.shape)} for one sample of shape {self.image_shape_}, where one "
                "logit was expected: declare its receptive_field, so that larger images are "
                "cropped to it, or pool over the image"
            )

    def _build_decoder(self, tiles):
        """Make the decoder of the hybrid, on the embedding of the module just built."""
        embedding = None
        if len(self.image_shape_) == 3:
            with torch.no_grad():
                embedding = self._features(self.module_.eval(), self._example())
        if embedding is None or embedding.ndim != 4:
            raise ValueError(
                f"reconstruction_weight={self.reconstruction_weight!r} needs images and a "
                "convolutional module; for feature rows and multilayer perceptrons leave it 0"
            )
        field = getattr(self.module_, "receptive_field", None)
        channels, *size = self.image_shape_
        if tiles:  # every position reconstructs the middle of its field; they merge
            middle = min(field, _TILE_RECONSTRUCTION + field % 2)
            return Decoder(
                embedding.shape[1], (channels, middle, middle), stride=self.module_.stride
            )
        return Decoder(embedding.shape[1], (channels, *(size if field is None else (field, field))))

    def _example(self):
        """Return a blank batch of one, as the module sees it."""
        device = next(self.module_.parameters()).device
        return self._centre(torch.zeros(1, *self.image_shape_, device=device), self.module_)

    @staticmethod
    def _features(module, x):
        """Embed a batch."""
        if not hasattr(module, "features"):
            raise TypeError(
                f"module {type(module).__name__} has no attribute features, the part of it that "
                "makes embeddings: see puclassify.networks.FullyConvolutional"
            )
        return module.features(x)

    def _map(self, run, source, *, device, rows=None, module=None, dtype=torch.float32):
        """Apply ``run(module, x)`` to samples in bounded batches; gives a tensor on the CPU."""
        module = (self.module_ if module is None else module).eval()
        n_samples = len(source) if rows is None else len(rows)
        step = max(1, min(4096, _PREDICTION_PIXELS // int(np.prod(source.sample_shape))))
        parts = []
        with torch.inference_mode(), autocast(device, self._autocast_dtype(device)):
            for start in range(0, n_samples, step):
                part = slice(start, start + step)
                x = source.take(part if rows is None else rows[part])
                x = self._centre(x.to(device, dtype, non_blocking=True), module)
                parts.append(run(module, x).to(dtype))
            return torch.cat(parts).cpu()


def warn_if_diverged(history, lr) -> None:
    """Warn the caller of the ``fit`` that calls this where training ended with a loss of NaN.

    Parameters
    ----------
    history : list of dict
        Of the training, epoch by epoch. An epoch that a callback broke off has no loss.
    lr : float
        The learning rate it had.
    """
    loss = history[-1].get("train_loss", 0.0) if history else 0.0
    if not math.isfinite(loss):
        warnings.warn(
            f"training diverged: the loss of its last epoch is {loss}, and the scores are "
            f"worthless; try a learning rate well below lr={lr!r}",
            ConvergenceWarning,
            stacklevel=4,
        )


def first_logits(module, x):
    """Return the logit of each sample: the only one, or the first of its map.

    Parameters
    ----------
    module : nn.Module
        The network.
    x : tensor of shape (n, ...)
        The samples.

    Returns
    -------
    tensor of shape (n,)
        The logits.
    """
    return module(x).flatten(1)[:, 0]


def _is_schedule(callback) -> bool:
    """Tell whether a callback, as skorch takes them, sets the learning rate."""
    callback = callback[1] if isinstance(callback, tuple) else callback
    kind = callback if isinstance(callback, type) else type(callback)
    return issubclass(kind, skorch.callbacks.LRScheduler)
