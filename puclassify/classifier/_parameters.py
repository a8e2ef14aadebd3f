"""What the constructor parameters of a classifier may be."""

from __future__ import annotations

import inspect
import math
import numbers
from collections.abc import Mapping

import numpy as np
import skorch
import torch
from sklearn.utils import check_random_state

from puclassify._devices import resolve_device, resolve_precision
from puclassify._parameters import check_scenario, is_number
from puclassify.classifier._prior_estimation import PRIOR_ESTIMATORS

__all__ = ["OPTIMIZERS", "check_classifier_parameters"]

OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "adamw": torch.optim.AdamW,
    "adam": torch.optim.Adam,
    "sgd": torch.optim.SGD,
}


def check_classifier_parameters(estimator) -> None:
    """Check all parameters that do not depend on the data.

    Parameters
    ----------
    estimator : PUImageClassifier
        The estimator.

    Raises
    ------
    ValueError, TypeError
        If one cannot be used; the message names it.
    """
    _check_whole(estimator, "max_epochs", 1)
    _check_whole(estimator, "batch_size", 2)
    _check_whole(estimator, "verbose", 0)
    _check_number(estimator.lr, "lr", "a positive number", 0 < _number(estimator.lr) < math.inf)
    fraction = estimator.positive_fraction
    _check_number(
        fraction,
        "positive_fraction",
        "None or a number between 0 and 1, both excluded",
        fraction is None or 0 < _number(fraction) < 1,
    )
    weight = estimator.reconstruction_weight
    is_name = isinstance(weight, str) and weight == "batch/10"
    _check_number(
        weight,
        "reconstruction_weight",
        "a number >= 0 or 'batch/10'",
        is_name or 0 <= _number(weight) < math.inf,
    )
    _check_mapping(estimator, "module_params")
    _check_mapping(estimator, "optimizer_params")
    _check_optimizer(estimator.optimizer, estimator.optimizer_params or {})
    _check_callbacks(estimator.callbacks)
    _check_flag(estimator, "warm_start")
    resolve_precision(estimator.precision, resolve_device(estimator.device))
    both_excluded = "a number between 0 and 1, both excluded"
    prior, own_prior = estimator.prior, getattr(estimator.criterion, "prior", None)
    is_estimated = isinstance(prior, str) and prior in PRIOR_ESTIMATORS
    expected = f"{both_excluded}, 'bbe' or 'dedpul'"
    _check_number(prior, "prior", expected, is_estimated or 0 < _number(prior) < 1)
    if is_estimated and estimator.early_stopping:
        raise ValueError(
            f"early_stopping=True compares losses epoch by epoch, which prior={prior!r} changes "
            "with every estimate; leave early_stopping=False, or give prior_ of such a fit as prior"
        )
    if own_prior is not None and not isinstance(estimator.criterion, type):
        _check_number(own_prior, "criterion__prior", both_excluded, 0 < _number(own_prior) < 1)
    check_scenario(estimator.scenario)
    _check_flag(estimator, "early_stopping")
    share = estimator.validation_fraction
    _check_number(share, "validation_fraction", both_excluded, 0 < _number(share) < 1)
    calibration = estimator.calibration
    if calibration is not None and not (
        isinstance(calibration, str) and calibration in ("auto", "platt")
    ):
        raise ValueError(f"calibration must be 'auto', 'platt' or None, got {calibration!r}")
    try:
        check_random_state(estimator.random_state)
    except ValueError as error:
        raise ValueError(
            "random_state must be None, a whole number or a numpy RandomState, got "
            f"{estimator.random_state!r}"
        ) from error


def _number(value) -> float:
    """Return a real number as it is, and NaN for whatever is none."""
    return float(value) if is_number(value) else math.nan


def _check_number(value, name: str, expected: str, is_valid: bool) -> None:
    if not is_valid:
        raise ValueError(f"{name} must be {expected}, got {value!r}")


def _check_whole(estimator, name: str, least: int) -> None:
    value = getattr(estimator, name)
    is_whole = isinstance(value, numbers.Integral)
    if isinstance(value, bool) and name != "verbose":
        is_whole = False
    _check_number(value, name, f"a whole number >= {least}", is_whole and value >= least)


def _check_flag(estimator, name: str) -> None:
    value = getattr(estimator, name)
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name} must be True or False, got {value!r}")


def _check_mapping(estimator, name: str) -> None:
    value = getattr(estimator, name)
    if value is not None and not isinstance(value, Mapping):
        raise TypeError(f"{name} must be None or a dict of keyword arguments, got {value!r}")


def _check_optimizer(optimizer, params: Mapping) -> None:
    is_name = isinstance(optimizer, str) and optimizer in OPTIMIZERS
    is_class = isinstance(optimizer, type) and issubclass(optimizer, torch.optim.Optimizer)
    if not (is_name or is_class):
        raise ValueError(
            f"optimizer must be one of {sorted(OPTIMIZERS)} or a torch optimizer class, "
            f"got {optimizer!r}"
        )
    taken = inspect.signature(OPTIMIZERS[optimizer] if is_name else optimizer).parameters
    takes_all = any(p.kind is p.VAR_KEYWORD for p in taken.values())
    unknown = [key for key in params if key not in taken]
    if unknown and not takes_all:
        raise TypeError(
            f"optimizer_params holds {unknown}, which optimizer={optimizer!r} does not take; it "
            f"takes {[key for key in taken if key not in ('params', 'lr')]}"
        )


def _check_callbacks(callbacks) -> None:
    expected = "callbacks must be None or a list of skorch callbacks"
    if callbacks is None:
        return
    if not isinstance(callbacks, (list, tuple)):
        raise TypeError(f"{expected}, got {callbacks!r}; put a single one in a list")
    for item in callbacks:
        named = isinstance(item, tuple) and len(item) == 2
        callback = item[1] if named else item
        kind = callback if isinstance(callback, type) else type(callback)
        if not issubclass(kind, skorch.callbacks.Callback):
            raise TypeError(
                f"{expected}, but it holds {item!r}; scikit-learn's own callbacks are set with "
                "set_callbacks(...)"
            )
