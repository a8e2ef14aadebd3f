"""The group of commands."""

from __future__ import annotations

import difflib
import sys
from importlib import import_module

import click

from puclassify import __version__

__all__ = ["main"]

_COMMANDS = {
    "train": "Train a picker on labelled particles.",
    "pick": "Pick particles in micrographs.",
    "evaluate": "Compare picks, or a model's, with known particles.",
    "convert": "Convert coordinates between formats and frames.",
    "extract": "Cut particles out of micrographs into stacks for RELION.",
    "view": "Draw picks or labels on a micrograph.",
    "info": "Tell what is in a model, micrograph or coordinate file.",
    "relion-external": "Pick particles as a job of RELION's type External.",
}


_HELP = """\
Find particles in cryo-EM micrographs from about a hundred labelled ones.

\b
Three steps:
  puclassify train "mics/*.mrc" --coordinates labels.star --diameter 180 \\
      --pixel-size header --output model.safetensors
  puclassify pick model.safetensors "all/**/*.mrc" --output picks
  puclassify evaluate picks --truth particles.star --radius 50

Micrographs are paths, folders, quoted patterns ("**" includes subfolders), STAR files that list
them, or @list.txt with one of these a line.

\b
Exit status: 0 done, 1 error in a file or value, 2 wrong usage, 3 done but some micrographs
were skipped, 130 interrupted.

\b
Completion by the Tab key, for bash (also zsh, fish), in ~/.bashrc:
  eval "$(_PUCLASSIFY_COMPLETE=bash_source puclassify)"
"""


class _LazyGroup(click.Group):
    """A group that imports a command when that is run; its help needs none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        function = cmd_name.replace("-", "_")
        return getattr(import_module(f"puclassify.cli._{function}"), function)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], _COMMANDS, n=1, cutoff=0.65)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(_COMMANDS)}."
            ctx.fail(f"No such command {args[0]!r}. {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.command(
    cls=_LazyGroup,
    help=_HELP,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="puclassify")
def main() -> None:
    """Run a command."""
    # Characters such as Å must not end a run that is written to an ASCII terminal or log.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
