"""The command ``relion-external``: a job of RELION's type External."""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import sys
from typing import Any, NamedTuple

import click
import numpy as np
from click.core import ParameterSource

from puclassify._progress import progress_on
from puclassify.cli._command import Command, finish_with_skipped, save_config
from puclassify.cli._files import load_picker
from puclassify.cli._options import (
    POSITIVE,
    THRESHOLD,
    check_option,
    device_option,
    threshold_text,
    training_options,
)
from puclassify.cli._relion_job import RelionJob, mark_failed
from puclassify.cli._relion_picks import JobPicks

_EXAMPLE = """\
puclassify relion-external --o External/job012/ --in_mics CtfFind/job003/micrographs_ctf.star \\
    --in_coords ManualPick/job004/manualpick.star --diameter 180 --j 4"""
_OF_TRAINING = ("diameter", "expected_particles", "epochs", "network", "init", "seed", "check")
_NOT_USED = ("in_movies", "in_3dref", "in_mask")


class _RelionCommand(Command):
    """A command that tells RELION of wrong options, too."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.UsageError:
            folder = _folder_in(given)
            if folder:
                mark_failed(folder)
            raise


def _folder_in(args: list[str]) -> str:
    """Return the value of --o."""
    for place, arg in enumerate(args):
        if arg.startswith("--o="):
            return arg[len("--o=") :]
        if arg == "--o" and place + 1 < len(args):
            return args[place + 1]
    return ""


@click.command(
    name="relion-external",
    cls=_RelionCommand,
    example=_EXAMPLE,
    no_args_is_help=True,
    # Labels may be written with _ or with -.
    context_settings={"token_normalize_func": lambda name: name.replace("_", "-")},
)
@click.option("--o", "output", required=True, help="The job's folder; RELION gives it.")
@click.option(
    "--in_mics", required=True, help="Input micrographs: a STAR file of RELION 3.0 or later."
)
@click.option(
    "--in_coords", help="Input coordinates, to train on: the list of a ManualPick or AutoPick job."
)
@click.option("--in_parts", help="Input particles, to train on, such as those of a Select job.")
@click.option("--in_movies", hidden=True)
@click.option("--in_3dref", hidden=True)
@click.option("--in_mask", hidden=True)
@click.option("--j", "threads", type=click.IntRange(min=1), help="Number of threads.")
@click.option("--pipeline_control", hidden=True, help="Ignored; it is the same as --o.")
@click.option(
    "--model",
    help="A trained model: picks without training, or continues from it if there are coordinates.",
)
@click.option("--diameter", type=POSITIVE, help="Of the particle, in ångström; to train.")
@click.option(
    "--pixel_size",
    type=POSITIVE,
    help="Ångström per pixel of the micrographs.  [default: as the STAR file says, else the "
    "headers]",
)
@click.option(
    "--threshold",
    type=THRESHOLD,
    help="Which picks count: a logit, or a rule, such as precision=0.9.  [default: auto, or that "
    "of the model]",
)
@click.option("--expected_particles", type=POSITIVE, help="In a typical micrograph, if known.")
@training_options
@check_option
@click.option(
    "--on_error",
    type=click.Choice(["raise", "warn", "skip"]),
    default="raise",
    show_default=True,
    help="What to do about a micrograph that cannot be picked; skipped ones are listed in "
    "skipped.tsv.",
)
@click.option("--gpu", type=click.IntRange(min=0), help="Number of the GPU.")
@device_option
def relion_external(**options: Any) -> None:
    """Pick particles as a job of RELION's type External.

    In RELION 4 or 5 give "puclassify relion-external" as the external executable, input micrographs
    and input coordinates, and the options below as labels without "--". The picks are offered to
    Extract jobs as autopick.star. A job that was aborted or failed goes on with "Continue".
    """
    # RELION shows what is in run.err in red.
    with RelionJob(options["output"]) as job, progress_on(sys.stdout):
        _check_usage(options)
        _use_threads(options["threads"])
        picks, result = _run(options)
        job.write_nodes(os.path.basename(picks.list))
        save_config(os.path.join(options["output"], "relion-external.toml"))
    text = f"{result['n_picks']} picks in {result['n_micrographs']} micrographs, in {picks.list}"
    finish_with_skipped(result, text, picks.skipped)


def _run(options: dict[str, Any]) -> tuple[JobPicks, dict[str, Any]]:
    from puclassify.io import MicrographList, read_micrograph_list

    listed = read_micrograph_list(options["in_mics"])
    if options["pixel_size"] is not None:
        sizes: list[float | None] = [options["pixel_size"]] * len(listed.names)
        listed = MicrographList(listed.names, listed.files, sizes)
    picks = JobPicks(options["output"], listed)  # refuses names before the training
    is_trained = bool(options["in_coords"] or options["in_parts"])
    model = _trained_model(options, listed) if is_trained else options["model"]
    picker = load_picker(model, _device(options))
    threads = options["threads"]
    picker.set_params(n_jobs=threads if threads and threads > 1 else None, verbose=0)
    threshold = options["threshold"]
    made_by = {"model": _checksum(model), "threshold": str(threshold)}
    picks.pick(picker, threshold, options["on_error"], made_by)
    counts = picks.counts()
    result = {
        "output": picks.list,
        "model": model,
        "threshold": threshold and threshold_text(threshold),
        "n_micrographs": len(counts),
        "n_picks": sum(counts),
        "n_kept": picks.n_kept,
    }
    return picks, result


def _check_usage(options: dict[str, Any]) -> None:
    for name in _NOT_USED:
        if options[name]:
            raise click.UsageError(f"--{name} is not used: picking needs micrographs (--in_mics)")
    if options["gpu"] is not None and options["device"]:
        raise click.UsageError("--gpu and --device say the same; give one of them")
    if options["in_coords"] and options["in_parts"]:
        raise click.UsageError("both --in_coords and --in_parts are given; train on one of them")
    if options["in_coords"] or options["in_parts"]:
        if options["diameter"] is None:
            raise click.UsageError("training needs the label diameter, in ångström")
        return
    if not options["model"]:
        raise click.UsageError("give input coordinates to train on, or the label model")
    context = click.get_current_context()
    given = [
        name
        for name in _OF_TRAINING
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    ]
    if given:
        raise click.UsageError(
            f"the label {given[0]} is for a training, but there are no input coordinates; that of "
            "the model counts"
        )


def _device(options: dict[str, Any]) -> str | None:
    return options["device"] if options["gpu"] is None else f"cuda:{options['gpu']}"


def _use_threads(n: int | None) -> None:
    """Let PyTorch, which reads this when it is imported, use n threads on the CPU."""
    if n is not None and "torch" not in sys.modules:
        os.environ["OMP_NUM_THREADS"] = str(n)


class _TrainingSet(NamedTuple):
    """Micrographs with labels, and the pixel size that they share, None if it is not known."""

    files: list[str]
    labels: list[np.ndarray]
    pixel_size: float | None


def _trained_model(options: dict[str, Any], listed: Any) -> str:
    """Train and return the model's path; that of an earlier run of the job if it is the same."""
    path = os.path.join(options["output"], "model.safetensors")
    record = os.path.join(options["output"], ".training.json")
    training = _training_set(options, listed)
    described = _description(options, training)
    if os.path.isfile(path) and _read(record) == described:
        click.echo(f"trained by an earlier run of this job: {path}")
        return path
    picker = _fitted(options, training)
    from puclassify import save_model
    from puclassify.io import replace_files

    save_model(picker, path)
    replace_files({record: described})
    click.echo(f"wrote {path}")
    return path


