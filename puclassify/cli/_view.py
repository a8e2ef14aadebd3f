"""The command ``view``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import click
import numpy as np

from puclassify.cli._command import command, print_result, save_config
from puclassify.cli._options import FORMAT, PATH, PIXEL_SIZE, POSITIVE, frame_of, frame_options
from puclassify.cli._outputs import config_path, is_one_file, make_folder

_EXAMPLE = """\
puclassify view mics/mic1.mrc --picks picks --output mic1.png
puclassify view "mics/*.mrc" --picks picks --truth particles.star --radius 50 --output views"""

_ENDINGS = (".png", ".pdf", ".svg", ".jpg", ".tif")
_USUAL_RADIUS = 0.02  # of the longer side
_PIXELS = 1024  # of the picture's longer side


@command(name="view", example=_EXAMPLE)
@click.argument("micrographs", type=PATH, nargs=-1, required=True)
@click.option(
    "--picks", type=PATH, help="Picks or labels to draw: a file, folder or quoted pattern."
)
@click.option(
    "--truth",
    type=PATH,
    help="Known particles to compare the picks with: the colours then say which are matched, "
    "unmatched and missed.",
)
@click.option(
    "--radius",
    type=POSITIVE,
    help="Of the circles, in stored pixels; with --truth also the largest distance of a pick from "
    "its particle.  [default: 2 % of the micrograph]",
)
@click.option("--threshold", type=float, help="Logit above which picks are drawn.  [default: all]")
@click.option(
    "--output",
    type=PATH,
    help='A file (.png, .pdf, .svg); for several micrographs a path with "{name}" in it, such as '
    '"views/{name}.pdf", or a folder for PNG files.',
)
@click.option("--show", is_flag=True, help="Open a window instead of writing a file.")
@click.option(
    "--format", type=FORMAT, default="auto", show_default=True, help="Of picks and truth."
)
@frame_options
@click.option(
    "--pixel-size",
    type=PIXEL_SIZE,
    default="header",
    show_default=True,
    help="Ångström per stored pixel, for the scale bar; without one there is none.",
)
@click.option(
    "--binned/--unbinned",
    default=True,
    show_default=True,
    help="Reduce large micrographs to 1024 pixels, in which particles are seen better.",
)
def view(**options: Any) -> None:
    """Draw picks or labels on micrographs.

    MICROGRAPHS are paths, folders, quoted patterns, STAR lists or @list.txt. Picks with scores have
    the colours of these. A scale bar is drawn where the pixel size is known. Coordinates that lie
    beside the particles are best seen here; --origin, --step and --offset try other frames.
    """
    _check_usage(options)
    pyplot = _pyplot(options["show"])
    from puclassify.cli._coordinates import above
    from puclassify.io import micrograph_files, pick_files

    micrographs = micrograph_files(options["micrographs"])
    files = None if options["show"] else _files(options["output"], micrographs, pick_files)
    picks = _read(micrographs, options, "picks")
    truth = _read(micrographs, options, "truth")
    picks = above(picks, options["threshold"], options["picks"])
    if files:
        make_folder(options["output"])
    for index, micrograph in enumerate(micrographs):
        figure = _drawn(
            micrograph, picks[index], truth[index] if options["truth"] else None, options
        )
        if files:
            _save(figure, files[micrograph])
            pyplot.close(figure)
    if options["show"]:
        pyplot.show()
    else:
        save_config(config_path(options["output"], "view"))
    result = {"files": list(files.values()) if files else [], "n_picks": sum(map(len, picks))}
    text = f"{result['n_picks']} picks on {len(micrographs)} micrographs"
    print_result(result, f"{text}, in {options['output']}" if files else text)


def _check_usage(options: dict[str, Any]) -> None:
    if options["show"] == (options["output"] is not None):
        raise click.UsageError("give either --output, a file such as view.png, or --show")
    if options["truth"] and options["radius"] is None:
        raise click.UsageError("--truth needs --radius, such as half a diameter in pixels")
    if options["truth"] and not options["picks"]:
        raise click.UsageError("--truth is compared with --picks; to draw it alone give it there")


def _pyplot(shows: bool) -> Any:
    """Return matplotlib.pyplot, with windows or without."""
    try:
        import matplotlib
    except ImportError as error:
        raise ImportError(
            'view needs matplotlib, which is not installed: pip install "puclassify[plot]"'
        ) from error
    if not shows:
        matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    if shows and plt.get_backend().lower() == "agg":
        raise click.UsageError("--show has no screen to open a window on; use --output")
    return plt


def _files(output: str, micrographs: Sequence[str], pick_files: Any) -> dict[str, str]:
    """Return the file for each micrograph."""
    if not is_one_file(output):
        pattern = output if "{name}" in output else os.path.join(output, "{name}.png")
        files = pick_files(pattern, micrographs)
    elif len(micrographs) > 1:
        raise click.UsageError(
            f"{len(micrographs)} micrographs need a file each: a folder, or a path with "
            '"{name}" in it, as --output'
        )
    else:
        files = {micrographs[0]: output}
    wrong = [file for file in files.values() if not file.lower().endswith(_ENDINGS)]
    if wrong:
        raise click.UsageError(f"--output: {wrong[0]} must end in one of {', '.join(_ENDINGS)}")
    return files


def _read(micrographs: Sequence[str], options: dict[str, Any], name: str) -> list[np.ndarray]:
    from puclassify.cli._coordinates import labels_of

    if not options[name]:
        return [np.empty((0, 2)) for _ in micrographs]
    return labels_of(micrographs, [options[name]], options["format"], **frame_of(options))


def _drawn(
    micrograph: str, picks: np.ndarray, truth: np.ndarray | None, options: dict[str, Any]
) -> Any:
    """Return the figure of a micrograph."""
    from puclassify.io import read_micrograph
    from puclassify.plotting import PicksDisplay
    from puclassify.preprocessing import FourierDownsample

    image = read_micrograph(micrograph)
    pixel_size = image.pixel_size if options["pixel_size"] == "header" else options["pixel_size"]
    if pixel_size in (0, 1):  # what programs write that do not know
        pixel_size = None
    height, width = image.shape
    radius = options["radius"] or _USUAL_RADIUS * max(height, width)
    factor = max(height, width) / _PIXELS
    if options["binned"] and factor > 1:
        (image,) = FourierDownsample(factor).transform([image])
    display = PicksDisplay.from_predictions(
        replace(image, pixel_size=pixel_size),
        picks,
        None if truth is None else truth[:, :2],
        radius=radius,
        color_by_score=True,
        scale_bar=True,
    )
    return display.figure_


def _save(figure: Any, path: str) -> None:
    """Write a figure; the file is there when it is complete."""
    import io

    from puclassify.io import replace_files

    content = io.BytesIO()
    figure.savefig(content, format=os.path.splitext(path)[1][1:].lower(), dpi=150)
    replace_files({path: content.getvalue()})
