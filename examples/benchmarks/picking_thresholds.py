"""Compare what a picker estimates about its picks with the truth.

Trains a picker with its defaults on 100 labels, and compares the number of particles, precision and
recall that it expects on held-out micrographs with the true ones::

    PUCLASSIFY_DATA=... python examples/benchmarks/picking_thresholds.py
    python examples/benchmarks/picking_thresholds.py --sets ring globular --labels 100 30

"count" is the median over micrographs of the relative difference between expected and true number
of particles, "count, signed" the same with its sign. "precision at .8" and ".9" are reached with
``threshold=("precision", 0.8)`` and ``0.9``. "F1" is that at ``threshold="auto"``, "best F1" the
largest over all thresholds, found on the test micrographs themselves. "covered" is 1 where the
interval of ``threshold_report_`` contains the precision or recall on the test micrographs, or the
number in the training micrographs.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import warnings

import numpy as np

from common.picking_sets import REAL, average_precision, beta_galactosidase, simulated
from common.tables import table_head, table_row
from puclassify import ParticlePicker
from puclassify.datasets import label_particles
from puclassify.metrics import pick_precision_recall_curve, pick_precision_recall_fscore

SIMULATED = ("globular", "ring", "elongated")
SNR = 0.2
REPORTED = ("precision", "recall", "n_particles")
COLUMNS = (
    "AP",
    "best F1",
    "F1",
    "precision at .8",
    "precision at .9",
    "count, signed",
    "count",
    "precision covered",
    "recall covered",
    "count covered",
    "fit CPU-s",
)


def main():
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--sets", nargs="+", default=(REAL, *SIMULATED))
    parser.add_argument("--labels", nargs="+", type=int, default=[100])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, help="instead of the default")
    options = parser.parse_args()
    print(table_head(["set", "labels", "seed", *COLUMNS]), flush=True)
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in options.sets:
            for seed in range(options.first_seed, options.first_seed + options.seeds):
                for data in picking_sets(name, folder, seed):
                    for n_labels in options.labels:
                        row = measure(data, n_labels, seed, options.epochs)
                        rows.setdefault((name, n_labels), []).append(row)
                        cells = [data.name, n_labels, seed, *map("{:.3f}".format, row)]
                        print(table_row(cells), flush=True)
    print("\nmean (standard deviation) over the runs\n")
    print(table_head(["set", "labels", "runs", *COLUMNS]))
    for (name, n_labels), values in rows.items():
        spread = [f"{np.mean(v):.3f} ({np.std(v):.3f})" for v in zip(*values)]
        print(table_row([name, n_labels, len(values), *spread]))


def picking_sets(name, folder, seed):
    """Return both halves of the real set, or one simulated set."""
    if name == REAL:
        if not os.environ.get("PUCLASSIFY_DATA"):
            sys.exit("set PUCLASSIFY_DATA to the folder of the real images, or name other --sets")
        return [beta_galactosidase(half) for half in (0, 1)]
    return [simulated(folder, name, SNR, random_state=100 + seed)]


def measure(data, n_labels, seed, epochs):
    """Train once and return the values of ``COLUMNS``."""
    labels = label_particles(data.train_coordinates, n_labels, random_state=seed)
    picker = ParticlePicker(data.particle_diameter, random_state=seed)
    if epochs is not None:
        picker.set_params(classifier__max_epochs=epochs)
    started = time.process_time()
    picker.fit(data.train, labels)
    fit_seconds = time.process_time() - started
    truth = data.test_coordinates
    candidates, quality = picker.predict(data.test, threshold=-np.inf, return_quality=True)

    def reached(threshold):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picks = picker.predict(data.test, threshold=threshold)
        return pick_precision_recall_fscore(truth, picks, data.radius, threshold=-np.inf)

    precision, recall, f1 = reached(None)
    n_particles = np.mean([len(xy) for xy in data.train_coordinates])
    covered = [
        low <= value <= high
        for value, (low, high) in zip(
            (precision, recall, n_particles),
            (picker.threshold_report_[f"{name}_interval"] for name in REPORTED),
            strict=True,
        )
    ]
    precisions, recalls, _ = pick_precision_recall_curve(truth, candidates, data.radius)
    error = quality["n_particles"] / [len(xy) for xy in truth] - 1
    return (
        average_precision(data, candidates),
        np.max(2 * precisions * recalls / np.maximum(precisions + recalls, 1e-12)),
        f1,
        reached(("precision", 0.8))[0],
        reached(("precision", 0.9))[0],
        np.median(error),
        np.median(np.abs(error)),
        *covered,
        fit_seconds,
    )


if __name__ == "__main__":
    main()
