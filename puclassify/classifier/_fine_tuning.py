"""How a training that starts from pretrained weights differs from one from random ones."""

from __future__ import annotations

import numpy as np

__all__ = ["LOWEST_RATE", "fine_tuning_rate", "share_of_steps"]

LOWEST_RATE = 0.2  # of lr, where the number of labels is not known

# By the number of labels: few labels are learnt by heart before they teach anything, and thirty
# teach most at full length, or nothing, which held-out labels then tell.
_LABELS = 10, 30
_RATES = LOWEST_RATE, 1.0  # of lr
_SHARES = 0.1, 1.0  # of the steps from random weights, of which a picker's default has 800


def share_of_steps(n_labels: int) -> float:
    """Return how many of the steps from random weights to make with so many labels."""
    return _between(n_labels, _SHARES)


def fine_tuning_rate(n_labels: int) -> float:
    """Return the share of the learning rate to train at with so many labels."""
    return _between(n_labels, _RATES)


def _between(n_labels: int, values: tuple[float, float]) -> float:
    """Interpolate in logarithms."""
    return float(np.exp(np.interp(np.log(max(n_labels, 1)), np.log(_LABELS), np.log(values))))
