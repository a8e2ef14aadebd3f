"""Compare non-maximum suppression with the reference.

Suppresses the same map of 1024 x 1024 scores with a radius of 20 at threshold -6, alternating::

    python examples/benchmarks/nms.py --reference-python path/to/environment/bin/python

The map is smoothed noise, with maxima almost everywhere. The function of the reference is called in
its own environment; without it, only this package is measured. The picks are compared with those of
a plain loop over all positions.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from common.tables import table_head, table_row
from puclassify.grid import GridImage
from puclassify.picking import non_maximum_suppression

RADIUS, THRESHOLD = 20, -6.0
REFERENCE = """
import json, sys, time
import numpy as np
from topaz.algorithms import non_maximum_suppression
scores = np.load(sys.argv[1])
non_maximum_suppression(scores[:64, :64], int(sys.argv[2]), threshold=float(sys.argv[3]))
start, cpu = time.perf_counter(), time.process_time()
values, xy = non_maximum_suppression(scores, int(sys.argv[2]), threshold=float(sys.argv[3]))
print(json.dumps([time.process_time() - cpu, time.perf_counter() - start, len(xy)]))
"""


def main():
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--reference-python", help="interpreter that can import topaz")
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--devices", nargs="+", default=["cpu"])
    options = parser.parse_args()
    scores = score_map()
    runs = {
        f"puclassify, {name}": lambda name=name: suppress(scores, name) for name in options.devices
    }
    if options.reference_python:
        runs["Topaz"] = lambda: suppress_by_reference(scores, options.reference_python)
    times = {name: [] for name in runs}
    for _ in range(options.repetitions):
        for name, run in runs.items():  # alternating: a busy machine slows all of them
            times[name].append(run())
    print(table_head(["", "picks", "CPU-ms, median", "wall ms, median", "ratio of CPU"]))
    ours = np.median([row[0] for row in next(iter(times.values()))])
    for name, rows in times.items():
        cpu, wall, picks = np.median(rows, axis=0)
        cells = [name, int(picks), f"{1e3 * cpu:.1f}", f"{1e3 * wall:.1f}", f"{cpu / ours:.0f}"]
        print(table_row(cells))
    print(f"\nidentical to the plain loop: {same_as_plain_loop(scores)}")


def score_map():
    """Return smoothed noise with a standard deviation of 6."""
    scores = gaussian_filter(np.random.default_rng(0).normal(size=(1024, 1024)), 5)
    return (scores * (6 / scores.std())).astype(np.float32)


def suppress(scores, device):
    """Return CPU-seconds, seconds of wall time and the number of picks."""
    scores = torch.from_numpy(scores)
    start, cpu = time.perf_counter(), time.process_time()
    grid = GridImage(scores.to(device))
    picks = non_maximum_suppression(grid, RADIUS, threshold=THRESHOLD, subpixel=False)
    return time.process_time() - cpu, time.perf_counter() - start, len(picks)


def suppress_by_reference(scores, python):
    """Return the same for the function of the reference, called in its own process."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "scores.npy")
        np.save(path, scores)
        command = [python, "-c", REFERENCE, path, str(RADIUS), str(THRESHOLD)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def same_as_plain_loop(scores):
    """Compare with a loop that visits all positions, best first, and clears a disc around picks."""
    order = np.argsort(-scores.ravel(), kind="stable")
    order = order[scores.ravel()[order] > THRESHOLD]
    free = np.ones(scores.shape, dtype=bool)
    y, x = np.ogrid[: scores.shape[0], : scores.shape[1]]
    chosen = []
    for row, column in zip(*np.unravel_index(order, scores.shape)):
        if free[row, column]:
            chosen.append((column, row))
            near = np.s_[
                max(0, row - RADIUS) : row + RADIUS + 1,
                max(0, column - RADIUS) : column + RADIUS + 1,
            ]
            distance = (y[near[0]] - row) ** 2 + (x[:, near[1]] - column) ** 2
            free[near] &= distance > RADIUS**2
    picks = non_maximum_suppression(scores, RADIUS, threshold=THRESHOLD, subpixel=False)
    return bool(np.array_equal(picks[:, :2], chosen))


if __name__ == "__main__":
    main()
