"""Estimates that no classifier can have, which contradict the prior that they were made with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import stdtrit

from puclassify._warnings import warn
from puclassify.metrics._pu_sample import PUSample

__all__ = ["is_impossible", "warn_if_impossible"]

_CERTAIN = 0.99865  # beyond three standard errors of a normal distribution


def warn_if_impossible(
    metric: str,
    score: float,
    standard_error: Callable[[], float],
    sample: PUSample,
    most: Callable[[], float] | None = None,
) -> None:
    """Warn of an impossible score; ``most`` returns the largest prior for which it is not."""
    if not is_impossible(score, standard_error, sample):
        return
    at_most = "" if most is None else f", with which it is at most about {max(0.0, most()):.2g}"
    warn(
        f"the {metric} of {score:.3g} is impossible, by more than chance: prior={sample.prior:.4g} "
        f"contradicts the labels and predictions{at_most}. Either it is wrong in this scenario; or "
        "the labelled differ from the positives among the unlabelled, as from another source, of "
        "another scale, or as the easiest ones (pass propensities); or the classifier was trained "
        "on these examples: score held-out ones"
    )


def is_impossible(score: float, standard_error: Callable[[], float], sample: PUSample) -> bool:
    """Return whether a score lies further outside [0, 1] than chance explains.

    The standard error, which is computed only outside, is increased by that of the number of
    positives in the mixture, since it may be 0 where all examples are predicted alike; and few
    examples estimate it badly, which Student's distribution allows for.
    """
    outside = max(-score, score - 1)
    n = int(np.sum(sample.mixture))
    fewest = min(int(np.sum(sample.positive)), n)
    if not outside > 0 or fewest < 2:
        return False
    of_count = np.sqrt(sample.prior / (1 - sample.prior) / n)
    return bool(outside > stdtrit(fewest - 1, _CERTAIN) * np.hypot(standard_error(), of_count))
