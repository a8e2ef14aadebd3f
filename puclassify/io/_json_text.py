"""JSON files, and values in them of the expected kind."""

from __future__ import annotations

import json
import os
from typing import Any

__all__ = ["check_size", "image_shape", "items", "number", "outline", "read_json", "text"]

_LARGEST_FILE = 2**29  # bytes; three million boxes


def check_size(path: str) -> None:
    """Refuse a file that would fill the memory: JSON can only be read as a whole."""
    size = os.path.getsize(path)
    if size > _LARGEST_FILE:
        raise ValueError(
            f"it has {size} bytes, JSON of more than {_LARGEST_FILE} is not read; write a file for "
            "each image, or a table (CSV, STAR)"
        )


def read_json(path: str) -> Any:
    """Return what a JSON file holds."""
    check_size(path)
    with open(path, encoding="utf-8-sig") as file:
        content = file.read()
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("its brackets are nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON file ({error}); is it complete?") from None


def outline(content: Any) -> Any:
    """Return what tells in a message what a file holds: the first keys, or the type."""
    return list(content)[:6] if isinstance(content, dict) else type(content).__name__


def image_shape(height: Any, width: Any) -> tuple[int, int] | None:
    """Return the size of an image, or None if it is no pair of positive whole numbers."""
    if isinstance(height, int) and isinstance(width, int) and height > 0 and width > 0:
        return height, width
    return None


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
