"""Compare accuracy and cost with the reference picker.

Trains on the same labels, picks the same held-out micrographs, matches within the same radius and
counts CPU-seconds (user + system, reading included) for both. The reference, Topaz, is run as a
program from its own environment; without it, only this package is measured::

    PUCLASSIFY_DATA=... python examples/benchmarks/against_topaz.py --topaz path/to/topaz
    python examples/benchmarks/against_topaz.py --simulated --topaz path/to/topaz

The reference is given the true number of particles; this package is given the diameter only. On
each set the pickers run one after the other, so that a busy machine slows all of them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from functools import partial

import numpy as np

from common.picking_sets import average_precision, beta_galactosidase, fit_and_pick, simulated
from common.reference_picker import TopazRunner
from puclassify import ParticlePicker
from puclassify.datasets import label_particles
from puclassify.metrics import pick_precision_recall_fscore

KINDS = ("globular", "ring", "elongated")
SNR = (0.4, 0.2)  # the simulator's default, and half of it
REFERENCES = {"pretrained": [], "scratch": ["--no-pretrained"]}


def main():
    """Run the comparison from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--simulated", action="store_true", help="instead of the real images")
    parser.add_argument("--kinds", nargs="+", default=KINDS, help="simulated particles")
    parser.add_argument(
        "--snr", nargs="+", type=float, default=SNR, help="of the simulated micrographs"
    )
    parser.add_argument("--networks", nargs="+", default=["resnet9"], help="of this package")
    parser.add_argument("--topaz", default=shutil.which("topaz"), help="the program")
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument(
        "--reference",
        nargs="*",
        choices=list(REFERENCES),
        default=list(REFERENCES),
        help="start from its pretrained weights, random ones, or each",
    )
    parser.add_argument(
        "--reference-seeds", type=int, help="fewer seeds for the reference, which is slow"
    )
    parser.add_argument(
        "--reference-steps", type=int, default=600, help="training steps of 128 regions"
    )
    options = parser.parse_args()
    if not options.simulated and not os.environ.get("PUCLASSIFY_DATA"):
        sys.exit("set PUCLASSIFY_DATA to the folder of the real images, or pass --simulated")
    print("set | labels | seed | picker | AP | F1 (threshold 0) | train CPU-s | CPU-s per image")
    print("--- | --- | --- | --- | --- | --- | --- | ---", flush=True)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            for data in picking_sets(options, folder, seed):
                labels = label_particles(data.train_coordinates, options.labels, random_state=seed)
                for name, run in pickers(options, seed).items():
                    rows.append(measure(data, labels, seed, name, run))
    summarize(rows, options.labels)


def pickers(options, seed):
    """Return the pickers for one seed: functions of data, labels and seed, by name."""
    chosen = {
        f"puclassify, {network}": partial(run_puclassify, network) for network in options.networks
    }
    reference_seeds = options.seeds if options.reference_seeds is None else options.reference_seeds
    if options.topaz and seed - options.first_seed < reference_seeds:
        for name in options.reference:
            runner = TopazRunner(options.topaz, options.reference_steps, REFERENCES[name])
            chosen[f"Topaz, {name}"] = runner
    return chosen


def picking_sets(options, folder, seed):
    """Yield the sets for one seed."""
    if not options.simulated:
        yield from (beta_galactosidase(half) for half in (0, 1))
        return
    for kind in options.kinds:
        for snr in options.snr:
            yield simulated(folder, kind, snr, random_state=100 + seed)


def measure(data, labels, seed, name, run):
    """Train and pick with one picker; print its row and return it."""
    picks, train_cpu, pick_cpu = run(data, labels, seed)
    precision = average_precision(data, picks)
    f1 = pick_precision_recall_fscore(data.test_coordinates, picks, data.radius, threshold=0.0)[2]
    per_image = pick_cpu / len(data.test)
    print(
        f"{data.name} | {sum(map(len, labels))} | {seed} | {name} | {precision:.3f} | "
        f"{f1:.3f} | {train_cpu:.0f} | {per_image:.2f}",
        flush=True,
    )
    group = data.name.partition(", half")[0]
    return group, name, precision, f1, train_cpu, per_image


def summarize(rows, n_labels):
    """Print means and standard deviations, and costs relative to the first picker."""
    print(f"\nmean (standard deviation) over seeds and halves, {n_labels} labels\n")
    print(
        "set | picker | runs | AP | F1 (threshold 0) | train CPU-s (ratio) | "
        "CPU-s per image (ratio)"
    )
    print("--- | --- | --- | --- | --- | --- | ---")
    ours = {}
    for key in dict.fromkeys(row[:2] for row in rows):
        values = np.array([row[2:] for row in rows if row[:2] == key])
        mean, spread = values.mean(axis=0), values.std(axis=0)
        costs = ours.setdefault(key[0], mean[2:])  # the first picker of every set
        train, pick = mean[2:] / costs
        print(
            f"{key[0]} | {key[1]} | {len(values)} | {mean[0]:.3f} ({spread[0]:.3f}) | "
            f"{mean[1]:.3f} ({spread[1]:.3f}) | {mean[2]:.0f} ({train:.1f}) | "
            f"{mean[3]:.2f} ({pick:.1f})"
        )


def run_puclassify(network, data, labels, seed):
    """Train a picker with its defaults; return its candidates and CPU-seconds of both steps."""
    picker = ParticlePicker(data.particle_diameter, random_state=seed)
    picker.set_params(classifier__module=network)
    return fit_and_pick(picker, data, labels)


if __name__ == "__main__":
    started = time.time()
    main()
    print(f"\n{time.time() - started:.0f} s wall")