def _fitted(options: dict[str, Any], training: _TrainingSet) -> Any:
    """Train a picker, a new one or that of the model to continue from."""
    from puclassify.cli._coordinates import check_labels
    from puclassify.cli._train import new_picker, training_report

    if options["check"] != "off":
        in_pixels = options["diameter"] / training.pixel_size if training.pixel_size else None
        stops = options["check"] == "stop"
        check_labels(training.files, training.labels, in_pixels, stops, "set check to off")
    threads = options["threads"]
    of_training = {
        "diameter": options["diameter"],
        "pixel_size": training.pixel_size or "header",
        "expected_particles": options["expected_particles"],
        "threshold": "auto" if options["threshold"] is None else options["threshold"],
        "n_jobs": threads if threads and threads > 1 else None,
        "seed": options["seed"],
        "warm_start": options["model"],
        "epochs": options["epochs"],
        "network": options["network"],
        "init": options["init"],
        "device": _device(options),
    }
    picker = new_picker(of_training).fit(training.files, training.labels)
    click.echo(training_report(picker.threshold_, picker.threshold_report_))
    return picker


def _training_set(options: dict[str, Any], listed: Any) -> _TrainingSet:
    """Return the micrographs that have labels, in --in_mics or elsewhere in the project."""
    from puclassify.cli._coordinates import positions
    from puclassify.io import match_coordinates, read_coordinates

    found = read_coordinates(_label_files(options["in_coords"] or options["in_parts"]))
    stems = set(map(_stem, listed.names))
    elsewhere = [name for name in found if _stem(name) not in stems]
    others = [name for name in elsewhere if os.path.isfile(name)]
    names = [*listed.names, *others]
    files, sizes = [*listed.files, *others], dict(enumerate(listed.pixel_sizes))
    labels = match_coordinates(found, names)
    chosen = [index for index, xy in enumerate(labels) if len(xy)]
    if not chosen:
        raise ValueError(
            f"{options['in_coords'] or options['in_parts']} has no coordinates; pick some hundred "
            "particles on about ten micrographs"
        )
    click.echo(f"{len(chosen)} micrographs with {sum(map(len, labels))} labels")
    n_lost = len(found) - len(chosen)
    if n_lost > 0:
        click.echo(
            f"warning: {n_lost} of the {len(found)} micrographs with coordinates are neither among "
            "the input micrographs nor in the project, and are left out",
            err=True,
        )
    used = {size for index in chosen if (size := sizes.get(index)) is not None}
    return _TrainingSet(
        [files[index] for index in chosen],
        positions([labels[index] for index in chosen]),
        _common_size(used or {size for size in listed.pixel_sizes if size is not None}),
    )


