"""Write and read the coordinates of a large session as STAR, beside starfile, in one run.

A million picks with scores on a thousand micrographs, in one table, and in one file for each of
them with RELION's list of these. Each program reads what the other has written, and the numbers
that come back are compared with those that were written::

    python examples/benchmarks/coordinate_files.py --picks 1000000
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time

import numpy as np
import pandas
import starfile

from common.tables import table_head, table_row
from puclassify.io import read_coordinates, write_coordinates

COLUMNS = ["rlnCoordinateX", "rlnCoordinateY", "rlnAutopickFigureOfMerit"]
NAME = "rlnMicrographName"
DIGITS = 1e-6  # what starfile writes


def main():
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--picks", type=int, default=1_000_000)
    parser.add_argument("--micrographs", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3, help="the median counts")
    options = parser.parse_args()
    picks = simulate(options.picks, options.micrographs)
    print(f"{options.picks} picks on {options.micrographs} micrographs, median in seconds")
    print(table_head(["what", "puclassify", "starfile", "times faster"]))
    with tempfile.TemporaryDirectory() as folder:
        for what, ours, theirs in pairs(picks, folder):
            seconds = [median_seconds(function, options.repeats) for function in (ours, theirs)]
            row = [what, *(f"{one:.2f}" for one in seconds), f"{seconds[1] / seconds[0]:.1f}"]
            print(table_row(row), flush=True)


def simulate(n_picks, n_micrographs):
    """Return picks (k, 3) by micrograph, in numbers that both programs write in full."""
    rng = np.random.default_rng(0)
    values = rng.uniform(0, 5760, (n_picks, 3)).round(6)
    values[:, 2] = rng.normal(0, 3, n_picks).round(6)
    names = [f"MotionCorr/job002/Movies/mic_{index:05d}.mrc" for index in range(n_micrographs)]
    return dict(zip(names, np.array_split(values, n_micrographs)))


def pairs(picks, folder):
    """Yield what is done, and how by each of the programs; what is read is checked."""
    ours, theirs = (os.path.join(folder, name) for name in ("ours.star", "theirs.star"))
    many = os.path.join(folder, "job", "")
    os.mkdir(many)
    frame = pandas.DataFrame(np.concatenate(list(picks.values())), columns=COLUMNS)
    frame[NAME] = [name for name, xy in picks.items() for _ in xy]
    yield (
        "write a table",
        lambda: write_coordinates(picks, ours),
        lambda: starfile.write(frame, theirs, overwrite=True),
    )
    yield (
        "read the table of puclassify",
        lambda: check(read_coordinates(ours), picks),
        lambda: check_frame(starfile.read(ours), frame),
    )
    yield (
        "read the table of starfile",
        lambda: check(read_coordinates(theirs), picks),
        lambda: check_frame(starfile.read(theirs), frame),
    )
    listed = os.path.join(many, "autopick.star")
    yield (
        "write a file for each micrograph",
        lambda: write_coordinates(picks, many),
        lambda: write_each(frame, os.path.join(folder, "theirs")),
    )
    yield (
        "read the files of the list",
        lambda: check(read_coordinates(listed), picks),
        lambda: check_frame(read_each(listed), frame),
    )


def write_each(frame, folder):
    """Write a file for each micrograph and the list of them with starfile."""
    os.makedirs(folder, exist_ok=True)
    rows = []
    for name, part in frame.groupby(NAME, sort=False):
        path = os.path.join(folder, f"{os.path.basename(name)[:-4]}_autopick.star")
        starfile.write(part, path, overwrite=True)
        rows.append((name, path))
    listed = pandas.DataFrame(rows, columns=[NAME, "rlnMicrographCoordinates"])
    path = os.path.join(folder, "autopick.star")
    starfile.write({"coordinate_files": listed}, path, overwrite=True)


def read_each(path):
    """Read the files of a list with starfile."""
    listed = starfile.read(path)
    return pandas.concat(
        [starfile.read(file) for file in listed["rlnMicrographCoordinates"]], ignore_index=True
    )


def median_seconds(function, repeats):
    """Return the median time that a function takes."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def check(found, expected):
    """Stop if coordinates by micrograph are not those that were written."""
    if list(found) != list(expected):
        raise SystemExit("the micrographs that were read are not those that were written")
    for name, xy in expected.items():
        if found[name].shape != xy.shape or np.abs(found[name] - xy).max() > DIGITS:
            raise SystemExit(f"the picks of {name} that were read are not those that were written")


def check_frame(found, expected):
    """Stop if a table is not the one that was written."""
    if (found[NAME].to_numpy() != expected[NAME].to_numpy()).any():
        raise SystemExit("the micrographs that starfile read are not those that were written")
    if np.abs(found[COLUMNS].to_numpy() - expected[COLUMNS].to_numpy()).max() > DIGITS:
        raise SystemExit("the picks that starfile read are not those that were written")


if __name__ == "__main__":
    main()
