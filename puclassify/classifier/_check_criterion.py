"""A check of what a user's loss accepts."""

from __future__ import annotations

import inspect

from torch import nn

__all__ = ["check_accepts_weights"]


def check_accepts_weights(loss: nn.Module) -> None:
    """Refuse a loss that takes no weights."""
    accepted = inspect.signature(loss.forward).parameters.values()
    positional = [one for one in accepted if one.kind <= one.POSITIONAL_OR_KEYWORD]
    if len(positional) > 2 and positional[2].name == "weights":
        return
    raise ValueError(
        f"sample_weight and propensities weigh the examples of the loss, but criterion "
        f"{type(loss).__name__} accepts no weights; let its forward accept (logits, targets, "
        "weights), or leave them out"
    )
