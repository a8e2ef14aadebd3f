"""Expected precision, recall and F1 of candidates whose probabilities are known."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

__all__ = ["UNKNOWN_QUALITY", "expected_quality", "separating_thresholds"]

# Of a micrograph that was not picked.
UNKNOWN_QUALITY = dict.fromkeys(("n_picks", "n_particles", "precision", "recall", "f1"), np.nan)


def expected_quality(
    logits: np.ndarray,
    thresholds: ArrayLike,
    detected_fraction: float,
    max_picks: int | None = None,
) -> dict[str, np.ndarray]:
    """Return the expected quality of the candidates above each threshold.

    ``logits`` are those of all candidates, in any order, and ``detected_fraction`` is the share of
    the particles that have a candidate. At most ``max_picks`` candidates, the best, are picks. The
    arrays are ``n_picks``, ``n_particles``, ``precision`` (NaN without picks), ``recall`` and
    ``f1``, each of the shape of ``thresholds``.
    """
    ascending = np.sort(logits)
    n_picks = len(ascending) - np.searchsorted(ascending, thresholds, side="right")
    if max_picks is not None:
        n_picks = np.minimum(n_picks, max_picks)
    n_right = np.append(0.0, np.cumsum(expit(ascending[::-1])))
    n_particles = np.full(n_picks.shape, n_right[-1] / detected_fraction)
    n_right = n_right[n_picks]
    with np.errstate(invalid="ignore"):  # 0 / 0 without picks, or without candidates
        f1 = 2 * n_right / (n_picks + n_particles)
        return {
            "n_picks": n_picks,
            "n_particles": n_particles,
            "precision": n_right / n_picks,
            "recall": n_right / n_particles,
            "f1": np.nan_to_num(f1, nan=0.0),
        }


def separating_thresholds(logits: np.ndarray) -> np.ndarray:
    """Return a threshold below each distinct logit, from the largest to the smallest."""
    ascending = np.unique(logits)
    below = np.append(ascending[0] - 1, ascending[:-1])
    return ((ascending + below) / 2)[::-1]
