"""What all commands share: --config, --json, --debug, errors without traceback, exit codes."""

from __future__ import annotations

import difflib
import json
import re
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import click

from puclassify._progress import write_line
from puclassify.cli._config import config_text, read_config
from puclassify.cli._exit_codes import INPUT_ERROR, INTERRUPTED, SKIPPED

__all__ = ["Command", "command", "finish_with_skipped", "print_result", "save_config"]

_OF_THE_CALL = ("config", "json", "debug")  # not parameters of the run
# Arguments of the library that have another name as options, in the commands that have these.
_OPTIONS = {"particle_diameter": "--diameter", "box_size": "--to-box-size", "module": "--network"}
# What a wrong file or value raises; the rest would be a bug.
_INPUT_ERRORS = (ValueError, OSError, ImportError, MemoryError)


class Command(click.Command):
    """A command with the shared options, whose help ends with an example."""

    def __init__(self, *args: Any, example: str = "", **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._example = example
        self.params += [
            click.Option(
                ["--config"],
                type=click.Path(exists=True, dir_okay=False),
                is_eager=True,
                callback=_use_config,
                help="TOML file of parameters, as every run writes it; options given beside it "
                "count more.",
            ),
            click.Option(["--json"], is_flag=True, help="Print the result as JSON, for programs."),
            click.Option(["--debug"], is_flag=True, help="Show the traceback of an error."),
        ]

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self._example:
            with formatter.section("Example"):
                formatter.write("".join(f"  {line}\n" for line in self._example.splitlines()))

    def invoke(self, ctx: click.Context) -> Any:
        is_debugged = ctx.params["debug"]
        try:
            with warnings.catch_warnings():
                if not sys.warnoptions:
                    warnings.simplefilter("default", UserWarning)
                    warnings.showwarning = self._show_warning
                return super().invoke(ctx)
        except (click.exceptions.Exit, click.Abort, click.ClickException, BrokenPipeError):
            raise
        except (Exception, KeyboardInterrupt) as error:
            if is_debugged:
                raise
            click.echo(self.in_options(_message(error)), err=True)
            ctx.exit(INTERRUPTED if isinstance(error, KeyboardInterrupt) else INPUT_ERROR)

    def in_options(self, text: str) -> str:
        """Return a message of the library with options in the place of its arguments."""
        options = {
            str(param.name): param.opts[0]
            for param in self.params
            if isinstance(param, click.Option)
        }
        options |= {name: option for name, option in _OPTIONS.items() if option in options.values()}

        def option(match: re.Match) -> str:
            if match[1] not in options:
                return match[0]
            value = match[2] or match[3] or ""
            return f"{options[match[1]]} {value}" if value or match[4] else options[match[1]]

        text = re.sub(r"\b([a-z_]+)=(?:'([^'\s]*)'|([\w.+-]*))(?=([(\[{\"]?))", option, text)
        return re.sub(r"(?<=^error: )([a-z_]+)()()()(?= must )", option, text)

    def _show_warning(self, message, category, filename, lineno, file=None, line=None) -> None:
        """Print a warning without the line of source that means nothing to a user."""
        write_line(f"warning: {self.in_options(str(message))}")


def _message(error: BaseException) -> str:
    """Return what to say of an error instead of its traceback."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if isinstance(error, _INPUT_ERRORS):
        return f"error: {error or type(error).__name__}"
    return f"error: unexpected {type(error).__name__}: {error} (--debug shows where)"


def command(**kwargs: Any) -> Callable[[Callable], Command]:
    """Make a function a `Command`; ``example`` is shown at the end of its help."""
    return click.command(cls=Command, no_args_is_help=True, **kwargs)


def _use_config(ctx: click.Context, option: click.Parameter, path: str | None) -> str | None:
    if path is None:
        return None
    name = str(ctx.command.name)
    try:
        values = read_config(path, name)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, option) from None
    known = [str(p.name) for p in ctx.command.params if p.name not in _OF_THE_CALL]
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(known)}"
            raise click.BadParameter(f"[{name}] in {path} has {key!r}{hint}", ctx, option)
    ctx.default_map = values
    return path


def save_config(path: str) -> None:
    """Write the parameters of the present run, for --config."""
    ctx = click.get_current_context()
    values = {name: value for name, value in ctx.params.items() if name not in _OF_THE_CALL}
    text = config_text(str(ctx.command.name), values, path)
    from puclassify.io import replace_files

    replace_files({path: text})


def print_result(result: dict[str, Any], text: str) -> None:
    """Print the result for a program, or its text for a person."""
    if click.get_current_context().params["json"]:
        click.echo(json.dumps(_plain(result), ensure_ascii=False, allow_nan=False))
    else:
        click.echo(text)


def finish_with_skipped(result: dict[str, Any], text: str, skipped: Sequence[Any]) -> None:
    """Print the result and the micrographs that were skipped, which set the exit status."""
    result |= {
        "n_skipped": len(skipped),
        "skipped": [
            {"micrograph": one.micrograph, "error": one.error, "message": one.message}
            for one in skipped
        ],
    }
    if skipped:
        text += f"; {len(skipped)} skipped, the first: {skipped[0]}"
    print_result(result, text)
    if skipped:
        click.get_current_context().exit(SKIPPED)


def _plain(value: Any) -> Any:
    """Return what JSON can hold: NaN and infinities, which it cannot, become null."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and (value != value or value in (float("inf"), -float("inf"))):
        return None
    return value
