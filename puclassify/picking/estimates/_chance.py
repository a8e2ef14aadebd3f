"""What labels would score that mean nothing: the same labels a diameter or two from where they are.

A label belongs to the best candidate within its radius, so that even random places rank well among
single candidates. The scores to compare with are those of places that are matched in the same way,
with the same surroundings, such as ice and borders, but beside the labelled particles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from puclassify.grid import GridImage

__all__ = ["ChanceTest", "LabelMover", "best_nearby"]

N_MOVES = 400  # of every label
_DISTANCES = 1.0, 2.5  # of the moves, in diameters
_WIDE = 8.0  # diameters: of narrower micrographs the margin would be too large a part
_TRIES = 8  # to find a place inside the micrograph and beside all labels
_LEVEL = 0.01  # of the test

_NEAR = 0.25  # diameters, from a label to the best candidate within one
_N_COMPARED = 20  # moves of every label
_MORE_NEAR = 0.1  # share of the labels by which more of them than of the moved have to be near
_DEVIATIONS = 2.33  # the same in standard deviations, at a level of one per cent


@dataclass(frozen=True)
class ChanceTest:
    """Scores of labels, and of the same labels moved away, each that of the best candidate nearby.

    ``at_labels`` has shape (k,), ``moved`` (k, m), and ``candidates`` are all scores, ascending.
    ``near_labels`` (k,) says whether the best candidate of a wider surrounding lies on the label,
    and ``near_moved`` (k, m') whether it lies on the moved ones.
    """

    at_labels: np.ndarray
    moved: np.ndarray
    candidates: np.ndarray
    near_labels: np.ndarray
    near_moved: np.ndarray

    @classmethod
    def joined(cls, parts: Sequence[ChanceTest], candidates: np.ndarray) -> ChanceTest:
        """Join those of several micrographs, with the scores of all candidates, ascending."""
        columns = [(one.at_labels, one.moved, one.near_labels, one.near_moved) for one in parts]
        at_labels, moved, near_labels, near_moved = map(np.concatenate, zip(*columns))
        return cls(at_labels, moved, candidates, near_labels, near_moved)

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

    @property
    def near_and_by_chance(self) -> tuple[float, float]:
        """Share of the labels that the best candidate lies on, and the share of moved ones."""
        if not len(self.near_labels):
            return 0.0, 0.0
        return float(self.near_labels.mean()), float(self.near_moved.mean())

    @property
    def labels_are_centred(self) -> bool:
        """Whether labels lie on what scores high, and not somewhere around it."""
        near, by_chance = self.near_and_by_chance
        deviation = np.sqrt(by_chance * (1 - by_chance) / max(1, len(self.near_labels)))
        return near > by_chance + max(_MORE_NEAR, _DEVIATIONS * deviation)


class _Best(NamedTuple):
    """The best candidates near places: their scores, and the distances to them."""

    scores: np.ndarray
    distances: np.ndarray


def best_nearby(places: np.ndarray, candidates: np.ndarray, radius: float) -> _Best:
    """Return the best of the candidates (x, y, score) within a radius of places.

    Places are of shape (..., 2); where there is no candidate the score is ``-inf`` and the distance
    ``inf``.
    """
    if not len(candidates) or not places.size:
        return _Best(np.full(places.shape[:-1], -np.inf), np.full(places.shape[:-1], np.inf))
    by_score = candidates[np.argsort(-candidates[:, 2], kind="stable")]
    n_near = min(len(by_score), _most_within(by_score, radius))
    near = list(range(1, n_near + 1))
    distance, index = cKDTree(by_score[:, :2]).query(places, near, distance_upper_bound=radius)
    best = index.argmin(axis=-1)[..., None]
    scores = np.append(by_score[:, 2], -np.inf)[np.take_along_axis(index, best, -1)[..., 0]]
    return _Best(scores, np.take_along_axis(distance, best, -1)[..., 0])


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

    def test(
        self,
        image: GridImage,
        labels: np.ndarray,
        others: np.ndarray,
        candidates: np.ndarray,
    ) -> ChanceTest:
        """Compare labels with moved ones by the candidates (x, y, score) of a micrograph."""
        moved = self(image, labels, others)
        is_compared = np.isfinite(moved).all(axis=(1, 2))
        labels, moved = labels[is_compared], moved[is_compared]

        def is_near(places):
            distances = best_nearby(places, candidates, self.diameter).distances
            return distances < _NEAR * self.diameter

        return ChanceTest(
            best_nearby(labels, candidates, self.radius).scores,
            best_nearby(moved, candidates, self.radius).scores,
            np.sort(candidates[:, 2]),
            is_near(labels),
            is_near(moved[:, :_N_COMPARED]),
        )

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
