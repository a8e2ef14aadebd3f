"""Measure what scoring and picking cost, beside the reference.

Prints the cost of one more micrograph, from the file to the picks, in CPU-seconds (user + system,
reading included), this package and the reference alternating::

    OMP_NUM_THREADS=1 python examples/benchmarks/scoring.py --topaz path/to/topaz

The reference, a program, is run on one micrograph and on several, and the difference divided by
their number, which leaves out its start. Both pick down to -6; both normalise.

``--large`` prints the wall time of each step from a 4096 x 4096 MRC file to its picks with binning
by 4, and the peak memory, for each network in a process of its own with all cores::

    python examples/benchmarks/scoring.py --large
    python examples/benchmarks/scoring.py --large --device cuda --repetitions 10
    python examples/benchmarks/scoring.py --large --shape 8184 11520 --binning 1 --dtype float16

Steps are timed one by one, medians of the repetitions. On a GPU each step ends when the GPU has
finished, and "read" includes the upload; on a CPU files are mapped, and the first step that needs
the pixels reads them. "all" is one call of ``predict``. The memory is the peak of training and
``predict``: on a CPU that of the process beyond a bare ``import torch``, on a GPU what PyTorch
allocates there.
"""

from __future__ import annotations

import argparse
import copy
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from sklearn.preprocessing import FunctionTransformer

from common.networks import build_network, gflop
from common.process_memory import megabytes
from common.quick_picker import DIAMETER, quick_picker, write_micrographs
from common.reference_picker import TopazRunner, cost_of_one_more, cpu_seconds
from common.tables import table_head, table_row
from puclassify.io import read_micrograph
from puclassify.picking import non_maximum_suppression
from puclassify.preprocessing import fourier_downsample, normalize_micrograph

STEPS = ("read", "crop", "normalise", "network", "suppression", "all")
THRESHOLD = -6.0


def main():
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--topaz", default=shutil.which("topaz"), help="the program")
    parser.add_argument("--networks", nargs="+", default=["resnet8", "resnet9"])
    parser.add_argument("--micrographs", type=int, default=4)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    large = parser.add_argument_group("the steps for one large file")
    large.add_argument("--large", action="store_true", help="measure them")
    large.add_argument("--shape", nargs=2, type=int, default=(4096, 4096), help="rows, columns")
    large.add_argument("--binning", type=int, default=4)
    large.add_argument("--dtype", choices=("float32", "float16"), default="float32")
    large.add_argument("--memory-budget", type=float, help="bytes, instead of the default")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(measure_large(options.worker, options.networks[0], options)))
        return
    with tempfile.TemporaryDirectory() as folder:
        if options.large:
            compare_steps(options, folder)
        else:
            compare_pickers(options, folder)


def compare_pickers(options, folder):
    """Print the cost of one micrograph for each picker."""
    paths = write_micrographs(folder, options.micrographs + 1, (1024, 1024))
    pickers = {name: quick_picker(name, device=options.device) for name in options.networks}
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
        flops = f"{gflop(build_network(name.rpartition(' ')[2])):.1f}" if is_ours else ""
        median = np.median(values)
        print(table_row([name, flops, f"{median:.3f}", f"{slowest / median:.1f}"]))


def own_cost(picker, paths):
    """Return CPU-seconds per micrograph."""
    start = cpu_seconds(resource.RUSAGE_SELF)
    picker.predict(paths, threshold=THRESHOLD)
    return (cpu_seconds(resource.RUSAGE_SELF) - start) / len(paths)


def compare_steps(options, folder):
    """Print the steps from a large file to its picks, each network in its own process."""
    (path,) = write_micrographs(folder, 1, options.shape, options.dtype)
    bare = 0.0
    if options.device == "cpu":
        code = "import torch; from common.process_memory import megabytes"
        bare = float(run_python("-c", f"{code}; print(megabytes('VmHWM'))"))
        print(f"{torch.get_num_threads()} threads; a bare `import torch` uses {bare:.0f} MB\n")
    print(table_head(["network", *(f"{step}, ms" for step in STEPS), "peak MB"]))
    for name in options.networks:
        arguments = ["--worker", path, "--networks", name, "--device", options.device]
        arguments += ["--binning", options.binning, "--repetitions", options.repetitions]
        if options.memory_budget:
            arguments += ["--memory-budget", options.memory_budget]
        *times, peak = json.loads(run_python(__file__, *arguments).splitlines()[-1])
        print(table_row([name, *(f"{1e3 * t:.1f}" for t in times), f"{peak - bare:.0f}"]))


def run_python(*arguments) -> str:
    """Run Python in a process of its own and return what it prints."""
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(
        command, cwd=Path(__file__).parent, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def measure_large(path, network, options):
    """Return median seconds of ``STEPS``, and the peak memory in MB."""
    picker = quick_picker(network, options.binning, options.device)
    if options.memory_budget:
        picker.set_params(memory_budget=options.memory_budget)
    picker.predict([path], threshold=THRESHOLD)
    if torch.device(options.device).type == "cuda":
        peak = torch.cuda.max_memory_allocated() / 2**20
    else:
        peak = megabytes("VmHWM")
    rows = [
        time_steps(picker, path, options.binning, options.device)
        for _ in range(options.repetitions)
    ]
    return [*np.median(rows, axis=0), peak]


def time_steps(picker, path, binning, device):
    """Return seconds of ``STEPS``."""
    normalization = picker.preprocessing_.named_steps["normalize"].get_params()
    del normalization["n_jobs"]
    network = copy.copy(picker)
    network.preprocessing_ = FunctionTransformer()  # its images are preprocessed already
    read, stored = timed(device, lambda: read_to(device, path))
    crop, small = timed(device, lambda: fourier_downsample(stored, binning))
    normalise, image = timed(device, lambda: normalize_micrograph(small, **normalization))
    score, (scores,) = timed(device, lambda: network.transform([image]))
    scores = scores.with_values(torch.from_numpy(scores.values).to(device))
    radius = picker.particle_diameter / 2
    suppress, _ = timed(
        device, lambda: non_maximum_suppression(scores, radius, threshold=THRESHOLD)
    )
    everything, _ = timed(device, lambda: picker.predict([path], threshold=THRESHOLD))
    return read, crop, normalise, score, suppress, everything


def read_to(device, path):
    """Map an MRC file; for a GPU, read it into page-locked memory and upload it."""
    image = read_micrograph(path)
    if torch.device(device).type != "cuda":
        return image
    stored = image.values
    dtype = getattr(torch, stored.dtype.name)
    pixels = torch.empty(stored.shape, dtype=dtype, pin_memory=True)
    with open(path, "rb", buffering=0) as file:
        file.seek(stored.offset)
        file.readinto(pixels.numpy())
    return replace(image, values=pixels.to(device, non_blocking=True))


def timed(device, run):
    """Return seconds until the device has finished, and the result."""
    wait = torch.cuda.synchronize if torch.device(device).type == "cuda" else lambda: None
    wait()
    start = time.perf_counter()
    result = run()
    wait()
    return time.perf_counter() - start, result


if __name__ == "__main__":
    main()
