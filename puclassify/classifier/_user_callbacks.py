"""Checks of the skorch callbacks that users pass: what could not work is refused by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import skorch.callbacks
import torch
from skorch.callbacks.scoring import ScoringBase

__all__ = ["check_callbacks", "check_monitors", "check_patterns"]

_MONITORED = {"epoch", "dur", "train_loss", "train_loss_best", "event_lr"}
_HELD_OUT = {"valid_loss", "valid_loss_best"}


def check_callbacks(callbacks: Any) -> None:
    """Refuse what is no list of skorch callbacks, or holds one that cannot work here."""
    expected = "callbacks must be None or a list of skorch callbacks"
    if callbacks is None:
        return
    if not isinstance(callbacks, (list, tuple)):
        raise TypeError(f"{expected}, got {callbacks!r}; put a single one in a list")
    for item in callbacks:
        callback = _without_name(item)
        kind = callback if isinstance(callback, type) else type(callback)
        if not issubclass(kind, skorch.callbacks.Callback):
            schedule = issubclass(kind, torch.optim.lr_scheduler.LRScheduler)
            raise TypeError(
                f"{expected}, but it holds {item!r}; "
                + (
                    f"put a schedule into LRScheduler({kind.__name__!r}, ...)"
                    if schedule
                    else "scikit-learn's own callbacks are set with set_callbacks(...)"
                )
            )
        advice = _advice_against(callback, kind)
        if advice:
            raise ValueError(f"callbacks holds {kind.__name__}, {advice}")


def _advice_against(callback: Any, kind: type) -> str:
    """Return why a callback cannot work and what to use instead, "" if it can."""
    if issubclass(kind, ScoringBase):
        return (
            "which scores what a skorch net predicts, and there is none for positive and "
            "unlabelled examples: pass sklearn.callback.ScoringMonitor(scoring=...) to "
            "set_callbacks(...), or set early_stopping=True, which records valid_loss"
        )
    if issubclass(kind, skorch.callbacks.InputShapeSetter):
        return "which would build the network anew: give the shape in module_params"
    averages = issubclass(kind, skorch.callbacks.PassthroughScoring)
    if averages and not getattr(callback, "on_train", False):
        return (
            "which averages scores of validation batches, and there are none: set on_train=True, "
            "or early_stopping=True, which records valid_loss"
        )
    if getattr(callback, "f_pickle", None):
        return "of which f_pickle would save a private object: pickle the fitted classifier"
    return ""


def check_monitors(callbacks: Iterable | None, *, holds_out: bool, estimates_prior: bool) -> None:
    """Refuse a callback that watches what nothing records."""
    callbacks = [_without_name(item) for item in callbacks or ()]
    recorded = set(_MONITORED)
    if holds_out:
        recorded |= _HELD_OUT
    if estimates_prior:
        recorded.add("prior")
    for callback in callbacks:
        name = getattr(callback, "event_name", None)
        recorded.update([name] if isinstance(name, str) else [])
        if isinstance(callback, skorch.callbacks.PassthroughScoring):
            recorded.update([callback.name, f"{callback.name}_best"])
    knows_all = all(_of_skorch(callback) for callback in callbacks)
    for callback in callbacks:
        monitor = _monitor(callback)
        is_held_out = monitor in _HELD_OUT
        if monitor is None or monitor in recorded or not (is_held_out or knows_all):
            continue
        kind = callback.__name__ if isinstance(callback, type) else type(callback).__name__
        if is_held_out:
            fix = (
                "which is recorded where PUImageClassifier holds examples out: set "
                f"early_stopping=True, or monitor={monitor.replace('valid', 'train')!r}"
            )
            if isinstance(callback, skorch.callbacks.WandbLogger):
                fix += " (and save_model=False)"
        else:
            fix = f"which nothing records; recorded are {sorted(recorded)}"
        raise ValueError(f"callbacks holds {kind} with monitor={monitor!r}, {fix}")


def check_patterns(callbacks: Iterable, names: list[str]) -> None:
    """Refuse patterns of `Freezer` and the like that match no parameter of the network."""
    for callback in callbacks:
        if not isinstance(callback, skorch.callbacks.ParamMapper):
            continue
        patterns = callback.patterns
        for pattern in patterns if isinstance(patterns, (list, tuple)) else [patterns]:
            # skorch's own way of matching
            named = [(name, None) for name in names]
            if not any(callback.filter_parameters([pattern], named)):
                raise ValueError(
                    f"callbacks holds {type(callback).__name__} for parameters {pattern!r}, but "
                    f"none of the network has such a name; they are {names}"
                )


def _monitor(callback: Any) -> str | None:
    """Return the entry of the history that a callback watches, None for none or a function."""
    if isinstance(callback, type):
        try:
            callback = callback()
        except TypeError:  # it needs arguments; skorch says so
            return None
    if isinstance(callback, skorch.callbacks.WandbLogger):
        return "valid_loss_best" if callback.save_model else None
    if isinstance(callback, skorch.callbacks.LRScheduler):
        policy = callback.policy
        policy = policy if isinstance(policy, str) else getattr(policy, "__name__", "")
        if policy != "ReduceLROnPlateau":
            return None
    monitor = getattr(callback, "monitor", None)
    return monitor if isinstance(monitor, str) else None


def _of_skorch(callback: Any) -> bool:
    kind = callback if isinstance(callback, type) else type(callback)
    return kind.__module__.startswith("skorch.")


def _without_name(item: Any) -> Any:
    return item[1] if isinstance(item, tuple) and len(item) == 2 else item
