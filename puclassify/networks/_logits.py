"""The last layer of a network, in full precision."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["full_precision_logits"]


def full_precision_logits(head: nn.Conv2d | nn.Linear, embedding: torch.Tensor) -> torch.Tensor:
    """Compute logits of an embedding in the dtype of the head's weights, under autocast too.

    Half-precision logits would have hundreds of ties, and this layer costs next to nothing.
    """
    kind = embedding.device.type
    with torch.autocast(kind if torch.amp.is_autocast_available(kind) else "cpu", enabled=False):
        return head(embedding.to(head.weight.dtype))
