"""Dense losses for maps of which the truth is known."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from puclassify.pretraining._targets import IGNORED

__all__ = ["dense_loss"]

_FOCUS = 2.0  # the exponent of Lin et al. 2017


def dense_loss(logits: torch.Tensor, answers: torch.Tensor, kind: str) -> torch.Tensor:
    """Return the mean loss (scalar) of logits (n, h, w) where the answers are not `IGNORED`.

    "cross_entropy" is the logistic loss; "focal" weights it by the square of the probability of
    the wrong answer (Lin et al. 2017, arXiv:1708.02002, equation 4).
    """
    counts = answers != IGNORED
    logits, answers = logits.float(), answers.clamp(min=0)
    loss = F.binary_cross_entropy_with_logits(logits, answers, reduction="none")
    if kind == "focal":
        wrong = torch.sigmoid(torch.where(answers > 0.5, -logits, logits))
        loss = loss * wrong**_FOCUS
    return torch.where(counts, loss, 0).sum() / counts.sum().clamp(min=1)
