"""The labelled positives and unlabelled examples of a batch: checks, masks and means."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch.nn.functional import logsigmoid

from puclassify._parameters import is_number

__all__ = [
    "check_interval",
    "check_prior",
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


def check_interval(name: str, value, low: float, high: float, *, open_low=False, open_high=False):
    """Raise ValueError unless ``value`` is a real number of the interval."""
    above = is_number(value) and (value > low if open_low else value >= low)
    below = is_number(value) and (value < high if open_high else value <= high)
    if not (above and below and math.isfinite(value)):
        left, right = "(" if open_low else "[", ")" if open_high else "]"
        raise ValueError(f"{name} must be a number in {left}{low}, {high}{right}, got {value!r}")


def check_prior(prior) -> None:
    """Raise ValueError unless ``prior`` is a number between 0 and 1."""
    if prior is None:
        raise ValueError(
            "prior is None, but the loss needs the class prior, the fraction of positives among "
            "the unlabelled examples: pass prior=, a number between 0 and 1"
        )
    try:
        check_interval("prior", prior, 0, 1, open_low=True, open_high=True)
    except ValueError as error:
        raise ValueError(
            f"{error}; it is the fraction of positives among the unlabelled examples"
        ) from None


def surrogate_loss(name: str) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return l(s, +1), of which l(s, -1) is l(-s, +1)."""
    try:
        return _SURROGATES[name]
    except (KeyError, TypeError):
        raise ValueError(f"surrogate must be one of {sorted(_SURROGATES)}, got {name!r}") from None


def flatten(logits: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return flat logits in at least float32 and the mask of labelled positives."""
    _check_sizes(logits, targets)
    return _flat(logits), targets.reshape(-1) == 1


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
    """Return float64, or float32 on the one device that has no float64."""
    return torch.float32 if device.type == "mps" else torch.float64


def masked_mean(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean of ``values`` where ``mask`` holds, 0 where it never does."""
    return values.where(mask, 0.0).sum() / mask.sum().clamp(min=1)


def log_mean_exp(log_values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Log of the mean of exp(log_values) where ``mask`` holds; finite, but void, if it never does.

    Working in logs keeps a mean probability of nearly 0 or 1, and its gradient, finite.
    """
    floor = torch.finfo(log_values.dtype).min
    count = mask.sum().clamp(min=1).to(log_values.dtype)
    return log_values.where(mask, floor).logsumexp(0) - count.log()


def entropy_term(s: torch.Tensor, mask: torch.Tensor, weight: float) -> torch.Tensor | float:
    """Return ``weight`` times the mean entropy, in nats, of the predictions in ``mask``."""
    if weight == 0:
        return 0.0
    p = torch.sigmoid(s)
    entropy = -p * logsigmoid(s) - (1 - p) * logsigmoid(-s)
    return weight * masked_mean(entropy, mask)
