"""The command ``pick``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import click

from puclassify._progress import write_line
from puclassify.cli._command import command, finish_with_skipped, save_config
from puclassify.cli._dask import workers
from puclassify.cli._files import load_picker
from puclassify.cli._options import (
    PATH,
    PIXEL_SIZE,
    POSITIVE,
    SHARE,
    THRESHOLD,
    computing_options,
    dask_option,
    project_option,
    skipping_option,
    threshold_text,
)
from puclassify.cli._outputs import config_path, is_one_file, make_folder

_EXAMPLE = """\
puclassify pick model.safetensors "session/**/*.mrc" --output picks
puclassify pick model.safetensors session --watch --idle 600 --output picks
puclassify pick model.safetensors P3/J5/J5_micrographs.csg --output P3/picks.csg
puclassify pick --pretrained --diameter 180 "session/*.mrc" --output picks"""


@command(name="pick", example=_EXAMPLE)
@click.argument("model", type=PATH, metavar="[MODEL]")  # the first micrograph with --pretrained
@click.argument("micrographs", type=PATH, nargs=-1, metavar="MICROGRAPHS...")
@click.option(
    "--pretrained",
    is_flag=True,
    help="Pick without a model and without labels, by weights that know particles.",
)
@click.option("--weights", type=PATH, help="A file of --save-pretrained, for --pretrained.")
@click.option("--diameter", type=POSITIVE, help="Of the particle in ångström, for --pretrained.")
@click.option(
    "--pixel-size",
    type=PIXEL_SIZE,
    help='Ångström per pixel of the micrographs as stored, or "header", for --pretrained.  '
    '[default: "header"]',
)
@click.option(
    "--save-model",
    type=PATH,
    help="Where to write the picker of --pretrained, to use it again.",
)
@click.option(
    "--output",
    type=PATH,
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
@skipping_option
@click.option(
    "--share",
    type=SHARE,
    help="Pick only the K-th of N equal shares of the micrographs, as a task of an array of jobs.",
)
@computing_options
@dask_option
@click.option(
    "--watch",
    is_flag=True,
    help="MICROGRAPHS is one folder that is being written: pick every file as it is complete.",
)
@click.option("--pattern", default="*.mrc", show_default=True, help="Which files, with --watch.")
@click.option("--idle", type=POSITIVE, help="Seconds without a new file after which --watch ends.")
@click.option("--timeout", type=POSITIVE, help="Seconds after which --watch ends.")
def pick(**options: Any) -> None:
    """Pick particles in micrographs with a trained model, or with pretrained weights.

    MODEL is a file of "puclassify train"; with --pretrained there is none, and contrast, scale and
    threshold are chosen by what the weights see in 24 of the micrographs. MICROGRAPHS are paths,
    folders, quoted patterns, STAR lists, exposures of cryoSPARC (.cs, .csg) or @list.txt. Picks are
    written as soon as each micrograph is done, one file for all at the end; scores are logits, 0
    means a probability of 1/2.
    """
    _check_usage(options)
    micrographs, output = _micrographs(options), options["output"]
    is_each = not is_one_file(output)
    if not is_each:
        from puclassify.io import check_picks_file

        n_micrographs = 2 if options["watch"] else len(micrographs)
        check_picks_file(output, n_micrographs, ["micrographs"])
    make_folder(output)
    if options["pretrained"]:
        picker = _pretrained(options, micrographs)
    else:
        picker = load_picker(options["model"], options["device"])
    picker.set_params(n_jobs=options["n_jobs"], verbose=1)
    if options["share"] and not micrographs:  # there are fewer of them than shares
        _finish(options, [], [], picker)
        return
    names: list[str] = []
    counts, kept = [], []
    with workers(options["dask"]):
        stream = picker.iter_predict(
            _noted(micrographs, names) if not is_each and options["watch"] else micrographs,
            options["threshold"],
            output=output if is_each else None,
            on_error=options["on_error"],
            resume=options["resume"],
        )
        for picks in stream:
            counts.append(-1 if picks is None else len(picks))
            if not is_each:
                kept.append(picks)
    if not is_each:
        named = zip(names if options["watch"] else micrographs, kept)
        written = {name: xy for name, xy in named if xy is not None}
        _write(written, output, micrographs, picker)
    save_config(config_path(output, "pick"))
    _finish(options, counts, stream.skipped, picker)


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


def _pretrained(options: dict[str, Any], micrographs: Iterable[str]) -> Any:
    """Return a picker of pretrained weights that has looked at the micrographs, if they are there.

    A rule for the threshold is applied to these.
    """
    from puclassify import ParticlePicker, save_model

    picker = ParticlePicker.from_pretrained(
        options["diameter"],
        pixel_size=options["pixel_size"] or "header",
        weights=options["weights"] or "pretrained",
        n_jobs=options["n_jobs"],
    )
    if options["device"] is not None:
        picker.set_params(classifier__device=options["device"])
    if not options["watch"]:
        picker.fit(list(micrographs))
    if options["save_model"] is not None:
        save_model(picker, options["save_model"])
    return picker


def _finish(
    options: dict[str, Any], counts: list[int], skipped: Sequence[Any], picker: Any
) -> None:
    done = [n for n in counts if n >= 0]
    result = {
        "output": options["output"],
        "threshold": options["threshold"] and threshold_text(options["threshold"]),
        "n_micrographs": len(done),
        "n_picks": sum(done),
    }
    if options["pretrained"]:
        result |= {
            "pretrained": picker.pretrained_report_,
            "threshold_report": picker.threshold_report_,
        }
    text = f"{sum(done)} picks in {len(done)} micrographs, in {options['output']}"
    if options["pretrained"] and picker.threshold_report_ is not None:
        report = picker.threshold_report_
        low, high = report["n_particles_interval"]
        text += (
            f"; expected are {report['n_particles']:.0f} ({low:.0f} to {high:.0f}) particles in a "
            f"micrograph, and a precision of {report['precision']:.2f}"
        )
    finish_with_skipped(result, text, skipped)


def _check_usage(options: dict[str, Any]) -> None:
    if options["pretrained"] and options["diameter"] is None:
        raise click.UsageError("--pretrained needs --diameter, that of the particle in ångström")
    if not options["pretrained"]:
        for name in ("weights", "diameter", "pixel_size", "save_model"):
            if options[name] is not None:
                raise click.UsageError(f"--{name.replace('_', '-')} is for --pretrained")
        if not options["micrographs"]:
            raise click.UsageError(
                "MODEL and MICROGRAPHS are needed, or --pretrained --diameter and MICROGRAPHS"
            )
    if options["watch"]:
        if len(_given(options)) != 1:
            raise click.UsageError("--watch takes one folder")
    elif options["idle"] is not None or options["timeout"] is not None:
        raise click.UsageError("--idle and --timeout are for --watch")
    if options["share"] and options["pretrained"]:
        raise click.UsageError(
            "--share cannot be used with --pretrained, which looks at the whole session: pick with "
            "the model that --save-model writes"
        )
    if options["share"] and (options["watch"] or is_one_file(options["output"])):
        raise click.UsageError(
            "--share needs a file for each micrograph: a folder, or a path with "
            '"{name}" in it, as --output, and not --watch'
        )
    if options["resume"] and is_one_file(options["output"]):
        raise click.UsageError(
            '--resume needs a file for each micrograph: a folder, or "{name}", in --output'
        )


def _given(options: dict[str, Any]) -> tuple[str, ...]:
    """Return the micrographs as given."""
    first = (options["model"],) if options["pretrained"] else ()
    return (*first, *options["micrographs"])


def _noted(micrographs: Iterable[str], names: list[str]) -> Iterable[str]:
    """Yield micrographs, and note their names in order."""
    for one in micrographs:
        names.append(one)
        yield one


def _micrographs(options: dict[str, Any]) -> Any:
    """Return a list of files, or a watch that yields them."""
    from puclassify.io import micrograph_files, watch

    if not options["watch"]:
        share, n_shares = options["share"] or (1, 1)
        files = micrograph_files(_given(options), options["project"])
        return files[share - 1 :: n_shares]
    return watch(
        _given(options)[0],
        options["pattern"],
        idle=options["idle"],
        timeout=options["timeout"],
        status=write_line,
    )
