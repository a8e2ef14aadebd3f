"""The command ``pick``."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import click

from puclassify.cli._command import command, print_result, save_config
from puclassify.cli._exit_codes import SKIPPED
from puclassify.cli._options import (
    POSITIVE,
    THRESHOLD,
    computing_options,
    project_option,
    threshold_text,
)

_EXAMPLE = """\
puclassify pick model.safetensors "session/**/*.mrc" --output picks
puclassify pick model.safetensors session --watch --idle 600 --output picks
puclassify pick model.safetensors P3/J5/J5_micrographs.csg --output P3/picks.csg"""


@command(name="pick", example=_EXAMPLE)
@click.argument("model")
@click.argument("micrographs", nargs=-1, required=True)
@click.option(
    "--output",
    required=True,
    help='A folder for STAR files, which is made; a path with "{name}" in it, such as '
    '"picks/{name}.tsv", for a file of another format each; or one file for all, such as '
    "picks.csv, or picks.csg to import in cryoSPARC.",
)
@project_option
@click.option(
    "--threshold",
    type=THRESHOLD,
    help="Which picks count: a logit, or a rule, such as precision=0.9; -inf for every candidate.  "
    "[default: that of the model]",
)
@click.option("--resume", is_flag=True, help="Go on with a run that was broken off.")
@click.option(
    "--on-error",
    type=click.Choice(["raise", "warn", "skip"]),
    default="raise",
    show_default=True,
    help="What to do about a micrograph that cannot be picked; skipped ones are listed in "
    "skipped.tsv.",
)
@computing_options
@click.option(
    "--watch",
    is_flag=True,
    help="MICROGRAPHS is one folder that is being written: pick every file as it is complete.",
)
@click.option("--pattern", default="*.mrc", show_default=True, help="Which files, with --watch.")
@click.option("--idle", type=POSITIVE, help="Seconds without a new file after which --watch ends.")
@click.option("--timeout", type=POSITIVE, help="Seconds after which --watch ends.")
def pick(**options: Any) -> None:
    """Pick particles in micrographs with a trained model.

    MODEL is a file of "puclassify train". MICROGRAPHS are paths, folders, quoted patterns, STAR
    lists, exposures of cryoSPARC (.cs, .csg) or @list.txt. Picks are written as soon as each
    micrograph is done, one file for all at the end; scores are logits, 0 means a probability of
    1/2.
    """
    from puclassify import load_model
    from puclassify.cli._progress import with_time_left

    _check_usage(options)
    picker = load_model(options["model"], device=options["device"])
    if not hasattr(picker, "iter_predict"):
        raise ValueError(f"{options['model']} is a model of single images, not a picker")
    picker.set_params(n_jobs=options["n_jobs"], verbose=0)
    micrographs, total = _micrographs(options)
    output = _prepared(options["output"])
    is_each = _is_each(output)
    names: list[str] = []
    stream = picker.iter_predict(
        _noted(micrographs, names) if not is_each else micrographs,
        options["threshold"],
        output=output if is_each else None,
        on_error=options["on_error"],
        resume=options["resume"],
    )
    counts, kept = [], []
    for picks in with_time_left(stream, total, "micrograph"):
        counts.append(-1 if picks is None else len(picks))
        if not is_each:
            kept.append(picks)
    if not is_each:
        written = {name: xy for name, xy in zip(names, kept) if xy is not None}
        _write(written, output, micrographs, picker)
    save_config(_config_path(output))
    _finish(options, stream, counts)


def _write(picks: dict[str, Any], output: str, micrographs: Any, picker: Any) -> None:
    """Write picks into one file; cryoSPARC's has sizes and numbers of micrographs, too."""
    from puclassify.io import CoordinateTable, Exposures, write_coordinates

    if not output.lower().endswith((".cs", ".csg")):
        write_coordinates(picks, output)
        return
    table = CoordinateTable.from_arrays(picks)
    distance = _least_distance(picker, getattr(micrographs, "pixel_size", None))
    if distance is not None:
        columns = {"location/min_dist_A": [distance] * len(table.names)}
        table = replace(table, columns=columns)
    known = micrographs if isinstance(micrographs, Exposures) else list(picks)
    write_coordinates(table, output, micrographs=known)


def _least_distance(picker: Any, pixel_size: float | None) -> float | None:
    """Return how near picks may be to each other, in ångström, None if that is not known."""
    size = pixel_size if pixel_size is not None else picker.pixel_size
    if picker.nms is None or picker.nms.radius != picker.nms.radius:  # NaN: half the diameter
        return picker.particle_diameter / 2
    return None if isinstance(size, str) else float(picker.nms.radius * size)


def _finish(options: dict[str, Any], stream: Any, counts: list[int]) -> None:
    done = [n for n in counts if n >= 0]
    result = {
        "output": options["output"],
        "threshold": options["threshold"] and threshold_text(options["threshold"]),
        "n_micrographs": len(done),
        "n_picks": sum(done),
        "n_skipped": len(stream.skipped),
        "skipped": [
            {"micrograph": one.micrograph, "error": one.error, "message": one.message}
            for one in stream.skipped
        ],
    }
    text = f"{sum(done)} picks in {len(done)} micrographs, in {options['output']}"
    if stream.skipped:
        text += f"; {len(stream.skipped)} skipped, the first: {stream.skipped[0]}"
    print_result(result, text)
    if stream.skipped:
        click.get_current_context().exit(SKIPPED)


def _check_usage(options: dict[str, Any]) -> None:
    if options["watch"]:
        if len(options["micrographs"]) != 1:
            raise click.UsageError("--watch takes one folder")
    elif options["idle"] is not None or options["timeout"] is not None:
        raise click.UsageError("--idle and --timeout are for --watch")
    if options["resume"] and not _is_each(options["output"]):
        raise click.UsageError(
            '--resume needs a file for each micrograph: a folder, or "{name}", in --output'
        )


def _micrographs(options: dict[str, Any]) -> tuple[Iterable[str], int | None]:
    """Return the micrographs and their number, None where it is not known yet."""
    from puclassify.io import micrograph_files, watch

    if not options["watch"]:
        files = micrograph_files(options["micrographs"], options["project"])
        return files, len(files)
    return (
        watch(
            options["micrographs"][0],
            options["pattern"],
            idle=options["idle"],
            timeout=options["timeout"],
            status=lambda line: click.echo(line, err=True),
        ),
        None,
    )


def _noted(micrographs: Iterable[str], names: list[str]) -> Iterable[str]:
    """Yield micrographs, and note their names in order."""
    for one in micrographs:
        names.append(one)
        yield one


def _is_each(output: str) -> bool:
    """Return whether there is a file for each micrograph: in a folder or with {name}."""
    is_file = bool(os.path.splitext(output)[1]) and not os.path.isdir(output)
    return "{name}" in output or not is_file or output.endswith("/")


def _prepared(output: str) -> str:
    """Make the folder of an output; return its name as the library recognises it."""
    is_folder = _is_each(output) and "{name}" not in output
    folder = output if is_folder else os.path.dirname(output)
    if folder:
        os.makedirs(folder, exist_ok=True)
    return output


def _config_path(output: str) -> str:
    if not _is_each(output):
        return f"{output}.toml"
    return os.path.join(os.path.dirname(output) if "{name}" in output else output, "pick.toml")
