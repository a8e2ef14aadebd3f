"""What the labels tell about the picks of a fitted picker: how many, how good, where to cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from puclassify.picking._cross_fitting import HeldOutScores
from puclassify.picking._pick_posterior import PickPosterior
from puclassify.picking._threshold_rules import choose_threshold, cuts, is_rule, quality

__all__ = ["PickEstimates"]


_KNOWN = 0.03  # spread of the logarithm of a number that is known


@dataclass(frozen=True)
class PickEstimates:
    """The probability of candidates by their score, and the candidates of the training micrographs.

    Parameters
    ----------
    posterior : PickPosterior
        By the scores of the final scorer.
    held_out : HeldOutScores
        Of scorers that had not learnt from the labels they scored.
    at_held_out : PickPosterior
        By their scores.
    logits : ndarray of shape (n,), ascending
        Calibrated logits of all candidates.
    n_micrographs : float
        How many micrographs of median area were trained on.

    Notes
    -----
    How many particles there are is told by held-out labels among the candidates of the scorers
    that they were held out from: `PickPosterior.cautious_n_particles`. The final scorer has its
    own scale. On it the labels take the places that they had, held out, among those candidates,
    and the number is known, which leaves one parameter to be found. The intervals are those at
    the same place among the held-out candidates.
    """

    posterior: PickPosterior
    held_out: HeldOutScores
    at_held_out: PickPosterior
    logits: np.ndarray
    n_micrographs: float

    @classmethod
    def fit(cls, held_out: HeldOutScores, at_held_out: PickPosterior, candidates, n_micrographs):
        """Estimate them for the final scorer.

        Parameters
        ----------
        held_out : HeldOutScores
            Of scorers that had not learnt from the labels they scored.
        at_held_out : PickPosterior
            By their scores.
        candidates : ndarray of shape (n,), ascending
            What the final scorer gives all candidates of the training micrographs.
        n_micrographs : float
            How many micrographs of median area were trained on.

        Returns
        -------
        PickEstimates
            The estimates.

        Raises
        ------
        ValueError
            If the scores of the labels cannot be fitted.
        """
        number = held_out.once(at_held_out.cautious_n_particles)
        labels = held_out.carried_to(candidates)
        posterior = PickPosterior.fit(labels, candidates, guess=number, spread=_KNOWN)
        logits = posterior.slope * candidates + posterior.intercept
        return cls(posterior, held_out, at_held_out, logits, n_micrographs)

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
        intervals = self.at_held_out.intervals(self._held_out_thresholds(thresholds))
        told = {"threshold": thresholds}
        for name in ("precision", "recall", "f1"):
            told |= {name: expected[name], f"{name}_interval": intervals[name]}
        return told | {
            "n_picks": expected["n_picks"] / self.n_micrographs,
            "n_particles": self.n_particles,
            "n_particles_interval": tuple(
                float(self.held_out.once(number) / self.n_micrographs)
                for number in intervals["n_particles"]
            ),
        }

    def _held_out_thresholds(self, thresholds):
        """Return the scores of held-out candidates above which as many of them lie."""
        share = np.searchsorted(self.logits, thresholds, side="right") / len(self.logits)
        candidates = self.held_out.candidates
        at = np.rint(share * len(candidates)).astype(int)
        return np.append(-np.inf, candidates)[at]


def _of_one_threshold(values):
    """Return a number, or a pair, where an array says it of every threshold."""
    if not isinstance(values, np.ndarray):
        return values
    (only,) = values.tolist()
    return tuple(only) if isinstance(only, list) else only
