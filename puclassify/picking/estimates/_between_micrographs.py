"""How much the quality of picks differs between micrographs, and what that adds to intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit
from scipy.stats import t as student

__all__ = ["MicrographQuality"]

# What a few micrographs say of their spread is uncertain: as many degrees of freedom as below have
# a spread of logits (of logarithms for numbers) that is typical.
_TYPICAL_SPREAD = {
    "precision": 0.3,
    "recall": 0.4,
    "f1": 0.3,
    "n_particles": 0.15,
    "mean_logit": 0.4,
}
_TYPICAL_FREEDOM = 3
_TAIL = 0.05
_UNLIKELY = 0.01


@dataclass(frozen=True)
class MicrographQuality:
    """Expected quality of the picks of each training micrograph, to widen intervals by its spread.

    ``logits`` (n,), ascending, are those of all candidates, ``groups`` (n,) the numbers of their
    micrographs and ``areas`` (m,) the micrographs' areas in units of the median one.

    Intervals of what all training micrographs have in common are too narrow for other micrographs
    of the session. The mean over m new ones differs from that over the m that were trained on by
    the variance between micrographs times 2 / m. Quantiles are those of Student's t. They are added
    to the ends as they are, not in squares: what is hard to see in one micrograph is hard to see in
    all, and then both errors go the same way.
    """

    logits: np.ndarray
    groups: np.ndarray
    areas: np.ndarray

    def _by_micrograph(self) -> list[np.ndarray]:
        order = np.argsort(self.groups, kind="stable")  # ascending logits stay so
        ends = np.searchsorted(self.groups[order], np.arange(1, len(self.areas)))
        return np.split(self.logits[order], ends)

    def widen(
        self, intervals: dict[str, np.ndarray], thresholds: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Return wider intervals (..., 2), by name, at thresholds."""
        additions = self.additions(thresholds)
        return {
            name: _widened(interval, additions[name], *_SCALES.get(name, _OF_SHARES))
            for name, interval in intervals.items()
        }

    def lowest_mean_logit(self, threshold: float, n_picks: np.ndarray) -> np.ndarray:
        """Return what the mean logit of the picks is below in one of 100 micrographs like these.

        It is lower for fewer picks above the threshold, and NaN where none of these have any.
        """
        picks = [one[one > threshold] for one in self._by_micrograph()]
        means = np.array([one.mean() for one in picks if len(one)])
        if not len(means):
            return np.full(np.shape(n_picks), np.nan)
        between, freedom = _spread(means, "mean_logit")
        of_picks = np.concatenate(picks).std()
        variance = between**2 * (1 + 1 / len(means)) + of_picks**2 / np.maximum(n_picks, 1)
        return means.mean() - student.isf(_UNLIKELY, freedom) * np.sqrt(variance)

    def additions(self, thresholds: np.ndarray) -> dict[str, np.ndarray]:
        """Return what the spread adds to either side: to logits, or logarithms of numbers.

        It is that of 90 % intervals for the mean of as many new micrographs as these.
        """
        m = len(self.areas)
        n_right, n_picks, n_particles = self._numbers(thresholds)
        of_each = {
            # Half a candidate each way keeps logits finite.
            "precision": logit((n_right + 0.5) / (n_picks + 1)),
            "recall": logit((n_right + 0.5) / (n_particles[:, None] + 1)),
            "f1": logit((2 * n_right + 0.5) / (n_picks + n_particles[:, None] + 1)),
            "n_particles": np.log((n_particles + 0.5) / self.areas),
        }
        added = {}
        for name, each in of_each.items():
            spread, freedom = _spread(each, name)
            added[name] = student.isf(_TAIL, freedom) * np.sqrt(2 / m) * spread
        return added

    def _numbers(self, thresholds):
        """Return right picks and picks (m, n) above n thresholds, and particles (m,)."""
        n_right, n_picks, n_particles = [], [], []
        for ascending in self._by_micrograph():
            right_from = np.append(np.cumsum(expit(ascending)[::-1])[::-1], 0.0)
            first = np.searchsorted(ascending, thresholds, side="right")
            n_right.append(right_from[first])
            n_picks.append(len(ascending) - first)
            n_particles.append(right_from[0])
        return np.array(n_right), np.array(n_picks), np.array(n_particles)


def _spread(of_each: np.ndarray, name: str) -> tuple[np.ndarray, int]:
    """Return the standard deviation between micrographs, the first axis, and its freedom."""
    m = len(of_each)
    freedom = _TYPICAL_FREEDOM + m - 1
    typical = _TYPICAL_FREEDOM * _TYPICAL_SPREAD[name] ** 2
    return np.sqrt((typical + m * of_each.var(axis=0)) / freedom), freedom


def _widened(interval, addition, to_scale, from_scale):
    """Move either end of an interval outwards, on another scale."""
    low, high = np.moveaxis(interval, -1, 0)
    wider = [from_scale(to_scale(low) - addition), from_scale(to_scale(high) + addition)]
    # The other scale is finite: an end of 0 or 1 stays there.
    return np.stack([np.minimum(low, wider[0]), np.maximum(high, wider[1])], axis=-1)


def _finite_logit(share):
    return logit(np.clip(share, 1e-9, 1 - 1e-9))


def _finite_log(number):
    return np.log(np.maximum(number, 1e-9))


_OF_SHARES = _finite_logit, expit
_SCALES = {"n_particles": (_finite_log, np.exp)}
