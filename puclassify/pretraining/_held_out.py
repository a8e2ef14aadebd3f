"""How well a network finds molecules that it was not trained on, and what its scores mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from scipy.spatial import cKDTree
from sklearn.linear_model import LogisticRegression
from torch import nn

from puclassify.datasets import MicrographSimulator
from puclassify.grid import GridImage
from puclassify.metrics import match_picks, pick_average_precision_score
from puclassify.picking.scoring import score_map
from puclassify.picking.suppression import non_maximum_suppression
from puclassify.preprocessing import NormalizeMicrograph
from puclassify.pretraining._settings import PretrainingSettings

__all__ = ["HeldOut", "HeldOutFigures"]

_STREAM = 1  # the first number of the seeds
_PER_STRUCTURE = 3
_EDGE = 512
_VISIBLE = 4.0  # detectability below which nobody finds a particle


@dataclass(frozen=True)
class HeldOutFigures:
    """Measured figures of a network.

    ``average_precision`` is the mean over the structures, ``by_structure`` that of each; ``slope``
    and ``intercept`` are those of the logistic regression from a maximum's score to its being a
    particle.
    """

    average_precision: float
    by_structure: Mapping[str, float]
    slope: float
    intercept: float

    def as_json(self) -> dict[str, Any]:
        """Return the figures, rounded, as JSON holds them."""
        rounded = {name: round(value, 3) for name, value in self.by_structure.items()}
        return {
            "held_out_average_precision": round(self.average_precision, 4),
            "held_out_average_precision_by_structure": rounded,
        }


class HeldOut:
    """Simulated micrographs of the structures that are held out, the same for every network."""

    def __init__(self, settings: PretrainingSettings, per_structure: int = _PER_STRUCTURE):
        self._settings, self._per_structure = settings, per_structure

    @cached_property
    def _micrographs(self) -> list[tuple[str, GridImage, Any]]:
        settings = self._settings
        # Everything at its default, however the training differs from it.
        simulator = MicrographSimulator(
            settings.held_out,
            shape=(_EDGE, _EDGE),
            particle_diameter=settings.particle_pixels,
            size_jitter=(0.9, 1.1),
        )
        normalize = NormalizeMicrograph(clip=settings.clip)
        drawn = []
        for index, name in enumerate(simulator.names):
            for number in range(self._per_structure):
                one = simulator.draw((_STREAM, index, number), volume=index)
                (image,) = normalize.fit_transform([GridImage(one.values.numpy())])
                drawn.append((name, image, one))
        return drawn

    def measure(self, module: nn.Module, device: torch.device) -> HeldOutFigures:
        """Measure a network in eval mode on its device."""
        radius = self._settings.particle_pixels / 2
        by_structure: dict[str, list] = {}
        scores, found = [], []
        for name, image, truth in self._micrographs:
            maxima = score_map(module, image, device=device)
            picks = non_maximum_suppression(maxima, radius, threshold=-np.inf)
            picks = _without_hidden(picks, truth, radius)
            shown = truth.centers[~truth.ignored]
            matched = match_picks([shown], [picks], radius)
            scores.append(picks[:, 2])
            found.append(matched[0].truth_index >= 0)
            if len(shown) and truth.detectability > _VISIBLE:
                by_structure.setdefault(name, []).append((shown, picks))
        means = {
            name: float(np.mean([pick_average_precision_score([t], [p], radius) for t, p in both]))
            for name, both in by_structure.items()
        }
        slope, intercept = platt_line(scores, found)
        return HeldOutFigures(float(np.mean(list(means.values()))), means, slope, intercept)


def platt_line(scores: Sequence[np.ndarray], found: Sequence[np.ndarray]) -> tuple[float, float]:
    """Fit the log-odds of being a particle as a line in the score: slope and intercept."""
    x, y = np.concatenate(scores)[:, None], np.concatenate(found)
    line = LogisticRegression(C=np.inf).fit(x, y)
    return float(line.coef_[0, 0]), float(line.intercept_[0])


def _without_hidden(picks: np.ndarray, truth: Any, radius: float) -> np.ndarray:
    """Leave out picks nearer to a particle beneath ice or carbon than to any other."""
    if not truth.ignored.any() or not len(picks):
        return picks
    hidden, _ = cKDTree(truth.centers[truth.ignored]).query(picks[:, :2])
    shown = np.full(len(picks), np.inf)
    if not truth.ignored.all():
        shown, _ = cKDTree(truth.centers[~truth.ignored]).query(picks[:, :2])
    return picks[(hidden > radius) | (shown < hidden)]
