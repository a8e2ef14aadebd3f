"""Batches of positive and unlabelled examples with a quota of positives."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch.utils.data import IterableDataset

from puclassify._devices import evenly_spaced
from puclassify._example_weights import ExampleWeights
from puclassify.classifier._samples import PixelSource

__all__ = ["PUBatches"]

_LEAST_POSITIVES = 0.1  # of a batch, where positive_fraction is None
_STEPS_PER_EPOCH = 10  # of a small data set,
_SMALLEST_BATCH = 16  # as long as batches do not become smaller than this


class PUBatches(IterableDataset):
    """One epoch of batches: every unlabelled example once, and a quota of positives in each.

    ``rows`` of ``source`` are trained on, and ``positive`` says which of them are labelled. Batches
    have ``batch_size`` examples or fewer: small data sets are cut into ten, but not into batches
    below 16 nor below what a single positive needs to make up ``positive_fraction``. None for that
    fraction is the positives' share of the data, at least a tenth and at most a half. With
    ``union`` the unlabelled sample is everything (single-training-set scenario) instead of the
    examples without a label (case-control). Every positive comes once before any comes twice,
    across epochs too.

    With ``weights`` the targets are a mapping of ``target`` and ``weights``: those of labelled
    positives for the quota, those given for the unlabelled sample.
    """

    def __init__(
        self,
        source: PixelSource,
        rows: np.ndarray,
        positive: np.ndarray,
        *,
        batch_size: int,
        positive_fraction: float | None,
        union: bool,
        rng: np.random.Generator,
        weights: ExampleWeights | None = None,
    ):
        self.source = source
        self.weights = weights
        self.positives = rows[positive]
        self.unlabelled = rows if union else rows[~positive]
        self.rng = rng
        fraction = positive_fraction
        if fraction is None:
            fraction = np.clip(np.mean(positive), _LEAST_POSITIVES, 0.5)
        size = _size_for(len(rows), batch_size, fraction)
        # An epoch shares the unlabelled examples out evenly; the quota of positives follows.
        quota = max(1, min(round(size * fraction), size - 1))
        self.n_batches = math.ceil(len(self.unlabelled) / (size - quota))
        mean_unlabelled = len(self.unlabelled) / self.n_batches
        self.n_labelled = max(1, min(quota, round(mean_unlabelled * fraction / (1 - fraction))))
        self.n_pixels = size * int(np.prod(source.sample_shape))
        self._quotas = self._deal_positives()

    def __len__(self) -> int:
        return self.n_batches

    def example(self) -> torch.Tensor:
        """Return some unlabelled samples, which show the range of the values."""
        return self.source.take(self.unlabelled[evenly_spaced(len(self.unlabelled))])

    def _deal_positives(self) -> Iterator[np.ndarray]:
        hand = np.empty(0, dtype=np.intp)
        while True:
            while len(hand) < self.n_labelled:
                hand = np.concatenate([hand, self.rng.permutation(self.positives)])
            yield hand[: self.n_labelled]
            hand = hand[self.n_labelled :]

    def __iter__(self):
        order = self.rng.permutation(self.unlabelled)
        for unlabelled in np.array_split(order, self.n_batches):
            positives = next(self._quotas)
            targets = torch.zeros(len(positives) + len(unlabelled))
            targets[: len(positives)] = 1
            x = self.source.take(np.concatenate([positives, unlabelled]))
            if self.weights is None:
                yield x, targets
            else:
                weights = self.weights.of_both(positives, unlabelled).astype(np.float32)
                yield x, {"target": targets, "weights": torch.from_numpy(weights)}


def _size_for(n_examples: int, batch_size: int, fraction: float) -> int:
    """Return the batch size that gives a small data set enough steps in an epoch."""
    smallest = max(_SMALLEST_BATCH, math.ceil(1 / fraction))
    return min(batch_size, max(smallest, math.ceil(n_examples / _STEPS_PER_EPOCH)))
