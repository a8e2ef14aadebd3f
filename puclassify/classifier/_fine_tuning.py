"""How a training that starts from pretrained weights differs from one from random ones."""

from __future__ import annotations

import numpy as np

__all__ = ["FINE_TUNING_RATE", "share_of_steps"]

FINE_TUNING_RATE = 0.2  # of lr
# By the number of labels: steps as a share of a training from random weights, which has 800.
_LABELS = 10, 100, 600
_SHARES = 0.1, 0.375, 1.0


def share_of_steps(n_labels: int) -> float:
    """Return how many of the steps from random weights suffice with so many labels."""
    return float(np.exp(np.interp(np.log(max(n_labels, 1)), np.log(_LABELS), np.log(_SHARES))))
