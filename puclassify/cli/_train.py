"""The command ``train``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from click.core import ParameterSource

from puclassify.cli._command import command, print_result, save_config
from puclassify.cli._files import check_model_path
from puclassify.cli._options import (
    FORMAT,
    PATH,
    PIXEL_SIZE,
    POSITIVE,
    THRESHOLD,
    check_option,
    computing_options,
    frame_of,
    frame_options,
    project_option,
    training_options,
)
from puclassify.cli._outputs import make_folder

_EXAMPLE = """\
puclassify train "mics/*.mrc" --coordinates labels.star \\
    --diameter 180 --pixel-size 1.77 --output model.safetensors"""


@command(name="train", example=_EXAMPLE)
@click.argument("micrographs", type=PATH, nargs=-1, required=True)
@click.option(
    "--coordinates",
    type=PATH,
    multiple=True,
    required=True,
    help="Labelled particles: a file, folder or quoted pattern; may be given several times.",
)
@click.option(
    "--diameter",
    type=POSITIVE,
    required=True,
    help="Of the particle, in ångström (in pixels with --pixel-size 1).",
)
@click.option(
    "--pixel-size",
    type=PIXEL_SIZE,
    default="header",
    show_default=True,
    help='Ångström per pixel of the micrographs as stored, or "header" of the MRC files; for '
    "cryoSPARC's exposures the default is what their file says.",
)
@project_option
@click.option("--output", type=PATH, required=True, help="The model to write, *.safetensors.")
@click.option(
    "--format", type=FORMAT, default="auto", show_default=True, help="Of the coordinates."
)
@frame_options
@check_option
@click.option("--expected-particles", type=POSITIVE, help="In a typical micrograph, if known.")
@click.option(
    "--threshold",
    type=THRESHOLD,
    default="auto",
    show_default=True,
    help="Which picks count: a logit, or a rule, such as precision=0.9 or recall=0.9.",
)
@training_options
@computing_options
@click.option("--warm-start", type=PATH, help="A model whose weights the training continues from.")
@click.option(
    "--save-pretrained",
    type=PATH,
    help="A file for the weights, too, from which trainings on other particles can start (--init) "
    'and "puclassify pick --pretrained --weights" picks at once.',
)
def train(**options: Any) -> None:
    """Train a picker on labelled particles and write it to one file.

    MICROGRAPHS are paths, folders, quoted patterns, STAR lists, exposures of cryoSPARC (.cs, .csg)
    or @list.txt. A hundred labels, chosen at random among the particles of ten micrographs, are
    enough; the rest is taken as unlabelled. Printed is what to expect of the picks, estimated from
    the labels.
    """
    from puclassify import save_model, save_pretrained
    from puclassify.cli._coordinates import check_labels, labels_of, n_of
    from puclassify.io import micrograph_files

    check_model_path(options["output"])
    make_folder(options["output"], "safetensors")
    micrographs = micrograph_files(options["micrographs"], options["project"])
    _take_pixel_size(options, micrographs)
    labels = labels_of(micrographs, options["coordinates"], options["format"], **frame_of(options))
    picker = new_picker(options)
    result: dict[str, Any] = {"n_micrographs": len(micrographs), "n_labels": n_of(labels)}
    if options["check"] != "off":
        diameter = _diameter_in_pixels(options, micrographs)
        stops = options["check"] == "stop"
        otherwise = "pass --check off"
        result["check"] = check_labels(micrographs, labels, diameter, stops, otherwise)
    click.echo(f"{n_of(labels)} labels on {len(micrographs)} micrographs", err=True)
    picker.fit(micrographs, labels)
    save_model(picker, options["output"])
    save_config(f"{options['output']}.toml")
    if options["save_pretrained"] is not None:
        save_pretrained(picker, options["save_pretrained"])
        result["weights"] = options["save_pretrained"]
    result |= {
        "model": options["output"],
        "threshold": picker.threshold_,
        "expected_particles": picker.expected_particles_,
        "threshold_report": picker.threshold_report_,
        "matching_radius": picker.matching_radius_,
        "pretrained": picker.pretrained_report_,
    }
    lines = [f"wrote {options['output']}"]
    if "weights" in result:
        lines.append(f"wrote {result['weights']}, weights to start from")
    if picker.pretrained_report_ is not None:
        lines.append(f"started from {picker.pretrained_report_['weights']}")
    lines.append(training_report(picker.threshold_, picker.threshold_report_))
    print_result(result, "\n".join(lines))


def _take_pixel_size(options: dict[str, Any], micrographs: Any) -> None:
    """Use the pixel size of cryoSPARC's exposures if none was given."""
    ctx, size = click.get_current_context(), getattr(micrographs, "pixel_size", None)
    if size is not None and ctx.get_parameter_source("pixel_size") is ParameterSource.DEFAULT:
        click.echo(f"pixel size of the exposures: {size:.5g} Å", err=True)
        options["pixel_size"] = ctx.params["pixel_size"] = size


def new_picker(options: dict[str, Any]) -> Any:
    """Return the picker to fit: a new one, or that of a model to continue from."""
    from puclassify import ParticlePicker, load_model

    given = {
        "pixel_size": options["pixel_size"],
        "expected_particles": options["expected_particles"],
        "threshold": options["threshold"],
        "n_jobs": options["n_jobs"],
        "random_state": options["seed"],
        "verbose": 1,
    }
    if options["warm_start"] is None:
        picker = ParticlePicker(options["diameter"], **given)
    else:
        picker = load_model(options["warm_start"])
        picker.set_params(particle_diameter=options["diameter"], warm_start=True, **given)
    of_classifier = {
        "classifier__max_epochs": options["epochs"],
        "classifier__module": options["network"],
        "classifier__init": options["init"],
        "classifier__device": options["device"],
    }
    return picker.set_params(**{k: v for k, v in of_classifier.items() if v is not None})


def _diameter_in_pixels(options: dict[str, Any], micrographs: Sequence[str]) -> float | None:
    """Return the diameter in stored pixels, None if a header does not tell."""
    pixel_size = options["pixel_size"]
    if pixel_size == "header":
        from puclassify._pixel_size import header_pixel_size
        from puclassify.io import read_micrograph

        pixel_size = header_pixel_size(read_micrograph(micrographs[0]))
        if pixel_size is None:
            return None
    return options["diameter"] / pixel_size


def training_report(threshold: float, expected: dict[str, Any] | None) -> str:
    """Return what to expect of the picks, for a person."""
    lines = [f"threshold: {threshold:.3f} (logit)"]
    if expected is None:
        lines.append("no estimate of the picks' quality (see the warnings, or the threshold given)")
        return "\n".join(lines)
    lines.append("expected of the picks above it, with 90 % intervals:")
    for name in ("precision", "recall", "f1"):
        low, high = expected[f"{name}_interval"]
        lines.append(f"  {name:9} {expected[name]:.2f}  ({low:.2f} to {high:.2f})")
    lines.append(
        f"  {expected['n_picks']:.0f} picks and {expected['n_particles']:.0f} particles in a "
        "micrograph"
    )
    return "\n".join(lines)
