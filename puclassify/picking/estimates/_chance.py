"""What labels would score that mean nothing: the same labels a diameter or two from where they are.

A label belongs to the best candidate within its radius, so that even random places rank well among
single candidates. The scores to compare with are those of places that are matched in the same way,
with the same surroundings, such as ice and borders, but beside the labelled particles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from puclassify.grid import GridImage

__all__ = ["ChanceTest", "LabelMover", "best_scores"]

N_MOVES = 400  # of every label
_DISTANCES = 1.0, 2.5  # of the moves, in diameters
_WIDE = 8.0  # diameters: of narrower micrographs the margin would be too large a part
_TRIES = 8  # to find a place inside the micrograph and beside all labels
_LEVEL = 0.01  # of the test


@dataclass(frozen=True)
class ChanceTest:
    """Scores of labels, and of the same labels moved away, each that of the best candidate nearby.

    ``at_labels`` has shape (k,), ``moved`` (k, m), and ``candidates`` are all scores, ascending.
    """

    at_labels: np.ndarray
    moved: np.ndarray
    candidates: np.ndarray

    @property
    def p_value(self) -> float:
        """Share of the moves after which labels rank at least as high."""
        if not len(self.at_labels):
            return 1.0
        ranks = np.searchsorted(self.candidates, self.at_labels).mean()
        moved = np.searchsorted(self.candidates, self.moved).mean(axis=0)
        return float((1 + np.sum(moved >= ranks)) / (1 + len(moved)))

    @property
    def labels_mean_something(self) -> bool:
        """Whether the labels rank higher than by chance, at a level of one per cent."""
        return self.p_value < _LEVEL


def best_scores(places: np.ndarray, candidates: np.ndarray, radius: float) -> np.ndarray:
    """Return the score of the best of the candidates (x, y, score) within a radius of places.

    Places are of shape (..., 2); those without a candidate score ``-inf``.
    """
    if not len(candidates) or not places.size:
        return np.full(places.shape[:-1], -np.inf)
    by_score = candidates[np.argsort(-candidates[:, 2], kind="stable")]
    n_near = min(len(by_score), _most_within(by_score, radius))
    _, index = cKDTree(by_score[:, :2]).query(places, n_near, distance_upper_bound=radius)
    best = index.reshape(*places.shape[:-1], n_near).min(axis=-1)
    return np.append(by_score[:, 2], -np.inf)[best]


def _most_within(candidates: np.ndarray, radius: float) -> int:
    """Return a number of candidates that no disc of a radius holds more than."""
    tree = cKDTree(candidates[:, :2])
    return int(tree.query_ball_point(candidates[:, :2], 2 * radius, return_length=True).max())


@dataclass
class LabelMover:
    """Moves labels at random to places within the image, at which no label lies.

    Scorers may see something at borders, from which moves lead away: a margin is left out.
    """

    diameter: float
    radius: float
    rng: np.random.RandomState

    def __call__(self, image: GridImage, labels: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Move each of the labels (k, 2) to m places (k, m, 2) beside all ``others``.

        Where no such place is found, the last one that was tried is kept. The places of labels in
        the margin are NaN.
        """
        left, right, bottom, top = image.extent
        low, high = np.array([left, top]), np.array([right, bottom])
        if (high - low).min() > _WIDE * self.diameter:
            low, high = low + self.diameter, high - self.diameter
        tree = cKDTree(others)
        places = np.empty((len(labels), N_MOVES, 2))
        is_outside: Any = np.zeros(places.shape[:2], dtype=bool)
        bad: np.ndarray = np.ones(places.shape[:2], dtype=bool)
        # All labels are moved alike, so that near ones still share what is around them; where that
        # leads astray, one by one.
        places[:] = labels[:, None] + self._steps(N_MOVES)
        for attempt in range(_TRIES):
            if attempt > 0:
                places[bad] = labels[np.nonzero(bad)[0]] + self._steps(int(bad.sum()))
            is_outside = ((places < low) | (places > high)).any(axis=-1)
            bad = is_outside | (tree.query(places)[0] < self.radius)
            if not bad.any():
                break
        for label in np.flatnonzero(is_outside.any(axis=1) & ~is_outside.all(axis=1)):
            inside = places[label, ~is_outside[label]]
            again = self.rng.randint(len(inside), size=int(is_outside[label].sum()))
            places[label, is_outside[label]] = inside[again]
        in_margin = ((labels < low) | (labels > high)).any(axis=1)
        places = np.clip(places, low, high)
        places[in_margin] = np.nan
        return places

    def _steps(self, n: int) -> np.ndarray:
        angle = self.rng.uniform(0, 2 * np.pi, n)
        distance = self.diameter * self.rng.uniform(*_DISTANCES, n)
        return distance[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
