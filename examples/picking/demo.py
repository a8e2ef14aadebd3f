"""Train, pick, measure, extract and look, with the command ``puclassify``.

This writes micrographs to files, and then runs commands that you can type yourself; it prints each
before its output. The micrographs are simulated, or real ones of beta-galactosidase if the
environment variable PUCLASSIFY_DATA names the data folder of the benchmarks::

    python examples/picking/demo.py --output demo
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import mrcfile
import numpy as np

from puclassify.datasets import label_particles, make_micrographs
from puclassify.io import match_coordinates, read_coordinates, write_coordinates

N_LABELS = 100


class Session(NamedTuple):
    """What a user has before the first command."""

    train: str  # micrographs, some particles of which are labelled
    new: str  # micrographs to pick
    first: str  # one of these, to look at
    labels: str
    truth: str  # all particles, to measure with
    frame: tuple[str, ...]  # options of the truth
    diameter: float  # in ångström
    pixel_size: float  # in ångström


def main():
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--output", default="demo", metavar="FOLDER")
    parser.add_argument("--epochs", type=int, default=12, help="of training")
    parser.add_argument("--random-state", type=int, default=0)
    options = parser.parse_args()
    if importlib.util.find_spec("matplotlib") is None:
        sys.exit('the demo needs matplotlib: pip install "puclassify[all]"')
    start = time.perf_counter()
    folder = Path(options.output)
    folder.mkdir(parents=True, exist_ok=True)
    data = os.environ.get("PUCLASSIFY_DATA")
    if data:
        session = real(folder, Path(data) / "micrographs", options.random_state)
    else:
        session = simulated(folder, options.random_state)
    for arguments in commands(session, folder, options):
        run(arguments)
    print(f"\n{time.perf_counter() - start:.0f} s in all; look at {folder / 'view.png'}")


def simulated(folder, random_state):
    """Simulate twelve micrographs, eight to train on and four to pick; write them to files."""
    data = make_micrographs(12, random_state=random_state)
    names = {"train": range(8), "new": range(8, 12)}
    paths = [
        folder / part / f"mic{index:02}.mrc" for part, numbers in names.items() for index in numbers
    ]
    for path, pixels in zip(paths, data.micrographs, strict=True):
        path.parent.mkdir(exist_ok=True)
        mrcfile.write(path, np.asarray(pixels, np.float32), True, voxel_size=data.pixel_size)
    write_labels(folder, paths[:8], data.coordinates[:8], random_state)
    write_coordinates(data.coordinates, folder / "particles.star", names=paths)
    print(f"simulated 12 micrographs in {folder}/train and {folder}/new, {N_LABELS} labels")
    return Session(
        train=f"{folder}/train/*.mrc",
        new=f"{folder}/new/*.mrc",
        first=str(paths[8]),
        labels=f"{folder}/labels.star",
        truth=f"{folder}/particles.star",
        frame=(),
        diameter=data.particle_diameter,
        pixel_size=data.pixel_size,
    )


def real(folder, data, random_state):
    """Take every second micrograph to train on and the others to pick, in lists of files."""
    paths = sorted((data / "bgal_images_1024").glob("*.png"))
    truth = str(data / "bgal_coords_4096px" / "cryoppp.csv")
    # Blocks of 4 x 4 pixels were averaged after the particles were marked.
    coordinates = match_coordinates(read_coordinates(truth, step=4, offset=1.5), paths)
    labelled = [index for index, xy in enumerate(coordinates) if len(xy)]
    train, new = labelled[::2], labelled[1::2]
    for name, part in (("train", train), ("new", new)):
        lines = [f"{paths[index]}\n" for index in part]
        (folder / f"{name}.txt").write_text("".join(lines))
    write_labels(
        folder, [paths[i] for i in train], [coordinates[i][:, :2] for i in train], random_state
    )
    print(f"{len(train)} micrographs in {folder}/train.txt, {len(new)} in {folder}/new.txt")
    return Session(
        train=f"@{folder}/train.txt",
        new=f"@{folder}/new.txt",
        first=str(paths[new[0]]),
        labels=f"{folder}/labels.star",
        truth=truth,
        frame=("--step", "4", "--offset", "1.5"),
        diameter=191.0,
        pixel_size=7.08,
    )


def write_labels(folder, paths, coordinates, random_state):
    """Write a random choice of the particles."""
    labels = label_particles(coordinates, N_LABELS, random_state=random_state)
    write_coordinates(labels, folder / "labels.star", names=paths)


def commands(session, folder, options):
    """Return the arguments of the commands."""
    model, picks, radius = f"{folder}/model.safetensors", f"{folder}/picks", session.diameter / 2
    in_pixels = radius / session.pixel_size
    box_size = 2 * round(1.5 * in_pixels)
    sizes = ("--diameter", f"{session.diameter:g}", "--pixel-size", f"{session.pixel_size:g}")
    length = ("--epochs", str(options.epochs), "--seed", str(options.random_state))
    return [
        ["train", session.train, "--coordinates", session.labels, *sizes, *length]
        + ["--output", model],
        ["pick", model, session.new, "--output", picks],
        ["evaluate", model, session.new, "--truth", session.truth, *session.frame],
        ["extract", picks, session.new, "--box-size", str(box_size), "--invert-contrast"]
        + ["--pixel-size", f"{session.pixel_size:g}", "--output", f"{folder}/particles"],
        ["view", session.first, "--picks", picks, "--radius", f"{in_pixels:.0f}"]
        + ["--pixel-size", f"{session.pixel_size:g}", "--output", f"{folder}/view.png"],
    ]


def run(arguments):
    """Print a command as it is typed, and run it."""
    print(f"\n$ {typed(arguments)}", flush=True)
    done = subprocess.run([sys.executable, "-m", "puclassify", *arguments])
    if done.returncode:
        sys.exit(done.returncode)


def typed(arguments, width=96):
    """Return a command for a shell, in lines that end with a backslash."""
    lines = ["puclassify"]
    for text in map(shlex.quote, arguments):
        if len(lines[-1]) + len(text) > width:
            lines[-1] += " \\"
            lines.append(f"    {text}")
        else:
            lines[-1] += f" {text}"
    return "\n".join(lines)


if __name__ == "__main__":
    main()
