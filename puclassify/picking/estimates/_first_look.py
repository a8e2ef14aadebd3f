"""What a pretrained network says of micrographs of which no label was looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from puclassify._warnings import warn
from puclassify.grid import GridImage
from puclassify.picking._geometry import areas, areas_in_medians
from puclassify.picking.estimates._between_micrographs import MicrographQuality
from puclassify.picking.estimates._cross_fitting import FindCandidates
from puclassify.picking.estimates._expected_quality import expected_quality, separating_thresholds
from puclassify.picking.estimates._particle_probability import ParticleProbability
from puclassify.picking.estimates._pick_quality import PickQuality

__all__ = ["LOWEST_LOGIT", "FirstLook", "warn_if_nearly_empty"]

# Where nearly nothing is a particle, the largest expected F1 picks what hardly is one.
LOWEST_LOGIT = -1.4  # a probability of one fifth
# Standard deviations, between kinds of particles and micrographs, of the logarithm of the slope
# and of the intercept of a line from scores to logits that was fitted to simulated micrographs.
_SLOPE_SPREAD, _INTERCEPT_SPREAD = 0.25, 1.0
_N_ALTERNATIVES = 9  # of either
_N_BINS = 400
_FEWEST_EXPECTED = 2.0  # right picks in a micrograph
_LOWEST_PRECISION = 0.5


@dataclass(frozen=True)
class FirstLook:
    """Scores of all candidates that a pretrained network finds in each of n micrographs.

    ``line`` is the slope and the intercept that turn a score into the logit of a particle.
    ``areas`` (n,) are those of the micrographs in units of the median, ``area`` their sum in square
    stored pixels. ``find_candidates`` is the network, for further micrographs.
    """

    scores: list[np.ndarray]
    line: tuple[float, float]
    areas: np.ndarray
    area: float
    find_candidates: FindCandidates

    @classmethod
    def at(
        cls,
        images: Sequence[GridImage],
        find_candidates: FindCandidates,
        line: tuple[float, float],
    ) -> FirstLook:
        """Look at preprocessed micrographs."""
        scores = [find_candidates(image)[:, 2] for image in images]
        sizes = float(areas(images).sum())
        return cls(scores, line, areas_in_medians(images), sizes, find_candidates)

    @property
    def logits(self) -> np.ndarray:
        """Calibrated logits of all candidates."""
        slope, intercept = self.line
        return slope * np.concatenate(self.scores) + intercept

    @property
    def n_particles(self) -> float:
        """Expected number of particles in these micrographs."""
        return float(expit(self.logits).sum())

    def particles_in(self, images: Sequence[GridImage]) -> float:
        """Return how many particles other micrographs of the session hold, by their area."""
        return self.n_particles * float(areas(images).sum()) / self.area

    @property
    def expected_f1(self) -> float:
        """The largest expected F1 of the picks above any threshold, 0 without candidates."""
        logits = self.logits
        if not len(logits):
            return 0.0
        return float(expected_quality(logits, separating_thresholds(logits), 1.0)["f1"].max())

    def quality(self) -> PickQuality | None:
        """Return the estimated quality of the network's picks, None without candidates.

        The uncertainty is that of the line, which other micrographs and particles were fitted to.
        """
        groups = np.repeat(np.arange(len(self.scores)), [len(one) for one in self.scores])
        scores = np.concatenate(self.scores)
        if not len(scores):
            return None
        order = np.argsort(scores, kind="stable")
        slope, intercept = self.line
        logits = slope * scores[order] + intercept
        probability = _with_spread(scores, slope, intercept)
        micrographs = MicrographQuality(logits, groups[order], self.areas)
        return PickQuality(probability, (probability,), micrographs)


def _with_spread(scores: np.ndarray, slope: float, intercept: float) -> ParticleProbability:
    """Return a line between scores and logits with the alternatives that are as possible."""
    low, high = scores.min(), scores.max()
    edges = np.linspace(low, high + 1e-6 * max(high - low, 1e-3), _N_BINS + 1)
    counts = np.histogram(scores, edges)[0]
    z = np.linspace(-2.5, 2.5, _N_ALTERNATIVES)
    steeper, shifted = (one.ravel() for one in np.meshgrid(z, z, indexing="ij"))
    slopes = slope * np.exp(_SLOPE_SPREAD * steeper)
    # Steeper around the score of probability one half, which the intercept shifts.
    midpoints = -(intercept + _INTERCEPT_SPREAD * shifted) / slope
    weights = np.exp(-(steeper**2 + shifted**2) / 2)
    return ParticleProbability(
        slope,
        intercept,
        detected_fraction=1.0,
        bin_centres=(edges[1:] + edges[:-1]) / 2,
        bin_counts=counts,
        alternatives=np.column_stack([slopes, midpoints]),
        alternative_weights=weights / weights.sum(),
    )


def warn_if_nearly_empty(quality: PickQuality | None, threshold: float) -> None:
    """Warn where the picks of a pretrained network are hardly any, or hardly particles."""
    report = None if quality is None else quality.report(threshold)
    n_right = 0.0 if report is None else np.nan_to_num(report["precision"]) * report["n_picks"]
    if report is not None and n_right >= _FEWEST_EXPECTED:
        if report["precision"] >= _LOWEST_PRECISION:
            return
        warn(
            f"the pretrained network is unsure of these micrographs: of its picks "
            f"{report['precision']:.0%} are expected to be particles. Look at them, and label some "
            "particles to train on"
        )
        return
    warn(
        f"the pretrained network finds next to nothing like particles in these micrographs "
        f"({n_right:.1f} in each), such as in those that are empty, of carbon, or of crystalline "
        "ice. If there are particles, check particle_diameter and pixel_size, and label some to "
        "train on"
    )
