"""The two terms of the PU risk estimators."""

from __future__ import annotations

import torch

from puclassify.losses._examples import check_prior, flatten, masked_mean, surrogate_loss

__all__ = ["risk_terms"]


def risk_terms(
    logits: torch.Tensor,
    targets: torch.Tensor,
    prior: float,
    surrogate: str,
    weights: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return prior * R_P(+1) and the estimated risk of the negatives, R_U(-1) - prior * R_P(-1)."""
    check_prior(prior)
    loss = surrogate_loss(surrogate)
    s, positive, unlabelled, w = flatten(logits, targets, weights)
    negative_loss = loss(-s)
    of_positives = masked_mean(negative_loss, positive, w)
    negative = masked_mean(negative_loss, unlabelled, w) - prior * of_positives
    return prior * masked_mean(loss(s), positive, w), negative
