"""Compare the cost of training with the reference: CPU-seconds to its average precision.

Trains this package with schedules of one, two, three, ... epochs, and the reference once for each
set and seed from its pretrained weights, on the same labels. Prints the average precision on
held-out micrographs after the last step of each, and the CPU-seconds (user + system, reading and
normalising included). Both are given the number of particles per micrograph::

    OMP_NUM_THREADS=1 PUCLASSIFY_DATA=... python examples/benchmarks/training.py --topaz ...

A schedule reaches the reference if its mean over the seeds does.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile

import numpy as np

from common.picking_sets import REAL, SNR, average_precision, fit_and_pick, picking_set
from common.reference_picker import TopazRunner
from common.tables import mean_sd, table_head, table_row
from puclassify import ParticlePicker
from puclassify.datasets import label_particles


def main():
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--topaz", default=shutil.which("topaz"), help="the program")
    parser.add_argument("--sets", nargs="+", choices=[REAL, *SNR], default=[REAL, "ring"])
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", nargs="+", type=int, default=[1, 2, 3, 5, 10, 20])
    parser.add_argument("--network", help="instead of the picker's default")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    options = parser.parse_args()
    if not os.environ.get("PUCLASSIFY_DATA"):
        options.sets = [name for name in options.sets if name != REAL]
    print(table_head(["set", "picker", "AP, mean (sd)", "CPU-s", "of the reference's CPU-s", "AP"]))
    with tempfile.TemporaryDirectory() as folder:
        for name in options.sets:
            compare(name, folder, options)


def compare(name, folder, options):
    """Print the rows for one set."""
    rows: dict[str, list] = {}
    for seed in range(options.seeds):
        data = picking_set(name, folder, seed)
        labels = label_particles(data.train_coordinates, options.labels, random_state=seed)
        if options.topaz:
            picks, cost, _ = TopazRunner(options.topaz)(data, labels, seed)
            rows.setdefault("Topaz, pretrained", []).append((average_precision(data, picks), cost))
        for epochs in options.epochs:
            key = f"puclassify, {epochs} epochs"
            rows.setdefault(key, []).append(train(data, labels, seed, epochs, options))
    reference = np.mean([cost for _, cost in rows.get("Topaz, pretrained", [])] or [np.nan])
    for picker, values in rows.items():
        scores, costs = np.transpose(values)
        share = "" if np.isnan(reference) else f"{costs.mean() / reference:.3f}"
        each = " ".join(f"{score:.3f}" for score in scores)
        cells = [name, picker, mean_sd(scores, 3), f"{costs.mean():.1f}", share, each]
        print(table_row(cells), flush=True)


def train(data, labels, seed, epochs, options):
    """Return average precision and CPU-seconds of training."""
    expected = round(np.mean([len(xy) for xy in data.train_coordinates]))  # as the reference
    picker = ParticlePicker(
        data.particle_diameter, expected_particles=expected, threshold=0.0, random_state=seed
    )
    picker.set_params(
        classifier__max_epochs=epochs,
        classifier__device=options.device,
        classifier__precision=options.precision,
    )
    if options.network:
        picker.set_params(classifier__module=options.network)
    picks, cost, _ = fit_and_pick(picker, data, labels)
    return average_precision(data, picks), cost


if __name__ == "__main__":
    main()
