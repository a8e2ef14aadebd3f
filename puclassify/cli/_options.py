"""Kinds of values on the command line, and options that several commands share."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable
from typing import Any

import click
from click.shell_completion import CompletionItem

__all__ = [
    "FORMAT",
    "PAIR",
    "PATH",
    "PIXEL_SIZE",
    "POSITIVE",
    "SHAPE",
    "SHARE",
    "THRESHOLD",
    "WRITTEN_FORMAT",
    "check_option",
    "computing_options",
    "dask_option",
    "device_option",
    "frame_of",
    "frame_options",
    "project_option",
    "skipping_option",
    "threshold_text",
    "training_options",
]


class _Positive(click.ParamType):
    name = "number"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not 0 < number < math.inf:
            self.fail(f"{value!r} is not a positive number", param, ctx)
        return number


class _PixelSize(_Positive):
    name = "number|header"

    def convert(self, value: Any, param: Any, ctx: Any) -> float | str:  # type: ignore[override]
        return "header" if value == "header" else super().convert(value, param, ctx)


class _Pair(click.ParamType):
    """One number for both axes, or "x,y"."""

    name = "number|x,y"

    def convert(self, value: Any, param: Any, ctx: Any) -> float | tuple[float, float]:
        try:
            parts = value.split(",") if isinstance(value, str) else value
            numbers = [
                float(one) for one in (parts if isinstance(parts, (list, tuple)) else [parts])
            ]
        except (TypeError, ValueError):
            numbers = []
        if len(numbers) not in (1, 2) or not all(map(math.isfinite, numbers)):
            self.fail(f"{value!r} is not a number, or two as x,y", param, ctx)
        return numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])


class _Shape(click.ParamType):
    name = "HEIGHTxWIDTH"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, int]:
        try:
            parts = value.lower().split("x") if isinstance(value, str) else value
            height, width = (int(one) for one in parts)
        except (TypeError, ValueError):
            height = width = 0
        if height < 1 or width < 1:
            self.fail(f"{value!r} is not of the form HEIGHTxWIDTH, such as 4092x5760", param, ctx)
        return height, width


class _Jobs(click.ParamType):
    name = "number"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        try:
            number = int(value)
        except (TypeError, ValueError):
            number = 0
        if number == 0:
            self.fail(f"{value!r} is not a number of jobs, such as 4, or -1", param, ctx)
        return number


class _Format(click.ParamType):
    """The name of a format of coordinates, or "auto"."""

    name = "format"

    def __init__(self, writes: bool):
        self.writes = writes

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        if value != "auto" and value not in self._names():
            near = difflib.get_close_matches(str(value), self._names(), n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            known = ", ".join(["auto", *self._names()])
            self.fail(
                f"{value!r} is no format of coordinates; there are {known}.{hint}", param, ctx
            )
        return str(value)

    def shell_complete(self, ctx: Any, param: Any, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(name) for name in self._names() if name.startswith(incomplete)]

    def _names(self) -> list[str]:
        from puclassify.io import COORDINATE_FORMATS

        known = COORDINATE_FORMATS.items()
        return [name for name, one in known if one.write is not None or not self.writes]


class _Share(click.ParamType):
    """One of several equal parts, counted from 1."""

    name = "K/N"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, int]:
        try:
            share, n_shares = (int(one) for one in (value.split("/") if "/" in value else value))
        except (AttributeError, TypeError, ValueError):
            share = n_shares = 0
        if not 1 <= share <= n_shares:
            self.fail(f"{value!r} is not of the form K/N, from 1/N to N/N", param, ctx)
        return share, n_shares


class _Threshold(click.ParamType):
    """A logit, the name of a rule, or a rule with its target."""

    name = "logit|RULE|RULE=TARGET"

    def convert(self, value: Any, param: Any, ctx: Any) -> float | str | tuple[str, float]:
        if isinstance(value, (list, tuple)):  # as in the TOML of a run
            value = "=".join(map(str, value))
        rule, equals, target = str(value).partition("=")
        try:
            if equals:
                return rule, float(target)
            return float(rule)
        except ValueError:
            if equals:
                self.fail(f"{target!r} in {value!r} is not a number", param, ctx)
            return rule  # the library knows which rules there are


FORMAT, WRITTEN_FORMAT = _Format(writes=False), _Format(writes=True)
PATH = click.Path()  # completed by the shell
POSITIVE = _Positive()
PIXEL_SIZE = _PixelSize()
PAIR = _Pair()
SHAPE = _Shape()
SHARE = _Share()
THRESHOLD = _Threshold()


def threshold_text(threshold: Any) -> str:
    """Return a threshold as it is written on the command line."""
    return "=".join(map(str, threshold)) if isinstance(threshold, tuple) else str(threshold)


def _stacked(*options: Callable) -> Callable:
    def decorate(function: Callable) -> Callable:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


frame_options = _stacked(
    click.option(
        "--origin",
        type=click.Choice(["top-left", "bottom-left"]),
        default="top-left",
        show_default=True,
        help="From where the file counts y.",
    ),
    click.option(
        "--step",
        type=PAIR,
        default=1.0,
        show_default=True,
        help="Pixels of the file's frame per stored pixel: 4 if the coordinates are of unbinned "
        "images and the micrographs are binned by 4.",
    ),
    click.option(
        "--offset",
        type=PAIR,
        default=0.0,
        show_default=True,
        help="Where the file has the first stored pixel: 1.5 if blocks of 4 were averaged.",
    ),
)


def frame_of(options: dict[str, Any]) -> dict[str, Any]:
    """Return what `frame_options` were given, as the arguments of readers."""
    return {name: options[name] for name in ("origin", "step", "offset")}


skipping_option = click.option(
    "--on-error",
    type=click.Choice(["raise", "warn", "skip"]),
    default="raise",
    show_default=True,
    help="What to do about a micrograph that cannot be read or used; skipped ones are listed in "
    "skipped.tsv, and the exit status is then 3.",
)

training_options = _stacked(
    click.option(
        "--epochs", type=click.IntRange(min=1), help="Of training.  [default: the library's]"
    ),
    click.option("--network", help="Such as resnet9 or conv31.  [default: the library's]"),
    click.option(
        "--init",
        help='Weights to start from: "random", "auto", "pretrained", or a file of '
        "--save-pretrained.  [default: the library's]",
    ),
    click.option("--seed", type=int, default=0, show_default=True, help="The same gives the same."),
)

check_option = click.option(
    "--check",
    type=click.Choice(["stop", "warn", "off"]),
    default="stop",
    show_default=True,
    help="What to do if the coordinates seem to be flipped, scaled or shifted.",
)

device_option = click.option(
    "--device", help='Such as "cpu" or "cuda:0".  [default: a GPU if there is one]'
)

computing_options = _stacked(
    click.option(
        "--n-jobs",
        type=_Jobs(),
        help="Micrographs processed in parallel; -1 for one on every core.",
    ),
    device_option,
)

project_option = click.option(
    "--project",
    type=click.Path(exists=True, file_okay=False),
    help="Folder of a cryoSPARC project, to which paths in .cs and .csg files of exposures are "
    "relative.  [default: looked for above the file]",
)

dask_option = click.option(
    "--dask",
    type=PATH,
    help="Address or scheduler file of a cluster of Dask, whose workers pick the micrographs.",
)
