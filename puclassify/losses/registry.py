"""The losses by name."""

from __future__ import annotations

import copy
import inspect
from typing import Any

from sklearn.base import clone
from torch import nn

from puclassify._parameters import did_you_mean
from puclassify.losses._abspu import AbsolutePULoss
from puclassify.losses._base import PULoss
from puclassify.losses._cvir import CVIRLoss
from puclassify.losses._dist_pu import DistributionPULoss
from puclassify.losses._ge_binomial import GEBinomialLoss
from puclassify.losses._ge_kl import GEKLLoss
from puclassify.losses._nnpu import NonNegativePULoss
from puclassify.losses._pn import PNLoss
from puclassify.losses._upu import UnbiasedPULoss
from puclassify.losses._vpu import VariationalPULoss

# puclassify.losses exports what is listed here.
__all__ = [
    "LOSSES",
    "AbsolutePULoss",
    "CVIRLoss",
    "DistributionPULoss",
    "GEBinomialLoss",
    "GEKLLoss",
    "NonNegativePULoss",
    "PNLoss",
    "UnbiasedPULoss",
    "VariationalPULoss",
    "make_loss",
]

LOSSES: dict[str, type[PULoss]] = {
    "pn": PNLoss,
    "upu": UnbiasedPULoss,
    "nnpu": NonNegativePULoss,
    "abspu": AbsolutePULoss,
    "ge_kl": GEKLLoss,
    "ge_binomial": GEBinomialLoss,
    "vpu": VariationalPULoss,
    "dist_pu": DistributionPULoss,
    "cvir": CVIRLoss,
}
"""Losses by the name that ``criterion`` accepts; add an entry to make your own known by name."""


def make_loss(criterion: Any, prior: float | None = None) -> nn.Module:
    """Return a new loss from a name, a class or an instance.

    Parameters
    ----------
    criterion : str, class or loss
        A name in `LOSSES`; a class, called with the prior; or a loss, copied without its state
        (`sklearn.base.clone`).
    prior : float or None, default=None
        The class prior. A loss that has its own keeps it.

    Returns
    -------
    torch.nn.Module
        The loss, to be called with logits and targets.

    Raises
    ------
    ValueError
        If no loss has that name.
    TypeError
        If ``criterion`` is none of the three, or a class whose first argument is not ``prior``.

    Examples
    --------
    >>> from puclassify.losses import GEKLLoss, make_loss
    >>> make_loss("nnpu", 0.2)
    NonNegativePULoss(prior=0.2)
    >>> make_loss(GEKLLoss(slack=5.0), 0.2)
    GEKLLoss(prior=0.2, slack=5.0)
    """
    if isinstance(criterion, str):
        if criterion not in LOSSES:
            raise ValueError(
                f"criterion must be one of {list(LOSSES)}, got {criterion!r}"
                f"{did_you_mean(criterion, LOSSES)}"
            )
        return LOSSES[criterion](prior)
    if isinstance(criterion, type) and issubclass(criterion, nn.Module):
        _refuse_without_prior(criterion)
        return criterion(prior)
    if isinstance(criterion, nn.Module):
        is_parametrised = hasattr(criterion, "get_params")
        loss = clone(criterion) if is_parametrised else copy.deepcopy(criterion)
        if getattr(loss, "prior", 0.0) is None:
            loss.prior = prior
        return loss
    raise TypeError(
        f"criterion must be one of {list(LOSSES)}, a loss class or a loss, got {criterion!r}"
    )


def _refuse_without_prior(criterion: type) -> None:
    """Refuse a class that would take the prior for something else, its weights for instance."""
    accepted = list(inspect.signature(criterion).parameters.values())
    first = accepted[0] if accepted else None
    if first is not None and (first.name == "prior" or first.kind is first.VAR_POSITIONAL):
        return
    raise TypeError(
        f"criterion {criterion.__name__} does not accept prior as its first argument: it is no "
        "loss for positive and unlabelled examples. criterion='pn' is the logistic loss of "
        "labelled against unlabelled; derive a loss of your own from puclassify.losses.PULoss"
    )
