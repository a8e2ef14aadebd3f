"""The parameters of a run as TOML."""

from __future__ import annotations

import json
import os
import shlex
import tomllib
from collections.abc import Mapping
from typing import Any

from puclassify import __version__

__all__ = ["config_text", "read_config"]

_LARGEST_FILE = 2**24  # lists of micrographs are in it as they were given


def read_config(path: str, command: str) -> dict[str, Any]:
    """Return the table of a command; names may be written with - or _."""
    if os.path.getsize(path) > _LARGEST_FILE:
        raise ValueError(f"{path} has more than {_LARGEST_FILE} bytes; is it a file of parameters?")
    try:
        with open(path, "rb") as file:
            tables = tomllib.load(file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not TOML: {error}") from None
    except RecursionError:
        raise ValueError(f"{path} is not TOML of parameters: it is nested too deep") from None
    values = tables.get(command)
    if not isinstance(values, dict):
        there = ", ".join(f"[{name}]" for name in tables) or "nothing"
        raise ValueError(f"{path} has no table [{command}]; it has {there}")
    return {name.replace("-", "_"): value for name, value in values.items()}


def config_text(command: str, values: Mapping[str, Any], path: str) -> str:
    """Return the TOML of a run; what was not given and has no default is left out."""
    lines = [
        f"# Written by puclassify {__version__} in {_one_line(os.getcwd())}",
        f"# Repeat: puclassify {command} --config {_one_line(shlex.quote(path))}",
        f"[{command}]",
    ]
    lines += [f"{name} = {_toml(value)}" for name, value in values.items() if value is not None]
    return "\n".join(lines) + "\n"


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


def _toml(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)  # inf and nan are TOML, too
    # Strings of JSON are strings of TOML, but for DEL and for file names that are not Unicode.
    text = str(value).encode(errors="replace").decode()
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
