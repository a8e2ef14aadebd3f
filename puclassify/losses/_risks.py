"""The two terms of the PU risk estimators."""

from __future__ import annotations

import torch

from puclassify.losses._examples import check_prior, flatten, masked_mean, surrogate_loss

__all__ = ["risk_terms"]

# A bounded loss withstands the labelled positives that a network knows by heart; with rare
# positives, as in micrographs, its gradients vanish before any are found.
_RARE = 0.1


def risk_terms(
    logits: torch.Tensor,
    targets: torch.Tensor,
    prior: float,
    surrogate: str,
    weights: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return prior * R_P(+1) and the estimated risk of the negatives, R_U(-1) - prior * R_P(-1)."""
    check_prior(prior)
    if surrogate == "auto":
        surrogate = "logistic" if prior < _RARE else "sigmoid"
    loss = surrogate_loss(surrogate)
    s, positive, unlabelled, w = flatten(logits, targets, weights)
    negative_loss = loss(-s)
    of_positives = masked_mean(negative_loss, positive, w)
    negative = masked_mean(negative_loss, unlabelled, w) - prior * of_positives
    return prior * masked_mean(loss(s), positive, w), negative
