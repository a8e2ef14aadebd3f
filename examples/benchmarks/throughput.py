"""Measure micrographs a second, and compare with reading the files.

Picks files of one size through ``iter_predict`` and measures wall time, alternating with a loop
that only reads the same files into the same memory, and with the reference on the same device::

    python examples/benchmarks/throughput.py --device cuda --topaz path/to/topaz

Files are read once before, so that they come from the cache of the system; that is the hardest
case, as any disk is slower. ``--cold`` asks the system to drop them from the cache before each
pass. The reference, a program, is run on one micrograph and on several, and the difference divided
by their number, which leaves out its start.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from functools import partial

import numpy as np
import torch

from common.quick_picker import DIAMETER, quick_picker, write_micrographs
from common.reference_picker import TopazRunner, cost_of_one_more
from common.tables import table_head, table_row


def main():
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--topaz", default=shutil.which("topaz"), help="the program")
    parser.add_argument("--networks", nargs="+", default=["resnet8", "resnet9"])
    parser.add_argument(
        "--edges", nargs="+", type=int, default=[1024, 4096], help="pixels, multiples of 1024"
    )
    parser.add_argument("--micrographs", type=int, default=48)
    parser.add_argument("--of-reference", type=int, default=8, help="micrographs for the reference")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument(
        "--repetitions-of-reference", type=int, default=1, help="each takes minutes"
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument(
        "--cold", action="store_true", help="drop files from the cache before each pass"
    )
    options = parser.parse_args()
    print(table_head(["pixels", "", "micrographs a second, median", "MiB/s", "ms each"]))
    for edge in options.edges:
        with tempfile.TemporaryDirectory() as folder:
            compare(edge, folder, options)


def compare(edge, folder, options):
    """Print the rows for one size."""
    binning = edge // 1024
    paths = write_micrographs(folder, 4, (edge, edge))
    paths += [
        shutil.copyfile(paths[i % 4], os.path.join(folder, f"copy_{i:04d}.mrc"))
        for i in range(4, options.micrographs)
    ]
    before = partial(forget, paths) if options.cold else lambda: None
    runs = {"reading": partial(read, paths)}
    for name in options.networks:
        picker = quick_picker(name, binning, options.device)
        pick(picker, paths[:3])  # warm up: the first calls load kernels
        runs[f"puclassify, {name}"] = partial(pick, picker, paths)
    if options.topaz:
        device = -1 if options.device == "cpu" or not torch.cuda.is_available() else 0
        reference = TopazRunner(options.topaz, device=device)
        some = paths[: 1 + options.of_reference]
        cost = partial(reference.pick_time, radius=DIAMETER / 2, binning=binning)
        runs["Topaz, resnet8"] = partial(cost_of_one_more, cost, some)
    seconds = {name: [] for name in runs}
    for repetition in range(options.repetitions):
        for name, run in runs.items():
            if name.startswith("Topaz") and repetition >= options.repetitions_of_reference:
                continue
            before()
            seconds[name].append(run())
    size = os.path.getsize(paths[0]) / 2**20
    for name, values in seconds.items():
        each = np.median(values)
        row = [edge, name, f"{1 / each:.1f}", f"{size / each:.0f}", f"{1e3 * each:.1f}"]
        print(table_row(row), flush=True)


def read(paths):
    """Return seconds per file to read."""
    memory = memoryview(bytearray(os.path.getsize(paths[0])))
    start = time.perf_counter()
    for path in paths:
        with open(path, "rb", buffering=0) as file:
            while file.readinto(memory):
                pass
    return (time.perf_counter() - start) / len(paths)


def pick(picker, paths):
    """Return seconds per file to pick."""
    start = time.perf_counter()
    for _ in picker.iter_predict(paths, threshold=-6.0):
        pass
    return (time.perf_counter() - start) / len(paths)


def forget(paths):
    """Ask the system to drop files from its cache."""
    for path in paths:
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


if __name__ == "__main__":
    main()
