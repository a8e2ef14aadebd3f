"""The command ``extract``."""

from __future__ import annotations

from typing import Any

import click

from puclassify.cli._command import command, finish_with_skipped, save_config
from puclassify.cli._options import (
    FORMAT,
    PATH,
    PIXEL_SIZE,
    POSITIVE,
    frame_of,
    frame_options,
    skipping_option,
)
from puclassify.cli._outputs import config_path, make_folder

_EXAMPLE = """\
puclassify extract picks "mics/*.mrc" --box-size 256 --invert-contrast --output Particles
puclassify extract picks "mics/*.mrc" --box-size 256 --downsample-to 64 --output Small"""

_OF_THE_LIBRARY = (
    "pixel_size",
    "downsample_to",
    "normalize",
    "background_radius",
    "ramp",
    "invert_contrast",
    "edges",
    "dtype",
    "voltage",
    "spherical_aberration",
    "amplitude_contrast",
    "optics_group_name",
    "on_error",
    "resume",
)


@command(name="extract", example=_EXAMPLE)
@click.argument("picks", type=PATH)
@click.argument("micrographs", type=PATH, nargs=-1, required=True)
@click.option(
    "--box-size", type=int, required=True, help="Side in pixels of the micrographs; even."
)
@click.option("--output", type=PATH, required=True, help="A folder, which is made.")
@click.option(
    "--threshold", type=float, help="Logit above which picks are extracted.  [default: all]"
)
@click.option("--format", type=FORMAT, default="auto", show_default=True, help="Of the picks.")
@frame_options
@click.option(
    "--pixel-size",
    type=PIXEL_SIZE,
    default="header",
    show_default=True,
    help='Ångström per pixel of the micrographs as stored, or "header" of the MRC files.',
)
@click.option("--downsample-to", type=int, help="Side of the particles after binning; even.")
@click.option(
    "--invert-contrast",
    is_flag=True,
    help="RELION expects bright particles; they are dark in micrographs as recorded.",
)
@click.option(
    "--normalize/--no-normalize",
    default=True,
    show_default=True,
    help="Mean 0 and standard deviation 1 of the background around each particle.",
)
@click.option(
    "--background-radius",
    type=POSITIVE,
    help="Where the background begins, in pixels of the micrographs.  [default: 0.375 boxes]",
)
@click.option(
    "--ramp/--no-ramp",
    default=True,
    show_default=True,
    help="Subtract a plane fitted to the background, too.",
)
@click.option(
    "--edges",
    type=click.Choice(["skip", "pad", "error"]),
    default="skip",
    show_default=True,
    help="What to do about boxes that reach beyond their micrograph.",
)
@click.option(
    "--dtype",
    type=click.Choice(["float32", "float16"]),
    default="float32",
    show_default=True,
    help="Of the pixels in the stacks; float16 is for RELION 4 and later.",
)
@click.option("--voltage", type=POSITIVE, help="Of the microscope, in kV.")
@click.option("--spherical-aberration", type=POSITIVE, help="Of the microscope, in mm.")
@click.option("--amplitude-contrast", type=float, help="A fraction, such as 0.1.")
@click.option("--optics-group-name", default="opticsGroup1", show_default=True, help="For RELION.")
@skipping_option
@click.option("--resume", is_flag=True, help="Go on with a run that was broken off.")
def extract(**options: Any) -> None:
    """Cut particles out of micrographs into stacks, with a STAR file for RELION.

    PICKS is a file, folder or quoted pattern of coordinates. MICROGRAPHS are paths, folders, quoted
    patterns, STAR lists or @list.txt. The output folder gets a stack (.mrcs) and a STAR file for
    each micrograph, and particles.star of all. Run it in RELION's project folder, with paths
    relative to that.
    """
    from puclassify.cli._coordinates import above, labels_of
    from puclassify.io import micrograph_files
    from puclassify.particles import extract_particles

    micrographs = micrograph_files(options["micrographs"])
    every = labels_of(micrographs, [options["picks"]], options["format"], **frame_of(options))
    picks = above(every, options["threshold"], options["picks"])
    output = f"{options['output'].rstrip('/')}/"  # a folder, whatever its name ends in
    make_folder(output)
    given = {name: options[name] for name in _OF_THE_LIBRARY}
    found = extract_particles(
        micrographs, picks, options["box_size"], output[:-1], verbose=1, **given
    )
    save_config(config_path(output, "extract"))
    n_micrographs = len(micrographs) - len(found.skipped)
    result = {
        "star": found.star,
        "n_micrographs": n_micrographs,
        "n_particles": found.n_particles,
        "n_at_edges": found.n_at_edges,
    }
    text = f"{found.n_particles} particles of {n_micrographs} micrographs, in {found.star}"
    if found.star is None:
        text = "no particles"
    if found.n_at_edges:
        text += f"; {found.n_at_edges} left out at edges"
    finish_with_skipped(result, text, found.skipped)
