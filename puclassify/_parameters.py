"""Checks of parameters: numbers, flags, options, the scenario and score vectors.

Every check returns the value or raises a ValueError that names the parameter, says what it must be
and shows what it was.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

__all__ = [
    "SCENARIOS",
    "check_flag",
    "check_n_jobs",
    "check_number",
    "check_number_of_each",
    "check_option",
    "check_pair",
    "check_possible_prior",
    "check_probability",
    "check_scenario",
    "check_score_vector",
    "check_seed",
    "check_whole_number",
    "did_you_mean",
    "is_number",
]

SCENARIOS = ("case_control", "single_training_set")


def is_number(value: Any) -> bool:
    """Return whether a value is a real number (NaN and infinities included, booleans not)."""
    return isinstance(value, Real) and not isinstance(value, bool)


def check_number(
    value: Any,
    name: str,
    expected: str,
    *,
    above: float = -math.inf,
    at_least: float = -math.inf,
    below: float = math.inf,
    at_most: float = math.inf,
) -> float:
    """Return a finite number within the bounds as a float; ``expected`` says it in words."""
    if is_number(value):
        number = float(value)
        if above < number < below and at_least <= number <= at_most:
            return number
    raise ValueError(f"{name} must be {expected}, got {value!r}")


def check_pair(value: Any, name: str, expected: str, **bounds: float) -> tuple[float, float]:
    """Return a finite number, or an (x, y) pair of them, as two floats within the bounds."""
    try:
        pair = np.broadcast_to(np.asarray(value, dtype=object), (2,)).tolist()
        x, y = (check_number(number, name, expected, **bounds) for number in pair)
    except ValueError:
        raise ValueError(f"{name} must be {expected}, got {value!r}") from None
    return x, y


def check_probability(value: Any, name: str, expected: str = "") -> float:
    """Return a number between 0 and 1, both excluded."""
    expected = expected or "a number between 0 and 1, both excluded"
    return check_number(value, name, expected, above=0, below=1)


def check_whole_number(value: Any, name: str, *, at_least: int, expected: str = "") -> int:
    """Return a whole number (booleans are none) as an int."""
    if isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= at_least:
        return int(value)
    raise ValueError(f"{name} must be {expected or f'a whole number >= {at_least}'}, got {value!r}")


def check_flag(value: Any, name: str) -> bool:
    """Return True or False."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    raise ValueError(f"{name} must be True or False, got {value!r}")


def check_n_jobs(value: Any) -> None:
    """Refuse what joblib cannot take as ``n_jobs``."""
    if value is not None:
        expected = "None, or a whole number other than 0; -1 means all cores"
        if not isinstance(value, Integral) or isinstance(value, bool) or value == 0:
            raise ValueError(f"n_jobs must be {expected}, got {value!r}")


def check_seed(value: Any) -> None:
    """Refuse what scikit-learn cannot take as ``random_state``."""
    try:
        check_random_state(value)
    except ValueError as error:
        hint = ""
        if isinstance(value, np.random.Generator):
            hint = "; of a Generator rng pass random_state=int(rng.integers(2**32))"
        raise ValueError(
            f"random_state must be None, a whole number or a numpy RandomState, got {value!r}{hint}"
        ) from error


def check_option(value: Any, name: str, options: Iterable[str]) -> str:
    """Return one of some strings."""
    options = list(options)
    if isinstance(value, str) and value in options:
        return value
    *others, last = map(repr, options)
    listed = f"{', '.join(others)} or {last}" if others else last
    raise ValueError(f"{name} must be {listed}, got {value!r}")


def did_you_mean(value: str, names: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the name most like the value, "" if none is like it."""
    plain = value.lower().replace("-", "_")
    near = difflib.get_close_matches(plain, list(names), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


def check_number_of_each(
    values: Any,
    name: str,
    n: int,
    *,
    kinds: str,
    hints: Mapping[tuple[int, ...], str] | None = None,
) -> np.ndarray:
    """Return one number for each of n examples, of NumPy's ``kinds`` of type, as float64.

    ``hints`` explain wrong shapes.
    """
    try:
        checked = np.asarray(values)
        if checked.dtype.kind not in kinds:
            raise TypeError(f"got {checked.dtype}")
        checked = checked.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be one number for each example: {error}") from error
    if checked.shape != (n,):
        hint = (hints or {}).get(checked.shape, "")
        raise ValueError(
            f"{name} must have shape ({n},), one number for each example, got {checked.shape}{hint}"
        )
    return checked


def check_scenario(scenario: Any) -> str:
    """Return the name of a scenario of positive-unlabelled data."""
    return check_option(scenario, "scenario", SCENARIOS)


def check_possible_prior(
    prior: float, n_labelled: float, n_samples: float, *, hint: str = ""
) -> None:
    """Refuse a prior over a single training set that is below the labelled share of it.

    Numbers of weighted examples may be fractions.
    """
    if n_labelled / n_samples > prior:
        labelled = n_labelled if isinstance(n_labelled, int) else f"by weight {n_labelled:.1f}"
        raise ValueError(
            f"prior={prior} is impossible in the single-training-set scenario: {labelled} of "
            f"{n_samples} examples ({n_labelled / n_samples:.3f}) are labelled positive already; "
            "give a larger prior, or scenario='case_control' if the positives were drawn separately"
            f"{hint and '; '}{hint}"
        )


def check_score_vector(scores: ArrayLike, name: str, *, finite: bool = False) -> np.ndarray:
    """Return scores of shape (n,) as float64, one number for each example and none of them NaN."""
    try:
        checked = np.asarray(scores)
        if checked.dtype.kind not in "fiubO":
            raise TypeError(f"got {checked.dtype}")
        checked = checked.astype(np.float64, copy=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be one number for each example: {error}") from error
    if checked.ndim != 1:
        hint = ": pass predict_proba(X)[:, 1]" if checked.shape[1:] == (2,) else ""
        raise ValueError(f"{name} must have shape (n,), got {checked.shape}{hint}")
    missing = np.flatnonzero(np.isnan(checked))
    if len(missing):
        raise ValueError(
            f"{name} must be numbers, but {len(missing)} of {len(checked)} are NaN, the first at "
            f"index {missing[0]}; did the training of the classifier diverge?"
        )
    infinite = np.flatnonzero(np.isinf(checked) & finite)
    if len(infinite):
        raise ValueError(
            f"{name} must be finite, but {len(infinite)} of {len(checked)} are not, the first at "
            f"index {infinite[0]}; logits of probabilities of 0 or 1 are infinite: clip these"
        )
    return checked
