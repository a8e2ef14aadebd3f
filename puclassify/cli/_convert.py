"""The command ``convert``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import click
import numpy as np

from puclassify.cli._command import command, print_result, save_config
from puclassify.cli._files import coordinate_files
from puclassify.cli._options import (
    FORMAT,
    PAIR,
    PATH,
    POSITIVE,
    SHAPE,
    WRITTEN_FORMAT,
    frame_options,
    project_option,
)
from puclassify.cli._outputs import config_path, make_folder

_EXAMPLE = """\
puclassify convert "boxes/*.box" picks.star
puclassify convert picks.star "info/{name}_info.json" --to-box-size 256
puclassify convert old.star new.star --origin bottom-left --micrographs "mics/*.mrc" --check
puclassify convert picks.star picks.csg --micrographs P3/J5/J5_micrographs.csg"""


@command(name="convert", example=_EXAMPLE)
@click.argument("sources", type=PATH, nargs=-1, required=True)
@click.argument("output", type=PATH)
@click.option("--format", type=FORMAT, default="auto", show_default=True, help="Of the sources.")
@click.option(
    "--to", type=WRITTEN_FORMAT, default="auto", show_default=True, help="Format of the output."
)
@frame_options
@click.option(
    "--origins",
    type=click.Choice(["ignore", "apply"]),
    default="ignore",
    show_default=True,
    help="Whether to subtract the shifts of a refinement.",
)
@click.option("--pixel-size", type=POSITIVE, help="In ångström, for --origins apply.")
@click.option(
    "--micrographs",
    type=PATH,
    multiple=True,
    help="Micrographs: paths, folders, patterns, lists; their sizes are used, and --check looks "
    "at them. For a .cs or .csg: the .cs or .csg of the exposures, which names them.",
)
@project_option
@click.option("--shapes", type=SHAPE, help="Size of all micrographs, instead of --micrographs.")
@click.option(
    "--to-origin",
    type=click.Choice(["top-left", "bottom-left"]),
    default="top-left",
    show_default=True,
    help="From where the output counts y.",
)
@click.option(
    "--to-step", type=PAIR, default=1.0, show_default=True, help="As --step, of the output."
)
@click.option(
    "--to-offset", type=PAIR, default=0.0, show_default=True, help="As --offset, of the output."
)
@click.option(
    "--to-box-size", type=PAIR, help="Of boxes, in stored pixels, where those are written."
)
@click.option("--threshold", type=float, help="Leave out what scores no more than this.")
@click.option(
    "--names",
    type=click.Choice(["keep", "stem"]),
    default="keep",
    show_default=True,
    help="Of micrographs in the output: as in the sources, or without folder and extension, as "
    "Topaz has them.",
)
@click.option(
    "--check",
    is_flag=True,
    help="Look whether the coordinates lie on something in --micrographs, before writing.",
)
@click.option("--diameter", type=POSITIVE, help="In stored pixels, which makes --check sharper.")
def convert(**options: Any) -> None:
    """Convert coordinates between formats and frames.

    SOURCES are files, folders or quoted patterns. OUTPUT is a file, a path with "{name}" in it for
    a file each, or a folder for STAR files; its ending says the format, as --to does.
    """
    from puclassify.io import read_coordinate_table, write_coordinates

    if options["check"] and not options["micrographs"]:
        raise click.UsageError("--check needs --micrographs to look at")
    micrographs = None
    if options["micrographs"]:
        from puclassify.io import micrograph_files

        micrographs = micrograph_files(options["micrographs"], options["project"])
    sizes: dict[str, Any] = {"micrographs": micrographs, "shapes": options["shapes"]}
    table = read_coordinate_table(
        coordinate_files(options["sources"]),
        options["format"],
        step=options["step"],
        offset=options["offset"],
        origins=options["origins"],
        pixel_size=options["pixel_size"],
        origin=options["origin"],
        **sizes,
    )
    table = _chosen(table, options)
    by_name = table.by_micrograph()
    result: dict[str, Any] = {
        "output": options["output"],
        "n_micrographs": len(by_name),
        "n_particles": len(table.names),
    }
    if options["check"]:
        result["check"] = _checked(by_name, micrographs or [], options["diameter"])
    make_folder(options["output"], options["to"])
    write_coordinates(
        table,
        options["output"],
        format=options["to"],
        step=options["to_step"],
        offset=options["to_offset"],
        origin=options["to_origin"],
        box_size=options["to_box_size"],
        **sizes,
    )
    save_config(config_path(options["output"], "convert", options["to"]))
    text = (
        f"{result['n_particles']} particles of {result['n_micrographs']} micrographs, in "
        f"{options['output']}"
    )
    if options["check"]:
        text += f"; orientation: {result['check']['reading']}"
    print_result(result, text)


def _chosen(table: Any, options: dict[str, Any]) -> Any:
    """Return the rows that score more than the threshold, under the names that are wanted."""
    if options["threshold"] is not None:
        if table.values.shape[1] < 3:
            raise ValueError("--threshold needs scores, which the sources do not have")
        rows = np.flatnonzero(table.values[:, 2] > options["threshold"]).tolist()
        table = replace(
            table,
            names=[table.names[row] for row in rows],
            values=table.values[rows],
            columns={key: [column[row] for row in rows] for key, column in table.columns.items()},
        )
    return _with_stems(table) if options["names"] == "stem" else table


def _with_stems(table: Any) -> Any:
    """Return the table with names without folder and extension, which have to differ."""
    from puclassify.io import micrograph_stem

    stems: dict[str, str] = {}
    for name in dict.fromkeys([*table.micrographs, *table.names]):
        other = stems.setdefault(micrograph_stem(name), name)
        if other != name:
            raise ValueError(
                f"--names stem would take {other!r} and {name!r} for one micrograph; convert them "
                "one after the other"
            )
    new = {name: stem for stem, name in stems.items()}
    return replace(
        table,
        names=[new[name] for name in table.names],
        micrographs=tuple(new[name] for name in table.micrographs),
        shapes={new[name]: shape for name, shape in table.shapes.items() if name in new},
    )


def _checked(by_name: dict, micrographs: Sequence[str], diameter: float | None) -> dict[str, Any]:
    from puclassify.cli._coordinates import check_labels
    from puclassify.io import match_coordinates

    labels = match_coordinates(by_name, micrographs)
    return check_labels(micrographs, labels, diameter, True, "leave out --check")
