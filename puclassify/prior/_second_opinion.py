"""A second estimate of the prior from the same scores, to warn where two methods disagree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from puclassify._warnings import warn
from puclassify.prior._best_bin import best_bin
from puclassify.prior._confidence import EstimatedPrior
from puclassify.prior._density_difference import density_difference

__all__ = ["BY_BEST_BIN", "BY_DENSITY_DIFFERENCE", "SecondOpinion"]

_AGREEMENT = 0.1  # largest difference of two estimates that counts as agreement


@dataclass(frozen=True)
class SecondOpinion:
    """A method with its default settings, and the estimator that users know it by."""

    name: str
    method: Callable[[np.ndarray, np.ndarray, np.ndarray], EstimatedPrior]

    def compare(
        self,
        prior: float,
        name: str,
        labelled: np.ndarray,
        mixture: np.ndarray,
        weights: np.ndarray,
    ) -> None:
        """Warn if this method fails on the scores that gave ``prior``, or estimates another."""
        first = f"{name} estimates the prior as {prior:.3f}"
        try:
            other = self.method(labelled, mixture, weights).prior
        except ValueError as error:
            warn(f"{first}, but {self.name} fails on the same scores: {error}", UserWarning)
            return
        if abs(other - prior) > _AGREEMENT:
            warn(
                f"{first}, but {self.name} as {other:.3f} from the same scores; they would agree "
                "if the classifier separated the classes well and the labelled positives were "
                "like the unlabelled ones: try a better classifier or label more",
                UserWarning,
            )


BY_BEST_BIN = SecondOpinion("BBEPrior", best_bin)
BY_DENSITY_DIFFERENCE = SecondOpinion("DEDPULPrior", density_difference)
