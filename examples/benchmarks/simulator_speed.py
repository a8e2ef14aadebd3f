"""Measure how long a varied micrograph takes.

Prints CPU-milliseconds for each micrograph of 1024 x 1024 pixels and for tiles, with the views of
the molecules at hand and with those of a new molecule each time::

    OMP_NUM_THREADS=1 python examples/benchmarks/simulator_speed.py

On a GPU (``--device cuda``) the times are wall-clock.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch

from common.tables import table_head, table_row
from puclassify.datasets import MicrographSimulator


def main():
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--micrographs", type=int, default=40)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1024, 323])
    options = parser.parse_args()
    clock = time.process_time if options.device == "cpu" else time.perf_counter
    unit = "CPU-ms" if options.device == "cpu" else "wall ms"
    print(table_head(["micrograph", "views", f"{unit}, mean", "median", "95 %", "largest"]))
    for size in options.sizes:
        for views in ("kept", "new"):
            times = measure(size, views, options, clock)
            figures = [np.mean(times), *np.quantile(times, [0.5, 0.95, 1])]
            cells = [f"{1000 * figure:.0f}" for figure in figures]
            print(table_row([f"{size} x {size}", views, *cells]), flush=True)


def measure(size: int, views: str, options, clock) -> list[float]:
    """Return the seconds of each micrograph."""
    volumes = ["1aon", "1wcm", "6z80", "5a20"] if views == "kept" else None
    simulator = MicrographSimulator(volumes, shape=(size, size), device=options.device)
    if views == "kept":
        for volume in range(simulator.n_volumes):
            for seed in range(4):  # with and without a micelle, and all kinds of clutter
                simulator.draw(seed, volume=volume)
    seconds = []
    for seed in range(options.micrographs):
        started = clock()
        simulator.draw([1, seed])
        if options.device != "cpu":
            torch.cuda.synchronize()
        seconds.append(clock() - started)
    return seconds


if __name__ == "__main__":
    main()
