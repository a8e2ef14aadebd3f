"""The check of a parameter that is a number."""

from __future__ import annotations

import numpy as np

from puclassify._numbers import is_number

__all__ = ["check_number"]


def check_number(value, name: str, expected: str, *, least: float = 0.0) -> float:
    """Return a parameter as a float if it is a positive number.

    Parameters
    ----------
    value : object
        What the caller passed. Booleans count as no number: they are a parameter of another place.
    name : str
        Name of the parameter.
    expected : str
        What it must be, in words.
    least : float, default=0.0
        Smallest allowed value; 0 itself is not allowed.

    Returns
    -------
    float
        The number.

    Raises
    ------
    ValueError
        If it is anything else.

    Examples
    --------
    >>> from puclassify.preprocessing._parameters import check_number
    >>> check_number(3, "clip", "a positive number")
    3.0
    >>> check_number(True, "clip", "a positive number")
    Traceback (most recent call last):
    ...
    ValueError: clip must be a positive number, got True
    """
    if not (is_number(value) and least <= float(value) < np.inf and float(value) > 0):
        raise ValueError(f"{name} must be {expected}, got {value!r}")
    return float(value)
