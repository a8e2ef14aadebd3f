"""Samples that nothing can be learnt from, and networks that have learnt nothing."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from torch import nn

from puclassify._warnings import warn
from puclassify.classifier._forward import first_logits, run_in_batches
from puclassify.classifier._samples import PixelSource

__all__ = ["refuse_identical", "warn_if_worthless"]

_AT_ONCE = 16  # samples that are compared with the first
_ENOUGH = 32  # samples that show whether logits differ


def refuse_identical(source: PixelSource, rows: np.ndarray) -> None:
    """Refuse samples that are all the same; most others differ among the first few."""
    first = source.take(rows[:1])
    for start in range(0, len(rows), _AT_ONCE):
        if (source.take(rows[start : start + _AT_ONCE]) != first).any():
            return
    low, high = first.min().item(), first.max().item()
    values = f"all values are {low:g}" if low == high else f"values from {low:g} to {high:g}"
    raise ValueError(
        f"X holds {len(rows)} samples that are all the same ({values}), from which nothing can be "
        "learnt; was it filled, or were whole numbers divided without leaving their dtype?"
    )


def warn_if_worthless(
    module: nn.Module, source: PixelSource, rows: np.ndarray, device: torch.device, lr: float
) -> None:
    """Warn of a trained network whose logits of its training are NaN, infinite or all the same."""
    few = rows[np.unique(np.linspace(0, len(rows) - 1, _ENOUGH).astype(int))]
    for some in (few, rows):  # a few may be copies
        logits = run_in_batches(
            first_logits, module, source, device=device, autocast_dtype=None, rows=some
        )
        missing = int((~torch.isfinite(logits)).sum())
        if missing:
            _warn_of_missing(missing, len(logits))
            return
        if not (logits == logits[0]).all():
            return
    warn(
        f"the trained network gives all {len(rows)} samples the same logit, {logits[0]:.4g}, and "
        f"has learnt nothing; try a learning rate well below lr={lr!r}, and standardise X if its "
        "values are large",
        ConvergenceWarning,
    )


def _warn_of_missing(n_missing: int, n: int) -> None:
    warn(
        f"the trained network gives {n_missing} of {n} samples of its training a logit of NaN or "
        "infinity, although its loss is finite: does the module work differently in training (a "
        "logarithm, a division, running statistics of a batch)?",
        ConvergenceWarning,
    )
