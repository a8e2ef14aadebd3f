"""The command ``evaluate``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import click
import numpy as np

from puclassify.cli._command import command, print_result, save_config
from puclassify.cli._dask import workers
from puclassify.cli._files import coordinate_files, load_picker, looks_like_model
from puclassify.cli._options import (
    FORMAT,
    PATH,
    POSITIVE,
    computing_options,
    dask_option,
    frame_of,
    frame_options,
    project_option,
)
from puclassify.cli._outputs import make_folder

_EXAMPLE = """\
puclassify evaluate picks --truth particles.star --radius 50
puclassify evaluate model.safetensors "held_out/*.mrc" --truth particles.star"""


@command(name="evaluate", example=_EXAMPLE)
@click.argument("picks", type=PATH)
@click.argument("micrographs", type=PATH, nargs=-1)
@click.option(
    "--truth", type=PATH, multiple=True, required=True, help="All particles: file, folder, pattern."
)
@click.option(
    "--radius",
    type=POSITIVE,
    help="Largest distance, in stored pixels, of a pick from its particle.  [default: that of the "
    "model, half the diameter]",
)
@click.option(
    "--threshold",
    type=float,
    help="Logit above which a pick counts for precision, recall and F1.  [default: that of the "
    "model; for files, all picks]",
)
@click.option("--format", type=FORMAT, default="auto", show_default=True, help="Of the truth.")
@frame_options
@project_option
@computing_options
@dask_option
@click.option("--output", type=PATH, help="A JSON file to write the result to, too.")
def evaluate(**options: Any) -> None:
    """Compare picks, or those of a model, with known particles.

    PICKS is a file, folder or quoted pattern of picks, or a model (*.safetensors), which then picks
    MICROGRAPHS. Without MICROGRAPHS those that the truth names are compared. Printed are average
    precision (over all thresholds), precision, recall and F1. The options of the frame are for the
    truth.
    """
    if options["output"]:
        make_folder(options["output"], "json")
    is_model = looks_like_model(options["picks"])
    truth, picks, radius, threshold = (_of_model if is_model else _of_files)(options)
    from puclassify.metrics import pick_average_precision_score, pick_precision_recall_fscore

    has_scores = all(xy.shape[1] > 2 for xy in picks if len(xy))
    if not has_scores and threshold is not None:
        raise ValueError(f"--threshold needs scores, which {options['picks']} does not have")
    precision, recall, f1 = pick_precision_recall_fscore(truth, picks, radius, threshold=threshold)
    scored = [xy if len(xy) else np.empty((0, 3)) for xy in picks]
    result = {
        "average_precision": pick_average_precision_score(truth, scored, radius)
        if has_scores
        else math.nan,
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "radius": radius,
        "threshold": threshold,
        "n_micrographs": len(truth),
        "n_particles": sum(map(len, truth)),
        "n_picks": sum(len(xy if threshold is None else xy[xy[:, 2] > threshold]) for xy in scored),
    }
    if options["output"]:
        _write(options["output"], result)
    print_result(result, _table(result))


def _of_model(options: dict[str, Any]) -> tuple[list, list, float, float | None]:
    """Return truth, all candidates, radius and threshold of a model."""
    from puclassify.cli._coordinates import labels_of, positions
    from puclassify.io import micrograph_files

    if not options["micrographs"]:
        raise click.UsageError("a model needs MICROGRAPHS to pick")
    picker = load_picker(options["picks"], options["device"])
    picker.set_params(n_jobs=options["n_jobs"], verbose=1)
    micrographs = micrograph_files(options["micrographs"], options["project"])
    truth = labels_of(micrographs, options["truth"], options["format"], **frame_of(options))
    with workers(options["dask"]):
        picks = list(picker.iter_predict(micrographs, threshold=-np.inf))
    threshold = picker.threshold_ if options["threshold"] is None else options["threshold"]
    return positions(truth), picks, options["radius"] or picker.matching_radius_, float(threshold)


def _of_files(options: dict[str, Any]) -> tuple[list, list, float, float | None]:
    """Return truth, picks, radius and threshold of files."""
    from puclassify.cli._coordinates import positions
    from puclassify.io import match_coordinates, micrograph_files, read_coordinates

    if options["radius"] is None:
        raise click.UsageError("picks from files need --radius, such as half a diameter in pixels")
    files = coordinate_files(options["truth"])
    truth = read_coordinates(files, options["format"], **frame_of(options))
    picks = read_coordinates(coordinate_files([options["picks"]]))
    names: Sequence[str] = list(truth)
    if options["micrographs"]:
        names = micrograph_files(options["micrographs"], options["project"])
    ours = match_coordinates(picks, names)
    n_other = len(picks) - sum(bool(len(xy)) for xy in ours)
    if n_other > 0:
        click.echo(
            f"warning: {n_other} micrographs with picks have no known particles and are left out",
            err=True,
        )
    return (
        positions(match_coordinates(truth, names)),
        ours,
        options["radius"],
        options["threshold"],
    )


def _write(path: str, result: dict[str, Any]) -> None:
    import json

    from puclassify.io import replace_files

    known = {k: None if v is None or v != v else v for k, v in result.items()}
    replace_files({path: json.dumps(known, indent=1) + "\n"})
    save_config(f"{path}.toml")


def _table(result: dict[str, Any]) -> str:
    names = {
        "average_precision": "average precision",
        "precision": "precision",
        "recall": "recall",
        "f1": "F1",
    }
    lines = [
        f"{result['n_picks']} picks against {result['n_particles']} particles in "
        f"{result['n_micrographs']} micrographs, within {result['radius']:g} pixels"
    ]
    for key, title in names.items():
        value = result[key]
        shown = "unknown (the picks have no scores)" if math.isnan(value) else f"{value:.4f}"
        lines.append(f"{title:18}{shown}")
    return "\n".join(lines)
