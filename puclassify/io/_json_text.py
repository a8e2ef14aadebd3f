"""JSON files, and values in them of the expected kind."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["items", "number", "read_json", "text"]


def read_json(path: str) -> Any:
    """Return what a JSON file holds."""
    with open(path, encoding="utf-8-sig") as file:
        content = file.read()
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("its brackets are nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON file ({error}); is it complete?") from None


def items(value: Any, where: str) -> list[Any]:
    """Return a list."""
    if not isinstance(value, list):
        raise ValueError(f"{where} is {value!r:.60}, expected a list")
    return value


def number(value: Any, where: str) -> float:
    """Return a finite number; texts of numbers are accepted."""
    try:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise TypeError
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{where} is {value!r:.60}, expected a number") from None
    if not abs(found) < float("inf"):
        raise ValueError(f"{where} is {value!r:.60}, expected a finite number")
    return found


def text(value: Any, where: str) -> str:
    """Return a text that is not empty, without spaces around it."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{where} is {value!r:.60}, expected a name")
    return value.strip()
