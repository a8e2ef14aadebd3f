"""What the labels tell about the picks of a fitted picker: how many, how good, where to cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from puclassify.picking.estimates._cross_fitting import HeldOutScores
from puclassify.picking.estimates._particle_probability import PickPosterior, can_be_fitted
from puclassify.picking.estimates._threshold_rules import choose_threshold, cuts, is_rule, quality

__all__ = ["PickEstimates"]

_HELD_OUT = 0.632  # weight of scores of labels not learnt from, beside those learnt from
_KNOWN = 0.03  # spread of the logarithm of a number that is known


@dataclass(frozen=True)
class PickEstimates:
    """The probability of candidates by their score, and the candidates of the training micrographs.

    Parameters
    ----------
    posterior : PickPosterior
        By the scores of the final scorer, with the number of particles that was settled on.
    extremes : tuple of PickPosterior
        The same by each kind of scores alone, and with the number open.
    logits : ndarray of shape (n,), ascending
        Calibrated logits of all candidates.
    n_micrographs : float
        How many micrographs of median area were trained on.

    Notes
    -----
    The final scorer has learnt from all labels, for longer, and from more of them than the
    scorers they were held out from. What it gives them is better than what it gives other
    particles; the places that they had among the candidates of those scorers are worse. Both are
    taken, with weights .368 and .632, as the .632 estimator of an error rate does with what was
    learnt from and what was not (Efron 1983, J. Am. Stat. Assoc. 78, 316). The number that is
    settled on is `PickPosterior.cautious_n_particles`. Intervals reach from the lower of the two
    lower ends that either would have alone to the higher of the upper ones, and to the estimate.
    """

    posterior: PickPosterior
    extremes: tuple[PickPosterior, ...]
    logits: np.ndarray
    n_micrographs: float

    @classmethod
    def fit(
        cls, held_out: HeldOutScores, learnt, candidates, guess: float, n_micrographs: float
    ) -> PickEstimates | None:
        """Estimate them for the final scorer.

        Parameters
        ----------
        held_out : HeldOutScores
            Of scorers that had not learnt from the labels they scored.
        learnt : ndarray of shape (k,) or None
            What the final scorer gives the labels, ``-inf`` where there is no candidate; None if
            it may know them by heart.
        candidates : ndarray of shape (n,), ascending
            What it gives all candidates of the training micrographs.
        guess : float
            Number of particles in the micrographs, to within a factor of several.
        n_micrographs : float
            How many micrographs of median area were trained on.

        Returns
        -------
        PickEstimates or None
            The estimates; None if the scores of the labels cannot be fitted.
        """
        kinds = [held_out.carried_to(candidates)]
        weights, n_labels = np.ones(len(kinds[0])), len(kinds[0])
        if learnt is not None:
            kinds.append(learnt)
            weights = np.repeat([_HELD_OUT, 1 - _HELD_OUT], n_labels)
        labels = np.concatenate(kinds)
        if not can_be_fitted(labels, weights):
            return None

        def fit(labels, weights=None, **number):
            return PickPosterior.fit(labels, candidates, weights=weights, **number)

        of_both = fit(labels, weights, guess=guess)
        number = max(of_both.cautious_n_particles, n_labels)
        posterior = fit(labels, weights, guess=number, spread=_KNOWN)
        extremes = [fit(kind, guess=guess) for kind in kinds if can_be_fitted(kind)]
        logits = posterior.slope * candidates + posterior.intercept
        return cls(posterior, tuple(extremes or [of_both]), logits, n_micrographs)

    @property
    def calibration(self) -> tuple[float, float]:
        """Slope and intercept that take the scorer's logits to calibrated ones.

        Returns
        -------
        tuple of (float, float)
            Slope and intercept.
        """
        return self.posterior.slope, self.posterior.intercept

    @property
    def n_particles(self) -> float:
        """Number of particles in a training micrograph of median area.

        Returns
        -------
        float
            The number.
        """
        in_all = float(expit(self.logits).sum()) / self.posterior.found
        return in_all / self.n_micrographs

    def threshold(self, rule) -> float:
        """Return the logit at which a rule cuts.

        Parameters
        ----------
        rule : float, str or (str, float)
            The threshold of a picker, checked.

        Returns
        -------
        float
            A number is returned as it is.
        """
        if not is_rule(rule):
            return rule
        return choose_threshold(rule, self.logits, self.posterior.found)

    def report(self, threshold: float) -> dict:
        """Say what is expected of the picks above a logit.

        Parameters
        ----------
        threshold : float
            The logit.

        Returns
        -------
        dict
            Numbers, and 90 % intervals under the same names with ``_interval``.
        """
        expected = self.expected_quality([threshold])
        return {name: _of_one_threshold(values) for name, values in expected.items()}

    def expected_quality(self, thresholds=None) -> dict:
        """Say what is expected of the picks above logits.

        Parameters
        ----------
        thresholds : array-like of shape (n,) or None, default=None
            Logits; None stands for one below every candidate, from the best one down.

        Returns
        -------
        dict
            As of `ParticlePicker.expected_quality`.
        """
        if thresholds is None:
            thresholds, _ = cuts(self.logits)
        thresholds = np.asarray(thresholds, dtype=float)
        expected = quality(self.logits, thresholds, self.posterior.found)
        intervals = self._intervals(thresholds)
        told = {"threshold": thresholds}
        for name in ("precision", "recall", "f1"):
            interval = _widened(intervals[name], expected[name])
            told |= {name: expected[name], f"{name}_interval": interval}
        interval = _widened(intervals["n_particles"] / self.n_micrographs, self.n_particles)
        return told | {
            "n_picks": expected["n_picks"] / self.n_micrographs,
            "n_particles": self.n_particles,
            "n_particles_interval": tuple(interval.tolist()),
        }

    def _intervals(self, thresholds) -> dict[str, np.ndarray]:
        """Return intervals as wide as those of either kind of scores, at logits."""
        slope, intercept = self.calibration
        thresholds = (thresholds - intercept) / slope
        of_kinds = [posterior.intervals(thresholds) for posterior in self.extremes]

        def spanned(name):
            low, high = np.moveaxis([intervals[name] for intervals in of_kinds], -1, 0)
            return np.stack([low.min(axis=0), high.max(axis=0)], axis=-1)

        return {name: spanned(name) for name in of_kinds[0]}


def _widened(interval, value) -> np.ndarray:
    """Widen an interval to an estimate, which a cautious number can carry beyond its end."""
    low, high = np.moveaxis(interval, -1, 0)
    return np.stack([np.minimum(low, value), np.maximum(high, value)], axis=-1)


def _of_one_threshold(values):
    """Return a number, or a pair, where an array says it of every threshold."""
    if not isinstance(values, np.ndarray):
        return values
    (only,) = values.tolist()
    return tuple(only) if isinstance(only, list) else only
