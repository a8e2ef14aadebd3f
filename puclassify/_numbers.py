"""What counts as a number among the parameters of the package."""

from __future__ import annotations

from numbers import Real

__all__ = ["check_number", "is_number"]


def is_number(value) -> bool:
    """Tell whether a value is a real number; a boolean, which Python counts among them, is not.

    Parameters
    ----------
    value : object
        What the caller passed.

    Returns
    -------
    bool
        True also for NaN and the infinities.

    Examples
    --------
    >>> from puclassify._numbers import is_number
    >>> is_number(2), is_number(0.5), is_number(True), is_number("2")
    (True, True, False, False)
    """
    return isinstance(value, Real) and not isinstance(value, bool)


def check_number(value, name: str, expected: str, is_valid) -> None:
    """Refuse what is no number, or none that is valid.

    Parameters
    ----------
    value : object
        What the caller passed.
    name : str
        Name of the parameter.
    expected : str
        What it must be, in words.
    is_valid : callable
        Tells so of a float.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    if not is_number(value) or not is_valid(float(value)):
        raise ValueError(f"{name} must be {expected}, got {value!r}")
