"""Checks of a classifier's constructor parameters."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from numbers import Real

import numpy as np
import torch

from puclassify._devices import resolve_device, resolve_precision
from puclassify._parameters import (
    check_flag,
    check_number,
    check_probability,
    check_scenario,
    check_seed,
    check_whole_number,
)
from puclassify._warnings import warn
from puclassify.classifier._prior_estimation import PRIOR_ESTIMATORS
from puclassify.classifier._user_callbacks import check_callbacks
from puclassify.networks import check_init

__all__ = ["OPTIMIZERS", "check_classifier_parameters"]

OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "adamw": torch.optim.AdamW,
    "adam": torch.optim.Adam,
    "sgd": torch.optim.SGD,
}


def check_classifier_parameters(estimator) -> None:
    """Refuse parameters of a `PUImageClassifier` that no data could make valid, by name."""
    check_whole_number(estimator.max_epochs, "max_epochs", at_least=1)
    check_whole_number(estimator.batch_size, "batch_size", at_least=2)
    if not isinstance(estimator.verbose, bool):  # scikit-learn's habit: True is 1
        check_whole_number(estimator.verbose, "verbose", at_least=0)
    check_number(estimator.lr, "lr", "a positive number", above=0)
    if estimator.positive_fraction is not None:
        check_probability(
            estimator.positive_fraction,
            "positive_fraction",
            "None or a number between 0 and 1, both excluded",
        )
    weight = estimator.reconstruction_weight
    if not (isinstance(weight, str) and weight == "batch/10"):
        check_number(weight, "reconstruction_weight", "a number >= 0 or 'batch/10'", at_least=0)
    _check_mapping(estimator.module_params, "module_params")
    _check_mapping(estimator.optimizer_params, "optimizer_params")
    _check_optimizer(estimator.optimizer, estimator.optimizer_params or {}, estimator.lr)
    check_callbacks(estimator.callbacks)
    check_flag(estimator.warm_start, "warm_start")
    if not isinstance(estimator.pos_label, (type(None), str, bytes, Real, np.bool_)):
        raise ValueError(f"pos_label must be one label or None, got {estimator.pos_label!r}")
    resolve_precision(estimator.precision, resolve_device(estimator.device))
    check_scenario(estimator.scenario)
    check_flag(estimator.early_stopping, "early_stopping")
    _check_prior(estimator)
    check_probability(estimator.validation_fraction, "validation_fraction")
    calibration = estimator.calibration
    if calibration is not None and not (
        isinstance(calibration, str) and calibration in ("auto", "platt")
    ):
        raise ValueError(f"calibration must be 'auto', 'platt' or None, got {calibration!r}")
    check_init(estimator.init)
    check_seed(estimator.random_state)


def _check_prior(estimator) -> None:
    prior, criterion = estimator.prior, estimator.criterion
    if isinstance(prior, str) and prior in PRIOR_ESTIMATORS:
        if estimator.early_stopping:
            raise ValueError(
                f"early_stopping=True compares the losses of epochs, which prior={prior!r} changes "
                "with every estimate; leave early_stopping=False, or pass prior_ of an earlier fit "
                "as prior"
            )
    else:
        names = " or ".join(map(repr, PRIOR_ESTIMATORS))
        check_probability(prior, "prior", f"a number between 0 and 1, both excluded, {names}")
    if type(criterion).__module__.startswith("torch.nn."):
        warn(
            f"criterion={criterion!r} is one of PyTorch's losses: it uses no prior and takes "
            "unlabelled examples for negatives, as criterion='pn' does; is that meant?"
        )
    own_prior = None if isinstance(criterion, type) else getattr(criterion, "prior", None)
    if own_prior is not None:
        check_probability(own_prior, "criterion__prior")


def _check_mapping(value, name: str) -> None:
    if value is not None and not isinstance(value, Mapping):
        raise TypeError(f"{name} must be None or a dict of keyword arguments, got {value!r}")


def _check_optimizer(optimizer, params: Mapping, lr: float) -> None:
    is_name = isinstance(optimizer, str) and optimizer in OPTIMIZERS
    is_class = isinstance(optimizer, type) and issubclass(optimizer, torch.optim.Optimizer)
    if not (is_name or is_class):
        raise ValueError(
            f"optimizer must be one of {sorted(OPTIMIZERS)} or a torch optimizer class, "
            f"got {optimizer!r}"
        )
    if params.get("lr", lr) != lr:
        raise ValueError(
            f"optimizer_params holds lr={params['lr']!r} beside lr={lr!r}; remove it there and "
            f"pass lr={params['lr']!r} to the classifier, whose schedule goes by that"
        )
    accepted = inspect.signature(OPTIMIZERS[optimizer] if is_name else optimizer).parameters
    accepts_all = any(p.kind is p.VAR_KEYWORD for p in accepted.values())
    unknown = [key for key in params if key not in accepted]
    if unknown and not accepts_all:
        raise TypeError(
            f"optimizer_params holds {unknown}, which optimizer={optimizer!r} does not accept; it "
            f"accepts {[key for key in accepted if key not in ('params', 'lr')]}"
        )
