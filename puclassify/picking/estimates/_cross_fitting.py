"""Score labelled particles by scorers that have not learnt from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import mannwhitneyu

from puclassify.metrics import match_picks
from puclassify.picking.estimates._particle_probability import PickPosterior

__all__ = ["HeldOutScores", "held_out_scores", "scores_of"]

N_FOLDS = 2
_CHANCE = 0.01  # level of the test that scores rank at all


@dataclass(frozen=True)
class HeldOutScores:
    """Scores of labelled particles among those of everything.

    Parameters
    ----------
    labels : ndarray of shape (k,)
        Of the candidate on each label; ``-inf`` where there is none.
    candidates : ndarray of shape (n,), ascending
        Of all candidates, those on the labels included, but for those that were learnt from.
    n_times : int
        How often every micrograph was scored.
    n_left_out : int
        Labelled particles that were learnt from and are not among the candidates, in all times.
    """

    labels: np.ndarray
    candidates: np.ndarray
    n_times: int = 1
    n_left_out: int = 0

    def rank(self) -> bool:
        """Tell whether labels score higher than other candidates, by more than chance.

        Returns
        -------
        bool
            The outcome of a one-sided Mann-Whitney test.
        """
        found = self.labels[np.isfinite(self.labels)]
        if not len(found):
            return False
        test = mannwhitneyu(found, self.candidates, alternative="greater", method="asymptotic")
        return bool(test.pvalue < _CHANCE)

    def posterior(self, guess: float) -> PickPosterior:
        """Estimate how probable it is at any score that a candidate is a particle.

        Parameters
        ----------
        guess : float
            Number of particles in the micrographs, to within a factor of several.

        Returns
        -------
        PickPosterior
            Of the candidates, as often as they were scored.
        """
        n_found = int(np.isfinite(self.labels).sum())
        guess = max(guess * self.n_times - self.n_left_out, n_found)
        return PickPosterior.fit(self.labels, self.candidates, guess=guess)

    def once(self, n_particles: float) -> float:
        """Return what a number of particles among the candidates is in the micrographs.

        Parameters
        ----------
        n_particles : float
            Of `posterior`.

        Returns
        -------
        float
            At least the number of labels.
        """
        return max((n_particles + self.n_left_out) / self.n_times, len(self.labels))

    def carried_to(self, candidates: np.ndarray) -> np.ndarray:
        """Return what the labels would score among other candidates, at the same ranks.

        Parameters
        ----------
        candidates : ndarray of shape (m,), ascending
            Of another scorer on the same micrographs.

        Returns
        -------
        ndarray of shape (k,)
            Scores, ``-inf`` where there was no candidate.
        """
        share = np.searchsorted(self.candidates, self.labels) / max(1, len(self.candidates))
        at = np.clip(np.rint(share * len(candidates)).astype(int), 0, len(candidates) - 1)
        return np.where(np.isfinite(self.labels), candidates[at], -np.inf)


def held_out_scores(train: Callable, images, labels, radius, rng) -> HeldOutScores:
    """Train on one half of the labels, score the other, and the other way round.

    Parameters
    ----------
    train : callable
        Takes micrographs and the labels on them; returns a function from a micrograph to all its
        candidates as x, y, score by descending score.
    images : list of n GridImage
        The preprocessed micrographs.
    labels : list of n ndarray of shape (k_i, 2)
        Labelled centres in stored pixels, at least two in all.
    radius : float
        Largest distance from a label to its candidate, in stored pixels.
    rng : RandomState
        Draws the halves.

    Returns
    -------
    HeldOutScores
        Of all labels, and of the candidates of all micrographs.

    Notes
    -----
    The halves are of micrographs, so that neither a label nor the micrograph around it was learnt
    from. Where most labels are on one micrograph, labels are parted instead, and every micrograph
    is scored as often as there are parts.
    """
    parts = _parts_of_micrographs(labels, rng)
    scores, n_times, n_left_out = [], 1, 0
    if parts is not None:
        for part in parts:
            others = np.setdiff1d(np.arange(len(images)), part)
            pick = train([images[i] for i in others], [labels[i] for i in others])
            scores += [_scores(pick(images[i]), labels[i], radius) for i in part]
    else:
        n_times = N_FOLDS
        part_of = rng.permutation(sum(map(len, labels))) % N_FOLDS
        ends = np.cumsum([len(xy) for xy in labels])[:-1]
        for number in range(N_FOLDS):
            held = np.split(part_of == number, ends)
            pick = train(images, [xy[~own] for xy, own in zip(labels, held)])
            for image, xy, own in zip(images, labels, held):
                scores.append(_scores(pick(image), xy, radius, own))
                n_left_out += len(xy) - own.sum()
    return HeldOutScores(*_gathered(scores), n_times, n_left_out)


def scores_of(pick: Callable, images, labels, radius) -> tuple[np.ndarray, np.ndarray]:
    """Score labels and all candidates by one scorer, whatever it has learnt from.

    Parameters
    ----------
    pick : callable
        From a micrograph to all its candidates as x, y, score by descending score.
    images : list of n GridImage
        The preprocessed micrographs.
    labels : list of n ndarray of shape (k_i, 2)
        Labelled centres in stored pixels.
    radius : float
        Largest distance from a label to its candidate, in stored pixels.

    Returns
    -------
    of_labels : ndarray of shape (k,)
        ``-inf`` where there is no candidate.
    of_all : ndarray of shape (n,), ascending
        Of all candidates.
    """
    scores = [_scores(pick(image), xy, radius) for image, xy in zip(images, labels, strict=True)]
    return _gathered(scores)


def _gathered(scores) -> tuple[np.ndarray, np.ndarray]:
    """Join the scores of labels and of candidates from all micrographs, the latter ascending."""
    of_labels, of_all = (np.concatenate(kind) for kind in zip(*scores))
    return of_labels, np.sort(of_all)


def _scores(picks, labels, radius, held=None):
    """Return the scores of the candidates on held-out labels, and of all but those on others."""
    index = match_picks([labels], [picks], radius)[0].truth_index
    of_labels = np.full(len(labels), -np.inf)
    of_labels[index[index >= 0]] = picks[index >= 0, 2]
    if held is None:
        return of_labels, picks[:, 2]
    kept = np.append(held, True)[index]  # the last one for candidates on no label
    return of_labels[held], picks[kept, 2]


def _parts_of_micrographs(labels, rng) -> list[np.ndarray] | None:
    """Deal micrographs out so that the parts have about equally many labels; None if they cannot.

    That is, if one would have less than half of its share.
    """
    n_labels = np.array([len(xy) for xy in labels])
    shuffled = rng.permutation(len(labels))
    order = shuffled[np.argsort(-n_labels[shuffled], kind="stable")]
    turn = np.concatenate([np.arange(N_FOLDS), np.arange(N_FOLDS)[::-1]])
    part_of = np.resize(turn, len(order))  # there and back again: 0 1 1 0 0 1 ...
    parts = [np.sort(order[part_of == number]) for number in range(N_FOLDS)]
    fewest = min(n_labels[part].sum() for part in parts)
    return parts if 2 * N_FOLDS * fewest >= n_labels.sum() else None
