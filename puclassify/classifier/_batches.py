"""Batches of positive and unlabelled examples with a quota of positives."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch.utils.data import IterableDataset

from puclassify._devices import some_of
from puclassify.classifier._pixels import PixelSource

__all__ = ["PUBatches"]

_LEAST_POSITIVES = 0.1  # of a batch, when positive_fraction is left to the data
_STEPS_PER_EPOCH = 10  # that a small data set is cut into,
_SMALLEST_BATCH = 16  # as long as batches do not become smaller than this


class PUBatches(IterableDataset):
    """One epoch of batches: every unlabelled example once, the positives cycled beside them.

    Parameters
    ----------
    source : PixelSource
        The images.
    rows : ndarray of int of shape (n,)
        Which of them to train on.
    positive : ndarray of bool of shape (n,)
        Which of ``rows`` are labelled positive.
    batch_size : int
        Largest number of examples in a batch, positives included. Batches are smaller where the
        data would not fill ten of them, but not below 16 nor below what a single positive needs to
        make up ``positive_fraction``.
    positive_fraction : float or None
        Share of labelled positives in every batch. None takes their share of the data, but at
        least a tenth and at most a half.
    union : bool
        Whether the unlabelled sample is everything (single-training-set scenario) instead of the
        examples without a label (case-control).
    rng : numpy Generator
        Draws the order.

    Notes
    -----
    Positives are dealt like cards: each comes once before any comes twice, and an epoch goes on
    where the one before it stopped.
    """

    def __init__(
        self,
        source: PixelSource,
        rows,
        positive,
        *,
        batch_size,
        positive_fraction,
        union,
        rng,
    ):
        self.source = source
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
        self._quotas = self._deal_positives()

    def __len__(self) -> int:
        return self.n_batches

    def example(self) -> torch.Tensor:
        """Return a few of the samples, for what their values are like.

        Returns
        -------
        tensor of shape (b, c, h, w) or (b, features)
            Unlabelled ones.
        """
        return self.source.take(self.unlabelled[some_of(len(self.unlabelled))])

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
            yield self.source.take(np.concatenate([positives, unlabelled])), targets


def _size_for(n_examples: int, batch_size: int, fraction: float) -> int:
    """Return the batch size that gives a small data set enough steps in an epoch."""
    smallest = max(_SMALLEST_BATCH, math.ceil(1 / fraction))
    return min(batch_size, max(smallest, math.ceil(n_examples / _STEPS_PER_EPOCH)))
