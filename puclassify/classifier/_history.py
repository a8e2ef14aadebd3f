"""The history of a training, as plain numbers."""

from __future__ import annotations

from typing import Any

__all__ = ["plain_history"]

# What skorch itself records beside the losses and times.
_LEFT_OUT = {
    "batches",
    "train_batch_count",
    "valid_batch_count",
    "train_loss_best",
    "valid_loss_best",
}


def plain_history(history) -> list[dict]:
    """Return the entries of skorch's history for epochs, what callbacks recorded included."""
    return [
        {key: _plain(value) for key, value in epoch.items() if key not in _LEFT_OUT}
        for epoch in history
    ]


def _plain(value: Any) -> Any:
    """Turn a tensor or an array of one number into that number."""
    is_number = hasattr(value, "item") and getattr(value, "shape", None) == ()
    return value.item() if is_number else value
