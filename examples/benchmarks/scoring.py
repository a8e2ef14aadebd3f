"""
Scoring and picking beside the reference
========================================

What one more micrograph costs, from the file to the picks, in CPU-seconds (user + system, reading
included), this package and the reference by turns::

    OMP_NUM_THREADS=1 python examples/benchmarks/scoring.py --topaz path/to/topaz

The reference, a program, is run on one micrograph and on several, and the difference is divided by
their number, so that its start is not counted. Both pick down to -6; both normalise. Then the way
from a 4096 x 4096 MRC file to its picks at bin 4, part by part, and the memory it takes, in a
process of its own with all cores::

    python examples/benchmarks/scoring.py --large

``--device cuda`` measures a GPU.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import mrcfile
import numpy as np
import torch

from puclassify import ParticlePicker
from puclassify.datasets import make_micrographs
from puclassify.io import as_grid_image
from puclassify.picking import _tiles, non_maximum_suppression

sys.path.insert(0, str(Path(__file__).resolve().parent))
from networks import gflop, make
from process_memory import megabytes
from reference_picker import TopazRunner, cost_of_one_more, cpu_seconds
from tables import table_head, table_row

DIAMETER = 30.0  # pixels of a 1024 x 1024 micrograph


def main():
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--topaz", default=shutil.which("topaz"), help="the program")
    parser.add_argument("--networks", nargs="+", default=["resnet8", "resnet9"])
    parser.add_argument("--micrographs", type=int, default=4)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--large", action="store_true", help="a 4096 x 4096 file at bin 4")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(measure_large(options.worker, options.networks[0], options.device)))
        return
    with tempfile.TemporaryDirectory() as folder:
        if options.large:
            compare_parts(options, folder)
        else:
            compare_pickers(options, folder)


def compare_pickers(options, folder):
    """Print what one micrograph costs, by turns."""
    paths = write_micrographs(folder, options.micrographs + 1, 1024, DIAMETER)
    pickers = {name: make_picker(name, DIAMETER, options.device) for name in options.networks}
    runs = {
        f"puclassify, {name}": partial(own_cost, picker, paths[1:])
        for name, picker in pickers.items()
    }
    if options.topaz:
        cost = partial(TopazRunner(options.topaz).pick_cost, radius=DIAMETER / 2)
        runs["Topaz, resnet8"] = partial(cost_of_one_more, cost, paths)
    costs = {name: [] for name in runs}
    for repetition in range(options.repetitions):
        for name, run in runs.items():
            if name.startswith("Topaz") and repetition >= 3:
                continue  # it takes minutes
            costs[name].append(run())
    slowest = np.median(costs[next(reversed(costs))])
    print(table_head(["", "GFLOP", "CPU-s per micrograph, median", "ratio"]))
    for name, values in costs.items():
        is_ours = name.startswith("puclassify")
        flops = f"{gflop(make(name.rpartition(' ')[2])):.1f}" if is_ours else ""
        median = np.median(values)
        print(table_row([name, flops, f"{median:.3f}", f"{slowest / median:.1f}"]))


def compare_parts(options, folder):
    """Print the parts of the way from a large file to picks, each network in its own process."""
    (path,) = write_micrographs(folder, 1, 4096, 4 * DIAMETER)
    code = "import torch; from process_memory import megabytes; print(megabytes('VmHWM'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=True,
    )
    bare = float(done.stdout)
    print(f"{torch.get_num_threads()} threads; a bare `import torch` takes {bare:.0f} MB\n")
    parts = ["read + crop + normalise", "network", "suppression", "all, ms", "peak MB over torch"]
    print(table_head(["network", *parts]))
    for name in options.networks:
        command = [sys.executable, __file__, "--worker", path, "--networks", name]
        command += ["--device", options.device]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        *times, peak = json.loads(done.stdout.splitlines()[-1])
        print(table_row([name, *(f"{1e3 * t:.0f}" for t in times), f"{peak - bare:.0f}"]))


def measure_large(path, network, device):
    """Return seconds of wall time of the parts and the whole, and the peak memory in MB."""
    picker = make_picker(network, 4 * DIAMETER, device)
    pipeline = picker._pipeline()
    rows = []
    for _ in range(5):
        marks = [time.perf_counter()]
        image = pipeline.read(path, 0)
        marks.append(time.perf_counter())
        scores = pipeline.score_map(image)
        marks.append(time.perf_counter())
        non_maximum_suppression(scores, 2 * DIAMETER, threshold=-6.0)
        marks.append(time.perf_counter())
        picker.predict([path], threshold=-6.0)
        rows.append([*np.diff(marks), time.perf_counter() - marks[-1]])
    return [*np.median(rows, axis=0), megabytes("VmHWM")]


def make_picker(network, diameter, device):
    """Train a picker for a moment: what it costs to score does not depend on the weights."""
    data = make_micrographs(1, shape=(256, 256), particles_per_micrograph=8, random_state=0)
    scale = diameter / data.particle_diameter
    picker = ParticlePicker(
        data.particle_diameter, expected_particles=8, threshold=0.0, random_state=0
    )
    picker.set_params(classifier__module=network, classifier__max_epochs=1)
    picker.set_params(classifier__device=device)
    steps, _tiles.STEPS_PER_EPOCH = _tiles.STEPS_PER_EPOCH, 5
    picker.fit(data.micrographs, data.coordinates)
    _tiles.STEPS_PER_EPOCH = steps
    picker.set_params(particle_diameter=diameter)
    downsample = picker.preprocessing_.named_steps["downsample"]
    downsample.set_params(particle_diameter=data.particle_diameter * scale)
    return picker


def own_cost(picker, paths):
    """Return CPU-seconds per micrograph."""
    start = cpu_seconds(resource.RUSAGE_SELF)
    picker.predict(paths, threshold=-6.0)
    return (cpu_seconds(resource.RUSAGE_SELF) - start) / len(paths)


def write_micrographs(folder, n, edge, diameter):
    """Write MRC files of simulated micrographs, or of what is as good: the same, tiled."""
    data = make_micrographs(n, shape=(1024, 1024), random_state=0)
    paths = []
    for index, micrograph in enumerate(data.micrographs):
        values = np.asarray(as_grid_image(micrograph).values, dtype=np.float32)
        values = np.tile(values, (edge // 1024,) * 2)
        paths.append(os.path.join(folder, f"mic_{index:02d}.mrc"))
        mrcfile.write(paths[-1], values)
    return paths


if __name__ == "__main__":
    main()
