"""Checks, masks and means shared by the losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch.nn.functional import logsigmoid

from puclassify._parameters import check_number, check_option, check_probability

__all__ = [
    "check_prior",
    "check_weights",
    "entropy_term",
    "flatten",
    "flatten_soft",
    "log_mean_exp",
    "masked_mean",
    "surrogate_loss",
    "wide_dtype",
]

_SURROGATES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "logistic": lambda s: -logsigmoid(s),
    "sigmoid": lambda s: torch.sigmoid(-s),
}
_PRIOR = "the fraction of positives among the unlabelled examples"


def check_prior(prior: Any) -> None:
    """Raise ValueError unless ``prior`` is a number between 0 and 1."""
    if prior is None:
        raise ValueError(
            f"prior is None, but the loss needs the class prior, {_PRIOR}: pass prior=, a number "
            "between 0 and 1"
        )
    check_probability(prior, "prior", f"a number between 0 and 1, both excluded ({_PRIOR})")


def check_weights(**weights: Any) -> None:
    """Raise ValueError unless all weights are finite numbers of at least 0."""
    for name, weight in weights.items():
        check_number(weight, name, "a finite number >= 0", at_least=0)


def surrogate_loss(name: str) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return l(s, +1); l(s, -1) is l(-s, +1)."""
    return _SURROGATES[check_option(name, "surrogate", _SURROGATES)]


class Examples(NamedTuple):
    """Flat logits in at least float32, which of them count as what, and their weights if any."""

    s: torch.Tensor
    positive: torch.Tensor
    unlabelled: torch.Tensor
    weights: torch.Tensor | None


def flatten(
    logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor | None = None
) -> Examples:
    """Flatten logits and targets; an example of weight 0 is neither labelled nor unlabelled."""
    _check_sizes(logits, targets)
    s, positive = _flat(logits), targets.reshape(-1) == 1
    if weights is None:
        return Examples(s, positive, ~positive, None)
    if weights.numel() != s.numel():
        raise ValueError(
            f"weights must have as many elements as logits, got shapes {tuple(weights.shape)} and "
            f"{tuple(logits.shape)}: pass one weight for each logit, or None"
        )
    w = weights.detach().reshape(-1).to(s)
    return Examples(s, positive & (w > 0), ~positive & (w > 0), w)


def flatten_soft(
    logits: torch.Tensor, soft_targets: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return flat logits in at least float32 and soft targets of their type, as constants."""
    _check_sizes(logits, soft_targets)
    s = _flat(logits)
    return s, soft_targets.detach().reshape(-1).to(s.dtype)


def _check_sizes(logits: torch.Tensor, targets: torch.Tensor) -> None:
    if logits.numel() != targets.numel():
        raise ValueError(
            f"logits and targets must have equally many elements, got shapes "
            f"{tuple(logits.shape)} and {tuple(targets.shape)}: pass one target for each logit"
        )


def _flat(logits: torch.Tensor) -> torch.Tensor:
    s = logits.reshape(-1)
    return s.to(torch.promote_types(s.dtype, torch.float32))


def wide_dtype(device: torch.device) -> torch.dtype:
    """Return float64, or float32 on MPS, which has no float64."""
    return torch.float32 if device.type == "mps" else torch.float64


def masked_mean(
    values: torch.Tensor, mask: torch.Tensor, weights: torch.Tensor | None = None
) -> torch.Tensor:
    """Return the weighted mean of ``values`` where ``mask`` is true, 0 if it is nowhere true."""
    if weights is None:
        return values.where(mask, 0.0).sum() / mask.sum().clamp(min=1)
    shares = _shares(mask, weights.to(values))
    return (shares * values.where(mask, 0.0)).sum()


def log_mean_exp(
    log_values: torch.Tensor, mask: torch.Tensor, weights: torch.Tensor | None = None
) -> torch.Tensor:
    """Return log(mean(exp(log_values))) where ``mask`` is true; meaningless if it is nowhere true.

    Logs keep a mean probability near 0 or 1, and its gradient, finite.
    """
    floor = torch.finfo(log_values.dtype).min
    if weights is None:
        count = mask.sum().clamp(min=1).to(log_values.dtype)
        return log_values.where(mask, floor).logsumexp(0) - count.log()
    shares = _shares(mask, weights.to(log_values))
    return (log_values + shares.log()).where(shares > 0, floor).logsumexp(0)


def _shares(mask: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return the share of each example in the total weight where ``mask`` is true, 0 elsewhere."""
    inside = weights.where(mask, 0.0)
    # Divided by the largest first, so that no sum overflows.
    inside = inside / inside.max().clamp(min=torch.finfo(inside.dtype).tiny)
    return inside / inside.sum().clamp(min=torch.finfo(inside.dtype).tiny)


def entropy_term(
    s: torch.Tensor, mask: torch.Tensor, weight: float, weights: torch.Tensor | None = None
) -> torch.Tensor | float:
    """Return ``weight`` times the mean entropy, in nats, of the predictions in ``mask``."""
    if weight == 0:
        return 0.0
    p = torch.sigmoid(s)
    entropy = -p * logsigmoid(s) - (1 - p) * logsigmoid(-s)
    return weight * masked_mean(entropy, mask, weights)
