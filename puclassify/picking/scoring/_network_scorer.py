"""Train a fully convolutional network on tiles and map whole micrographs with it."""

from __future__ import annotations

import copy
import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import torch
from sklearn.base import clone
from sklearn.utils import check_random_state
from torch import nn

from puclassify._devices import (
    is_out_of_memory,
    release_memory,
    resolve_device,
    side_by_side,
    threads_worth,
)
from puclassify._progress import Progress
from puclassify._warnings import warn
from puclassify.classifier import (
    LOWEST_RATE,
    FitReport,
    Interrupt,
    PUImageClassifier,
    Tiles,
    Trained,
    Trainer,
    adopt_training,
    fine_tuning_rate,
    module_version,
    scoring_dtype,
    share_of_steps,
)
from puclassify.grid import GridImage, map_length
from puclassify.networks import check_unpadded, fold_batch_norm, load_pretrained
from puclassify.picking._geometry import PickingGeometry
from puclassify.picking.scoring._memory_budget import default_memory_budget, tile_length
from puclassify.picking.scoring._score_map import score_map
from puclassify.picking.tiles import STEPS_PER_EPOCH, TileBatches

__all__ = ["NetworkScorer"]


class NetworkScorer:
    """Scores micrographs with the network of a `PUImageClassifier`, which it trains in place.

    The training starts from the weights of ``start``, None for those of the classifier's ``init``;
    from pretrained ones it is shorter and slower, by the number of labels.
    """

    may_memorize = False  # labels are turned and magnified, among thousands of others
    _cache = None

    def __init__(
        self,
        classifier: PUImageClassifier,
        geometry: PickingGeometry,
        steps_per_epoch: int = STEPS_PER_EPOCH,
        *,
        start: nn.Module | None = None,
        n_labels: int | None = None,
    ):
        self.classifier = classifier
        self.geometry = geometry
        self.steps_per_epoch = steps_per_epoch
        # A throw-away network, to ask for its geometry.
        network = Trainer.of(classifier).build((1, 0, 0), 0.5)
        self.weights = None if start is not None else load_pretrained(classifier.init, network)
        self.n_epochs, self._rate = classifier.max_epochs, LOWEST_RATE
        if self.weights is not None and n_labels is not None:
            self.n_epochs = max(1, round(share_of_steps(n_labels) * classifier.max_epochs))
            self._rate = fine_tuning_rate(n_labels)
        check_unpadded(network)
        if start is not None:
            _check_same_shapes(start, network)
        self._start = start
        self.field, self.stride = cast(int, network.receptive_field), cast(int, network.stride)

    def shortened(self, share: float) -> NetworkScorer:
        """Return an untrained scorer like this one, for a share of the epochs (at least one)."""
        classifier = clone(self.classifier).set_params(callbacks=None, verbose=0)
        shorter = NetworkScorer(classifier, self.geometry, self.steps_per_epoch)
        shorter.n_epochs = max(1, round(share * self.n_epochs))
        shorter._rate = self._rate
        return shorter

    def pretrained(self, prior: float = float("nan")) -> NetworkScorer:
        """Return a scorer like this one with the pretrained weights as they are."""
        trained = Trainer.of(self.classifier).untrained((1, self.field, self.field), prior)
        return self.with_training(trained)

    def training_prior(self, prior: float) -> float:
        """Return the prior that the objective will use: the criterion's own wins."""
        return Trainer.of(self.classifier).training_prior(prior)

    def fit(
        self,
        images: list[GridImage],
        labels: list[np.ndarray],
        prior: float,
        rng: np.random.RandomState,
        report: FitReport | None,
        *,
        verbose: int = 0,
    ) -> None:
        """Train on tiles of preprocessed micrographs, labels (k_i, 2) in stored pixels."""
        self._prepare(images, labels, prior, rng, report, verbose)()

    @classmethod
    def fit_all(
        cls,
        scorers: Sequence[NetworkScorer],
        parts: Sequence[tuple[list[GridImage], list[np.ndarray]]],
        prior: float,
        rng: np.random.RandomState,
        *,
        verbose: int = 0,
    ) -> None:
        """Train several scorers, each on its own (images, labels), side by side on a CPU."""
        n_batches = sum(one.n_epochs * one.steps_per_epoch for one in scorers)
        what = f"cross-fitting {len(scorers)} folds"
        with Progress(n_batches, "batch", what, verbose=verbose) as progress:
            fits = [
                one._prepare(*part, prior, rng, progress=progress)
                for one, part in zip(scorers, parts, strict=True)
            ]
            if scorers[0].device.type == "cpu":
                side_by_side(fits)
            else:
                for fit in fits:
                    fit()

    def _prepare(
        self, images, labels, prior, rng, report=None, verbose=0, progress=None
    ) -> Callable[..., None]:
        """Draw the seeds of a training; return what trains, until an event tells it to stop."""
        if self.classifier.random_state is not None:
            rng = check_random_state(self.classifier.random_state)
        batches = TileBatches(
            images,
            labels,
            field=self.field,
            stride=self.stride,
            label_radius=self.geometry.label_radii_on(images),
            n_unlabelled=self.classifier.batch_size,
            rng=np.random.default_rng(rng.randint(2**31 - 1)),
            device=self.device,
            steps_per_epoch=self.steps_per_epoch,
        )
        trainer = Trainer.of(self.classifier)
        verbose = max(verbose, trainer.verbose)
        trainer = replace(trainer, max_epochs=self.n_epochs, verbose=verbose)
        seeds = trainer.draw_seeds(rng)
        shape = (1, self.field, self.field)

        def train(stop: threading.Event | None = None) -> None:
            callbacks = [*(trainer.callbacks or []), *([] if stop is None else [Interrupt(stop)])]
            interruptible = replace(trainer, callbacks=callbacks)
            trained = interruptible.train(
                batches,
                Tiles(),
                shape,
                prior,
                seeds,
                module=copy.deepcopy(self._start),
                report=report,
                progress=progress,
                rate_of_pretrained=self._rate,
            )
            adopt_training(self.classifier, trained)
            self._start = None

        return train

    @property
    def device(self) -> torch.device:
        """Where micrographs are scored, and had best be preprocessed."""
        return resolve_device(self.classifier.device)

    @property
    def history(self) -> list[dict]:
        """The classifier's record of its training, epoch by epoch; empty before its end."""
        return getattr(self.classifier, "history_", [])

    def with_training(self, trained: Trained) -> NetworkScorer:
        """Return a scorer like this one with the network of a training."""
        other = copy.copy(self)
        other._cache = None
        other.classifier = adopt_training(copy.copy(self.classifier), trained)
        return other

    def score_map(
        self, image: GridImage, *, memory_budget: float | str = "auto", compile: bool = False
    ) -> GridImage:
        """Score a preprocessed micrograph: logits on the network's stride, on its device."""
        device = self.device
        dtype = scoring_dtype(self.classifier, device)
        network, tile = self._prepared(device, dtype, memory_budget, compile)
        tile = min(tile, max(map_length(length, self.stride) for length in image.shape))
        with threads_worth(float(np.prod(image.shape))):
            while True:
                try:
                    return score_map(network, image, device=device, autocast_dtype=dtype, tile=tile)
                except Exception as error:
                    if not is_out_of_memory(error) or tile == 1:
                        raise
                # The error, which held what was computed so far, is gone by now.
                tile = self._halved(tile, device)

    def _halved(self, tile: int, device: torch.device) -> int:
        """Make tiles smaller, for this micrograph and all later ones; tell of it."""
        smaller = tile // 2
        release_memory(device)
        if self._cache is not None:
            self._cache = *self._cache[:2], min(smaller, self._cache[2])
        warn(
            f"{device} ran out of memory while {tile} x {tile} positions were scored at once; from "
            f"here on it is {smaller} x {smaller}, with the same result. Set a memory_budget to "
            "begin with smaller ones"
        )
        return smaller

    def _prepared(self, device, dtype, memory_budget, compile) -> tuple[nn.Module, int]:
        """Return a copy of the network in its fastest form, and the tile that fits the memory."""
        module = self.classifier.module_
        key = device, dtype, memory_budget, compile, module_version(module)
        if self._cache is None or self._cache[0] != key:
            network = copy.deepcopy(module)
            network.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
            network = fold_batch_norm(network)
            if isinstance(memory_budget, str):
                memory_budget = default_memory_budget(device)
            tile = tile_length(network, memory_budget, dtype or torch.float32)
            self._cache = key, _compiled(network) if compile else network, tile
        return self._cache[1:]

    def fingerprint(self) -> str:
        """Return a digest of the network and its weights."""
        module = self.classifier.module_
        digest = hashlib.sha256(repr(module).encode())
        for name, tensor in sorted(module.state_dict().items()):
            numbers = tensor.detach().cpu().reshape(-1).contiguous()
            digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
            digest.update(numbers.view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()[:16]

    def __getstate__(self):
        return vars(self) | {"_cache": None, "_start": None}


def _check_same_shapes(start: nn.Module, network: nn.Module) -> None:
    """Refuse weights to start from that are not those of a network like the one asked for."""
    present, wanted = (
        {name: tuple(values.shape) for name, values in module.state_dict().items()}
        for module in (start, network)
    )
    if present != wanted:
        differing = sorted(set(present.items()) ^ set(wanted.items()))[0][0]
        raise ValueError(
            f"warm_start=True cannot continue: classifier_ holds a {type(start).__name__} and the "
            f"parameters ask for a {type(network).__name__}; their {differing!r} are "
            f"{present.get(differing, 'missing')} and {wanted.get(differing, 'missing')}. Set "
            "classifier__module and classifier__module_params as they were, or warm_start=False"
        )


def _compiled(module: nn.Module) -> nn.Module:
    """Compile a network for maps of any size."""
    compiled = cast(nn.Module, torch.compile(module, dynamic=True))
    compiled.receptive_field, compiled.stride = module.receptive_field, module.stride
    return compiled
