"""Threshold rules: what the picks above a threshold are to be like."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from puclassify._parameters import is_number
from puclassify._warnings import warn

__all__ = [
    "THRESHOLD_RULES",
    "ChosenRule",
    "ThresholdRule",
    "check_threshold",
    "check_thresholds",
    "choose_threshold",
    "is_rule",
]

AUTO_RULE = "expected_f1"

ChosenRule = str | tuple[str, float]  # a name of the table, or a name and its target


@dataclass(frozen=True)
class ThresholdRule:
    """A way to choose the threshold of a `ParticlePicker` from the expected quality of its picks.

    Parameters
    ----------
    choose : callable
        Called with the expected quality and the target (NaN for a rule without one); returns the
        index of the threshold. The expected quality is a dict of arrays over all thresholds that
        separate candidates, from the fewest picks to the most, as from
        `ParticlePicker.expected_quality` but without intervals: ``threshold``, ``n_picks`` and
        ``n_particles`` (in a training micrograph of median area), ``precision``, ``recall`` and
        ``f1``.
    target_range : (float, float) or None, default=None
        The target, with which the rule is given as ``(name, target)``, lies between these numbers,
        both excluded. None is for a rule without a target, which is given by its name.
    reaches : str or None, default=None
        The measure that has to reach the target; a warning says so where none of the thresholds
        is expected to.

    See Also
    --------
    ParticlePicker : Takes a rule as ``threshold``, in the constructor and in ``predict``.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify.picking import THRESHOLD_RULES, ThresholdRule
    >>> sorted(THRESHOLD_RULES)
    ['expected_f1', 'precision', 'recall']
    >>> def fewest_missed_or_wrong(expected, target):
    ...     n_right = expected["n_picks"] * expected["precision"]
    ...     return np.argmin(expected["n_picks"] + expected["n_particles"] - 2 * n_right)
    >>> THRESHOLD_RULES["fewest_errors"] = ThresholdRule(fewest_missed_or_wrong)
    >>> del THRESHOLD_RULES["fewest_errors"]              # threshold="fewest_errors" until here
    """

    choose: Callable[[dict[str, np.ndarray], float], int]
    target_range: tuple[float, float] | None = None
    reaches: str | None = None


def _largest_f1(expected: dict[str, np.ndarray], target: float) -> int:
    return int(np.argmax(expected["f1"]))


def _most_picks_of_precision(expected: dict[str, np.ndarray], target: float) -> int:
    enough = np.flatnonzero(expected["precision"] >= target)
    return int(enough[-1]) if len(enough) else 0


def _fewest_picks_of_recall(expected: dict[str, np.ndarray], target: float) -> int:
    enough = np.flatnonzero(expected["recall"] >= target)
    return int(enough[0]) if len(enough) else -1


THRESHOLD_RULES: dict[str, ThresholdRule] = {
    "expected_f1": ThresholdRule(_largest_f1),
    "precision": ThresholdRule(_most_picks_of_precision, (0, 1), reaches="precision"),
    "recall": ThresholdRule(_fewest_picks_of_recall, (0, 1), reaches="recall"),
}


def check_threshold(threshold: Any, *, also: str = "") -> float | ChosenRule:
    """Return a logit or a rule of the table; ``also`` adds to the message what else is accepted."""
    if is_number(threshold) and not math.isnan(threshold):
        return float(threshold)
    if isinstance(threshold, str):
        name = AUTO_RULE if threshold == "auto" else threshold
        if name in THRESHOLD_RULES and THRESHOLD_RULES[name].target_range is None:
            return name
    elif isinstance(threshold, Sequence) and len(threshold) == 2:
        name, target = threshold
        if isinstance(name, str) and _is_target(target, name):
            return name, float(target)
    rules = ", ".join(_in_words(name) for name in THRESHOLD_RULES)
    raise ValueError(
        f"threshold must be a number (a logit), 'auto' or a rule ({rules}){also}; got {threshold!r}"
    )


def check_thresholds(thresholds: Any) -> np.ndarray:
    """Return logits as an array of shape (m,); NaN is refused."""
    thresholds = np.asarray(thresholds, dtype=float)
    if thresholds.ndim != 1 or np.isnan(thresholds).any():
        raise ValueError(
            "thresholds must be a sequence of logits, none of them NaN, got an array of "
            f"shape {thresholds.shape} with {np.isnan(thresholds).sum()} NaN"
        )
    return thresholds


def is_rule(threshold: float | ChosenRule) -> bool:
    """Return whether a checked threshold is a rule, which needs estimates, and no logit."""
    return not is_number(threshold)


def choose_threshold(chosen: ChosenRule, expected: dict[str, np.ndarray]) -> float:
    """Return the logit that a checked rule chooses.

    ``expected`` is what `ThresholdRule.choose` gets. A warning says so if the target is out of
    reach; the threshold is then the nearest to it.
    """
    name, target = (chosen, math.nan) if isinstance(chosen, str) else chosen
    rule = THRESHOLD_RULES[name]
    index = rule.choose(expected, target)
    if rule.reaches is not None and not expected[rule.reaches][index] >= target:
        warn(
            f"threshold={chosen!r} is out of reach: the expected {rule.reaches} is at most "
            f"{expected[rule.reaches][index]:.3f}, and the threshold is the one that reaches it"
        )
    return float(expected["threshold"][index])


def _is_target(target: Any, name: str) -> bool:
    target_range = THRESHOLD_RULES[name].target_range if name in THRESHOLD_RULES else None
    if target_range is None or not is_number(target):
        return False
    low, high = target_range
    return low < target < high


def _in_words(name: str) -> str:
    target_range = THRESHOLD_RULES[name].target_range
    if target_range is None:
        return repr(name)
    low, high = target_range
    between = f"between {low:g} and {high:g}" if math.isfinite(high) else f"above {low:g}"
    return f"({name!r}, number {between})"
