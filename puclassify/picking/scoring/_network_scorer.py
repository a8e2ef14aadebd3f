"""Train a fully convolutional network on tiles and map whole micrographs with it."""

from __future__ import annotations

import copy
import itertools
from dataclasses import replace
from typing import cast

import numpy as np
import torch
from sklearn.base import clone
from sklearn.utils import check_random_state
from torch import nn

from puclassify._devices import resolve_device
from puclassify.classifier import (
    FitReport,
    PUImageClassifier,
    Tiles,
    Trained,
    Trainer,
    adopt_training,
    scoring_dtype,
)
from puclassify.grid import GridImage
from puclassify.networks import check_unpadded, fold_batch_norm
from puclassify.picking._geometry import PickingGeometry
from puclassify.picking.scoring._memory_budget import default_memory_budget, tile_length
from puclassify.picking.scoring._score_map import score_map
from puclassify.picking.tiles import TileBatches

__all__ = ["NetworkScorer"]


class NetworkScorer:
    """Scores micrographs with the network of a `PUImageClassifier`, which it trains in place."""

    memory_budget: float | str = "auto"  # of the picker
    compile = False  # of the picker
    may_memorize = False  # labels are turned and magnified, among thousands of others
    _cache = None

    def __init__(self, classifier: PUImageClassifier, geometry: PickingGeometry):
        self.classifier = classifier
        self.geometry = geometry
        self.n_epochs = classifier.max_epochs
        # A throw-away network, to ask for its geometry.
        network = Trainer.of(classifier).build((1, 0, 0), 0.5)
        check_unpadded(network)
        self.field, self.stride = cast(int, network.receptive_field), cast(int, network.stride)

    def shortened(self, share: float) -> NetworkScorer:
        """Return an untrained scorer like this one, for a share of the epochs (at least one)."""
        n_epochs = max(1, round(share * self.classifier.max_epochs))
        shorter = clone(self.classifier)
        shorter.set_params(max_epochs=n_epochs, callbacks=None, verbose=0)
        return NetworkScorer(shorter, self.geometry)

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
        if self.classifier.random_state is not None:
            rng = check_random_state(self.classifier.random_state)
        batches = TileBatches(
            images,
            labels,
            field=self.field,
            stride=self.stride,
            label_radius=self.geometry.label_radius_on(images[0]),
            n_unlabelled=self.classifier.batch_size,
            rng=np.random.default_rng(rng.randint(2**31 - 1)),
            device=self.device,
        )
        trainer = Trainer.of(self.classifier)
        trainer = replace(trainer, verbose=max(verbose, trainer.verbose))
        shape = (1, self.field, self.field)
        trained = trainer.train(batches, Tiles(), shape, prior, rng, report=report)
        adopt_training(self.classifier, trained)

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

    def score_map(self, image: GridImage) -> GridImage:
        """Score a preprocessed micrograph: logits on the network's stride, on its device."""
        device = self.device
        dtype = scoring_dtype(self.classifier, device)
        network, tile = self._prepared(device, dtype)
        return score_map(network, image, device=device, autocast_dtype=dtype, tile=tile)

    def _prepared(self, device, dtype) -> tuple[nn.Module, int]:
        """Return the network in its fastest form, and the tile that fits into the memory."""
        module = self.classifier.module_
        key = device, dtype, self.memory_budget, self.compile, _version(module)
        if self._cache is None or self._cache[0] != key:
            module.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
            key = (*key[:-1], _version(module))
            folded = fold_batch_norm(module)
            budget = self.memory_budget
            if isinstance(budget, str):
                budget = default_memory_budget(device)
            tile = tile_length(folded, budget, dtype or torch.float32)
            network = _compiled(folded) if self.compile else folded
            self._cache = key, network, tile
        return self._cache[1:]

    def __getstate__(self):
        return vars(self) | {"_cache": None}


def _version(module: nn.Module):
    """Return what changes with a network, which may be changed in place between predictions."""
    tensors = itertools.chain(module.parameters(), module.buffers())
    training = any(part.training for part in module.modules())
    return training, [(id(tensor), tensor._version, tensor.device) for tensor in tensors]


def _compiled(module: nn.Module) -> nn.Module:
    """Compile a network for maps of any size."""
    compiled = cast(nn.Module, torch.compile(module, dynamic=True))
    compiled.receptive_field, compiled.stride = module.receptive_field, module.stride
    return compiled
