"""The estimates that a fitted picker keeps: how good its picks are at every threshold."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from puclassify._warnings import warn
from puclassify.picking.estimates._between_micrographs import MicrographQuality
from puclassify.picking.estimates._cross_fitting import HeldOutScores, MatchedScores
from puclassify.picking.estimates._expected_quality import expected_quality, separating_thresholds
from puclassify.picking.estimates._particle_probability import ParticleProbability, can_be_fitted
from puclassify.picking.estimates._threshold_rules import ChosenRule, choose_threshold

__all__ = ["PickQuality", "fit_pick_quality"]

_HELD_OUT_WEIGHT = 0.632  # of held-out scores, beside scores of labels that were trained on
_SETTLED_SPREAD = 0.03  # of the logarithm of a number that is settled


@dataclass(frozen=True)
class PickQuality:
    """The probability of candidates by their score, and the candidates of the training micrographs.

    ``probability`` belongs to the scores of the final scorer, with the number of particles settled;
    ``by_source`` are models fitted to held-out scores only and to training scores only, used for
    the intervals, which ``micrographs`` widen by what differs between these.
    """

    probability: ParticleProbability
    by_source: tuple[ParticleProbability, ...]
    micrographs: MicrographQuality

    @property
    def logits(self) -> np.ndarray:
        """Calibrated logits of all candidates, ascending."""
        return self.micrographs.logits

    @property
    def total_area(self) -> float:
        """Area of the training micrographs in units of the median one."""
        return float(self.micrographs.areas.sum())

    @property
    def calibration(self) -> tuple[float, float]:
        """Slope and intercept that turn the scorer's logits into calibrated ones."""
        return self.probability.slope, self.probability.intercept

    @property
    def detected_fraction(self) -> float:
        """Share of the particles that have a candidate."""
        return self.probability.detected_fraction

    @property
    def n_particles(self) -> float:
        """Number of particles in a training micrograph of median area."""
        return float(expit(self.logits).sum() / self.detected_fraction / self.total_area)

    def warn_if_above_all(self, threshold: float) -> None:
        """Warn of a logit that no candidate of the training micrographs is above."""
        highest = self.logits[-1]
        if highest < threshold < np.inf:
            warn(
                f"threshold={threshold:g} is above all scores in the training micrographs, "
                f"{highest:.3g} at most. It is a logit (0 is a probability of one half), not a "
                'percentage; threshold=("precision", 0.9) asks for a precision'
            )

    def choose_threshold(self, rule: ChosenRule) -> float:
        """Return the logit that a checked rule chooses."""
        return choose_threshold(rule, self.expected(separating_thresholds(self.logits)))

    def report(self, threshold: float) -> dict[str, Any]:
        """Return `expected_quality` at one threshold, as numbers and pairs, without the arrays."""
        expected = self.expected_quality([threshold])
        return {name: _of_one_threshold(values) for name, values in expected.items()}

    def expected_quality(self, thresholds: ArrayLike | None = None) -> dict[str, Any]:
        """Return what `ParticlePicker.expected_quality` documents."""
        if thresholds is None:
            thresholds = separating_thresholds(self.logits)
        thresholds = np.asarray(thresholds, dtype=float)
        expected = self.expected(thresholds)
        values = {**expected, "n_particles": np.asarray(self.n_particles)}
        intervals = self._intervals(thresholds)
        intervals["n_particles"] = intervals["n_particles"] / self.total_area
        intervals = {name: _widened(interval, values[name]) for name, interval in intervals.items()}
        intervals = self.micrographs.widen(intervals, thresholds)
        quality = {"threshold": thresholds}
        for name in ("precision", "recall", "f1"):
            quality |= {name: expected[name], f"{name}_interval": intervals[name]}
        return quality | {
            "n_picks": expected["n_picks"],
            "n_particles": self.n_particles,
            "n_particles_interval": tuple(intervals["n_particles"].tolist()),
        }

    def expected(self, thresholds: np.ndarray) -> dict[str, np.ndarray]:
        """Return the expected quality at thresholds, numbers in a micrograph of median area."""
        expected = expected_quality(self.logits, thresholds, self.detected_fraction)
        expected["n_picks"] = expected["n_picks"] / self.total_area
        expected["n_particles"] = expected["n_particles"] / self.total_area
        return {"threshold": thresholds, **expected}

    def _intervals(self, thresholds: np.ndarray) -> dict[str, np.ndarray]:
        """Return intervals that span those of either source of scores, at logits."""
        slope, intercept = self.calibration
        scores = (thresholds - intercept) / slope
        intervals = [probability.intervals(scores) for probability in self.by_source]
        return {name: _spanned([one[name] for one in intervals]) for name in intervals[0]}


