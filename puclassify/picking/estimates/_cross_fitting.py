"""Held-out scores: each labelled particle scored by a scorer that was not trained on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from puclassify._progress import with_progress
from puclassify.grid import GridImage
from puclassify.metrics import match_picks
from puclassify.picking.estimates._chance import ChanceTest, LabelMover
from puclassify.picking.estimates._particle_probability import ParticleProbability

__all__ = [
    "FindCandidates",
    "HeldOutScores",
    "MatchedScores",
    "TrainEach",
    "held_out_scores",
    "label_and_candidate_scores",
]

# From a preprocessed micrograph to all its candidates: x, y and score, by descending score.
FindCandidates = Callable[[GridImage], np.ndarray]

# From several parts of the data, each micrographs and their labels, to a trained scorer of each.
TrainEach = Callable[[list[tuple[list[GridImage], list[np.ndarray]]]], list[FindCandidates]]

N_FOLDS = 2


@dataclass(frozen=True)
class HeldOutScores:
    """Scores of labelled particles among those of all candidates.

    The (k,) ``label_scores`` are those of the candidates on the labels, ``-inf`` for a label
    without one. The (n,) ``candidate_scores``, ascending, are those of every candidate, each
    micrograph being scored ``n_scorings`` times; candidates on the ``n_trained_on`` labels that a
    scorer was trained on, counted over all scorings, are left out. ``chance`` compares the labels
    with the same labels moved away. Groups say by number which of the ``n_micrographs`` labels and
    candidates belong to, counting on in every further scoring; None is one micrograph.
    """

    label_scores: np.ndarray
    candidate_scores: np.ndarray
    chance: ChanceTest
    n_scorings: int = 1
    n_trained_on: int = 0
    label_groups: np.ndarray | None = None
    candidate_groups: np.ndarray | None = None
    n_micrographs: int = 1

    @property
    def micrograph_of_label(self) -> np.ndarray:
        """Number of the micrograph of each label."""
        if self.label_groups is None:
            return np.zeros(self.n_labels, dtype=int)
        return self.label_groups % self.n_micrographs

    def probability(
        self, guess: float, most: float = np.inf, spread: float = 1.0
    ) -> ParticleProbability:
        """Return the probability that a candidate is a particle, by its held-out score.

        ``guess`` is one of the particles in the micrographs, with the ``spread`` of its logarithm;
        more than ``most`` are impossible.
        """
        return ParticleProbability.fit(
            self.label_scores,
            self.candidate_scores,
            guess=self._among_candidates(guess),
            most=self._among_candidates(most),
            spread=spread,
            label_groups=self.label_groups,
            candidate_groups=self.candidate_groups,
        )

    def _among_candidates(self, n_particles: float) -> float:
        """Convert a number of particles in the micrographs to one among the candidates."""
        n_detected = int(np.isfinite(self.label_scores).sum())
        return max(n_particles * self.n_scorings - self.n_trained_on, n_detected)

    def in_micrographs(self, n_among_candidates: float) -> float:
        """Convert a number of particles among the candidates to one in the micrographs."""
        return max((n_among_candidates + self.n_trained_on) / self.n_scorings, self.n_labels)

    @property
    def n_labels(self) -> int:
        """Number of labelled particles."""
        return len(self.label_scores)

    def at_same_ranks(self, candidate_scores: np.ndarray) -> np.ndarray:
        """Return the scores of the labels at their ranks among other, ascending, candidates."""
        ranks = np.searchsorted(self.candidate_scores, self.label_scores)
        share = ranks / max(1, len(self.candidate_scores))
        at = np.rint(share * len(candidate_scores)).astype(int)
        at = np.clip(at, 0, len(candidate_scores) - 1)
        return np.where(np.isfinite(self.label_scores), candidate_scores[at], -np.inf)


def held_out_scores(
    train: TrainEach,
    images: Sequence[GridImage],
    labels: Sequence[np.ndarray],
    radius: float,
    rng: np.random.RandomState,
    move: LabelMover,
    *,
    verbose: int = 0,
) -> HeldOutScores:
    """Train on one half of the labels and score the other half, then the other way round.

    A label belongs to the nearest candidates within ``radius`` stored pixels. The halves are of
    micrographs, so that a scorer was trained on neither the label nor its surroundings. Where one
    micrograph holds most of the labels, the labels are split instead, and every micrograph is
    scored once by each scorer. ``move`` says where labels mean nothing, which tests the scores.
    """
    folds = _folds_of_micrographs(labels, rng)
    if folds is None:
        return _hold_out_labels(train, images, labels, radius, rng, move, verbose)
    others = [np.setdiff1d(np.arange(len(images)), fold) for fold in folds]
    trained = train([([images[i] for i in part], [labels[i] for i in part]) for part in others])
    pairs = [(find, i) for find, fold in zip(trained, folds, strict=True) for i in fold]
    scored = [
        _scored(find_candidates(images[i]), labels[i], radius, images[i], move)
        for find_candidates, i in _shown(pairs, "scoring held-out labels", verbose)
    ]
    return _held_out(scored, np.concatenate(folds), len(images))


def _hold_out_labels(train, images, labels, radius, rng, move, verbose) -> HeldOutScores:
    scored, n_trained_on = [], 0
    fold_of_label = rng.permutation(sum(map(len, labels))) % N_FOLDS
    ends = np.cumsum([len(xy) for xy in labels])[:-1]
    held_out = [np.split(fold_of_label == fold, ends) for fold in range(N_FOLDS)]
    trained = train(
        [(list(images), [xy[~held] for xy, held in zip(labels, one)]) for one in held_out]
    )
    scorings = [
        (find, *one)
        for find, is_held_out in zip(trained, held_out, strict=True)
        for one in zip(images, labels, is_held_out)
    ]
    for find_candidates, image, xy, held in _shown(scorings, "scoring held-out labels", verbose):
        scored.append(_scored(find_candidates(image), xy, radius, image, move, held))
        n_trained_on += int(len(xy) - held.sum())
    groups = np.arange(N_FOLDS * len(images))
    return _held_out(scored, groups, len(images), N_FOLDS, n_trained_on)


class MatchedScores(NamedTuple):
    """Scores of labels and of all candidates, ascending, with the number of their micrograph."""

    labels: np.ndarray
    candidates: np.ndarray
    label_groups: np.ndarray
    candidate_groups: np.ndarray

    @classmethod
    def joined(cls, scores, groups) -> MatchedScores:
        """Join the scores, of labels and candidates, of all micrographs."""
        labels, candidates = (np.concatenate(kind) for kind in zip(*scores))
        label_groups, candidate_groups = (
            np.repeat(groups, [len(one) for one in kind]) for kind in zip(*scores)
        )
        order = np.argsort(candidates, kind="stable")
        return cls(labels, candidates[order], label_groups, candidate_groups[order])


def label_and_candidate_scores(
    find_candidates: FindCandidates,
    images: Sequence[GridImage],
    labels: Sequence[np.ndarray],
    radius: float,
    *,
    verbose: int = 0,
) -> MatchedScores:
    """Return the scores of the candidates on the labels, and those of all candidates.

    A label without a candidate within ``radius`` stored pixels scores ``-inf``.
    """
    pairs = list(zip(images, labels, strict=True))
    scores = [
        _scores(find_candidates(image), xy, radius)
        for image, xy in _shown(pairs, "scoring", verbose)
    ]
    in_columns = [(at, candidates[:, 2]) for at, candidates in scores]
    return MatchedScores.joined(in_columns, np.arange(len(images)))


def _shown(scorings: list, what: str, verbose: int) -> Iterable:
    return with_progress(scorings, len(scorings), "micrograph", what, verbose=verbose)


def _held_out(scored, groups, n_micrographs, n_scorings=1, n_trained_on=0) -> HeldOutScores:
    """Join the results of `_scored` of all micrographs."""
    scores, chances = zip(*scored)
    joined = MatchedScores.joined([(at, found[:, 2]) for at, found in scores], groups)
    chance = ChanceTest.joined(chances, joined.candidates)
    return HeldOutScores(
        joined.labels,
        joined.candidates,
        chance,
        n_scorings,
        n_trained_on,
        joined.label_groups,
        joined.candidate_groups,
        n_micrographs,
    )


def _scored(candidates, labels, radius, image, move, held_out=None):
    """Score the held-out labels as they are and where they are moved to."""
    label_scores, kept = _scores(candidates, labels, radius, held_out)
    held = labels if held_out is None else labels[held_out]
    return (label_scores, kept), move.test(image, held, labels, kept)


def _scores(
    candidates: np.ndarray, labels: np.ndarray, radius: float, held_out: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Score the held-out labels; return their scores, and all candidates but on the others."""
    index = match_picks([labels], [candidates], radius)[0].truth_index
    label_scores = np.full(len(labels), -np.inf)
    label_scores[index[index >= 0]] = candidates[index >= 0, 2]
    if held_out is None:
        return label_scores, candidates
    kept = np.append(held_out, True)[index]  # index -1, on no label, takes the last
    return label_scores[held_out], candidates[kept]


def _folds_of_micrographs(labels, rng: np.random.RandomState) -> list[np.ndarray] | None:
    """Deal micrographs out so that folds have about equally many labels.

    None if a fold would have less than half of its share.
    """
    n_labels = np.array([len(xy) for xy in labels])
    shuffled = rng.permutation(len(labels))
    order = shuffled[np.argsort(-n_labels[shuffled], kind="stable")]
    turn = np.concatenate([np.arange(N_FOLDS), np.arange(N_FOLDS)[::-1]])
    fold_of = np.resize(turn, len(order))  # there and back again: 0 1 1 0 0 1 ...
    folds = [np.sort(order[fold_of == fold]) for fold in range(N_FOLDS)]
    fewest = min(n_labels[fold].sum() for fold in folds)
    return folds if 2 * N_FOLDS * fewest >= n_labels.sum() else None
