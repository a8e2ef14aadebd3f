"""The text of coordinate files, and signs that it was cut off or damaged."""

from __future__ import annotations

import re

from puclassify._warnings import warn

__all__ = ["has_control_characters", "read_text"]

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")


def has_control_characters(text: str) -> bool:
    """Return whether a text holds characters for which `read_text` refuses a file."""
    return _CONTROL.search(text) is not None


def read_text(path: str) -> str:
    """Return a file's text with newlines as line breaks; warn where it may have been cut off.

    Every byte of a file that ends within a word is legal, but a number that lacks its last digits
    cannot be told from a complete one.
    """
    with open(path, encoding="utf-8-sig") as file:
        text = file.read()
    control = _CONTROL.search(text)
    if control:
        line = text.count("\n", 0, control.start()) + 1
        raise ValueError(
            f"line {line} holds the control character {control.group()!r}, which no text file has; "
            "was the file written completely? Copy or export it again"
        )
    last = text[text.rfind("\n") + 1 :]
    if last.strip():
        warn(
            f"{path} does not end with a line break, its last line is {last[-60:]!r}: if the file "
            "was cut off, that line is wrong and others are missing. If it is complete, add a line "
            "break"
        )
    return text