def fit_pick_quality(
    held_out: HeldOutScores,
    scores: MatchedScores,
    *,
    may_memorize: bool = False,
    guess: float,
    most: float = np.inf,
    spread: float = 1.0,
    areas: np.ndarray,
) -> PickQuality | None:
    """Estimate the quality of the picks of the final scorer; None if the labels do not suffice.

    ``scores`` are those of the final scorer for the labels it was trained on, which are not used
    if it may memorise them or some mean nothing, and for all candidates.
    ``guess`` is the number of particles in the micrographs, with the ``spread`` of its logarithm;
    more than ``most`` are impossible. ``areas`` are those of the micrographs, in units of the
    median.

    The final scorer was trained on all labels, and for longer than the cross-fitted ones. Its own
    scores of the labels are too high for other particles, and the scores at their held-out ranks
    too low. Both are used, with weights .368 and .632, as in the .632 estimator of an error rate
    (Efron 1983, J. Am. Stat. Assoc. 78, 316). The number of particles is settled at its lower
    quartile. Intervals span those of either source, and the estimate.
    """
    fit = partial(
        ParticleProbability.fit,
        candidate_scores=scores.candidates,
        candidate_groups=scores.candidate_groups,
        most=most,
    )
    sources = [(held_out.at_same_ranks(scores.candidates), held_out.micrograph_of_label)]
    by_source = _fit_each(fit, sources, guess, spread)
    if not (may_memorize or any(one.labels_are_partly_wrong for one in by_source)):
        sources.append((scores.labels, scores.label_groups))
        by_source += _fit_each(fit, sources[1:], guess, spread)
    shares = [1.0] if len(sources) == 1 else [_HELD_OUT_WEIGHT, 1 - _HELD_OUT_WEIGHT]
    weights = np.repeat(shares, held_out.n_labels)
    label_scores, label_groups = (np.concatenate(kind) for kind in zip(*sources))
    if not can_be_fitted(label_scores, weights):
        return None
    fit_all = partial(fit, label_scores, label_weights=weights, label_groups=label_groups)
    unsettled = fit_all(guess=guess, spread=spread)
    settled = fit_all(
        guess=max(unsettled.cautious_n_particles, held_out.n_labels),
        spread=_SETTLED_SPREAD,
    )
    logits = settled.slope * scores.candidates + settled.intercept
    micrographs = MicrographQuality(logits, scores.candidate_groups, areas)
    return PickQuality(settled, tuple(by_source or [unsettled]), micrographs)


def _fit_each(fit, sources, guess: float, spread: float) -> list[ParticleProbability]:
    """Fit the scores and groups of each source of labels that can be fitted."""
    return [
        fit(label_scores, label_groups=groups, guess=guess, spread=spread)
        for label_scores, groups in sources
        if can_be_fitted(label_scores)
    ]


def _spanned(intervals: list[np.ndarray]) -> np.ndarray:
    """Return the intervals, ends along the last axis, from the lowest to the highest end."""
    low, high = np.moveaxis(np.stack(intervals), -1, 0)
    return np.stack([low.min(axis=0), high.max(axis=0)], axis=-1)


def _widened(interval: np.ndarray, value) -> np.ndarray:
    """Widen an interval to an estimate, which a cautious number can carry beyond its end."""
    low, high = np.moveaxis(interval, -1, 0)
    return np.stack([np.minimum(low, value), np.maximum(high, value)], axis=-1)


def _of_one_threshold(values):
    """Return the number, or the pair, that an array holds for its only threshold."""
    if not isinstance(values, np.ndarray):
        return values
    (only,) = values.tolist()
    return tuple(only) if isinstance(only, list) else only
