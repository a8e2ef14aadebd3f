"""The text of coordinate files, and signs that it was cut off or damaged."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TextIO

from puclassify._warnings import warn

__all__ = ["cell_text", "check_names", "read_plain_text", "read_text", "short_number", "text_rows"]

_HEAD = 1 << 20  # characters that have to look right before the rest is read
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_CONTROLS = bytes([*range(0x09), *range(0x0E, 0x20), 0x7F])


def check_names(names: Iterable[str]) -> None:
    """Refuse names that would not be read as they are written."""
    for name in set(names):
        bad = len(name.splitlines()) != 1 or _CONTROL.search(name) is not None
        if bad or name != name.strip():
            raise ValueError(
                f"names holds {name!r}; a table can only store names of one line without spaces "
                "around them and control characters: rename the micrograph"
            )


def cell_text(value: Any) -> str:
    """Return a value of a further column as text; a gap is an empty text."""
    if value is None or (isinstance(value, float) and value != value):
        return ""
    return repr(float(value)) if isinstance(value, float) else str(value).strip()


def short_number(number: float) -> str:
    """Return a number with as many digits as it needs, without ``.0`` if it is whole."""
    return repr(number).removesuffix(".0")


def text_rows(
    path: str, check: Callable[[list[list[str]], list[int]], Any]
) -> tuple[list[list[str]], list[int]]:
    """Return the words of the lines that are neither empty nor comments, and their numbers.

    On those of the first megabyte of a large file ``check`` may raise.
    """
    return _rows(read_text(path, lambda head: check(*_rows(head))))


def _rows(text: str) -> tuple[list[list[str]], list[int]]:
    rows, numbers = [], []
    for number, line in enumerate(text.split("\n"), 1):
        words = line.partition("#")[0].split()
        if words:
            rows.append(words)
            numbers.append(number)
    return rows, numbers


def read_text(path: str, check_head: Callable[[str], Any] | None = None) -> str:
    """Return a file's text as `read_plain_text`; warn where it may have been cut off.

    Every byte of a file that ends within a word is legal, but a number that lacks its last digits
    cannot be told from a complete one.
    """
    text = read_plain_text(path, check_head)
    last = text[text.rfind("\n") + 1 :]
    if last.strip():
        warn(
            f"{path} does not end with a line break, its last line is {last[-60:]!r}: if the file "
            "was cut off, that line is wrong and others are missing. If it is complete, add a line "
            "break"
        )
    return text


def read_plain_text(path: str, check_head: Callable[[str], Any] | None = None) -> str:
    """Return a file's text with newlines as line breaks.

    A file that cannot be meant is refused by its first megabyte, on which ``check_head`` may raise.
    """
    with open(path, encoding="utf-8-sig") as file:
        text = file.read(_HEAD)
        _check_no_controls(text)
        if len(text) == _HEAD:
            if len(text) - text.rfind("\n") > _HEAD // 2:
                line = text.count("\n") + 1
                raise ValueError(
                    f"line {line} has more than {_HEAD // 2} characters; is it a text file?"
                )
            if check_head is not None:
                check_head(text[: text.rfind("\n") + 1])
            text += "".join(_without_controls(file, text.count("\n")))
    return text


def _without_controls(file: TextIO, n_lines: int) -> Iterator[str]:
    """Yield the rest of a file piece by piece, so that garbage does not fill the memory."""
    while piece := file.read(_HEAD):
        _check_no_controls(piece, n_lines)
        n_lines += piece.count("\n")
        yield piece


def _check_no_controls(text: str, n_before: int = 0) -> None:
    # Many times faster than the pattern, which tells where one is.
    data = text.encode(errors="surrogatepass")
    if len(data.translate(None, _CONTROLS)) == len(data):
        return
    control = _CONTROL.search(text)
    if control:
        line = n_before + text.count("\n", 0, control.start()) + 1
        raise ValueError(
            f"line {line} holds the control character {control.group()!r}, which no text file has; "
            "was the file written completely? Copy or export it again"
        )
