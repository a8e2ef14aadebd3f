"""The history of a training, as plain numbers."""

from __future__ import annotations

__all__ = ["plain_history"]

_KINDS = {"epoch": int, "dur": float, "train_loss": float, "valid_loss": float, "prior": float}


def plain_history(history) -> list[dict]:
    """Keep the public entries of skorch's history."""
    return [
        {key: kind(epoch[key]) for key, kind in _KINDS.items() if key in epoch} for epoch in history
    ]