def _label_files(path: str) -> str:
    """Return the path, or the pattern of the files that RELION 3.1 names by a suffix."""
    folder, name = os.path.split(path)
    if name.startswith("coords_suffix_"):
        return os.path.join(folder, "**", f"*_{name.removeprefix('coords_suffix_')}")
    return path


def _stem(name: str) -> str:
    return os.path.splitext(os.path.basename(name))[0]


def _common_size(sizes: set[float]) -> float | None:
    from puclassify._pixel_size import differ

    if sizes and differ(min(sizes), max(sizes)):
        raise ValueError(
            f"the micrographs with labels have pixel sizes of {min(sizes):g} to {max(sizes):g} Å; "
            "label micrographs of one pixel size: those of others are picked all the same"
        )
    return statistics.median(sizes) if sizes else None


def _description(options: dict[str, Any], training: _TrainingSet) -> str:
    """Return a text that is the same if a training is."""
    model = options["model"]
    threshold = options["threshold"]
    described = {
        **{name: options[name] for name in _OF_TRAINING},
        "pixel_size": training.pixel_size,
        "estimates": not isinstance(threshold, float),  # a number needs none
        "model": model and _checksum(model),
        "files": training.files,
        "labels": [hashlib.sha256(xy.tobytes()).hexdigest() for xy in training.labels],
    }
    return json.dumps(described, indent=1) + "\n"


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (FileNotFoundError, UnicodeDecodeError):
        return ""


def _checksum(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
