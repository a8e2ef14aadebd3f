"""
Objectives for picking, with few and with many labels
=====================================================

Trains the default network of the picker with every objective on the same labels and prints average
precision on micrographs that it has not seen, after the last epoch::

    PUCLASSIFY_DATA=... python examples/benchmarks/objectives_picking.py
    python examples/benchmarks/objectives_picking.py --sets globular --labels 10 --seeds 1

Without ``PUCLASSIFY_DATA`` only the simulated sets are measured. Every objective has its own
default settings, except the last three: the picker's without the added risk, the picker's, and that
with an autoencoder beside it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

from puclassify import ParticlePicker
from puclassify.metrics import pick_average_precision_score, pick_precision_recall_fscore

sys.path.insert(0, str(Path(__file__).resolve().parent))
from picking_sets import beta_galactosidase, draw_labels, simulated

OBJECTIVES = {
    "PN": {"classifier__criterion": "pn"},
    "nnPU": {"classifier__criterion": "nnpu"},
    "GE-KL": {"classifier__criterion": "ge_kl"},
    "GE-binomial": {"classifier__criterion": "ge_binomial"},
    "variational": {"classifier__criterion": "vpu"},
    "Dist-PU": {"classifier__criterion": "dist_pu"},
    "CVIR": {"classifier__criterion": "cvir"},
    "GE-binomial, slack 0.1": {"classifier__criterion__risk_weight": 0.0},
    "picker's default": {},
    "default + autoencoder": {"classifier__reconstruction_weight": 0.1},
}
SETS = {
    "beta-galactosidase": None,
    "globular": 0.4,  # snr
    "ring": 0.2,
    "elongated": 0.2,
}


def main():
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--objectives", nargs="+", choices=list(OBJECTIVES), metavar="NAME")
    parser.add_argument("--sets", nargs="+", choices=list(SETS), metavar="NAME")
    parser.add_argument("--labels", nargs="+", type=int, default=[10, 100, 1000])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20)
    options = parser.parse_args()
    names = options.sets or list(SETS)
    if "beta-galactosidase" in names and not os.environ.get("PUCLASSIFY_DATA"):
        print("beta-galactosidase is left out: set PUCLASSIFY_DATA to the folder of its images")
        names.remove("beta-galactosidase")
    print("set | labels | objective | AP mean (sd) | F1 at threshold 0 (sd) | runs")
    print("--- | --- | --- | --- | --- | ---", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            for n_labels in options.labels:
                for objective in options.objectives or OBJECTIVES:
                    rows = [
                        measure(data, objective, n_labels, seed, options.epochs)
                        for seed in range(options.seeds)
                        for data in picking_sets(name, folder, seed)
                    ]
                    (ap, f1), (ap_sd, f1_sd) = np.mean(rows, axis=0), np.std(rows, axis=0)
                    print(
                        f"{name} | {n_labels} | {objective} | {ap:.3f} ({ap_sd:.3f}) | "
                        f"{f1:.3f} ({f1_sd:.3f}) | {len(rows)}",
                        flush=True,
                    )


def picking_sets(name, folder, seed):
    """Return the sets of one name and seed: both directions of the real one."""
    if SETS[name] is None:
        return [beta_galactosidase(half) for half in (0, 1)]
    return [simulated(folder, name, SETS[name], 100 + seed)]


def measure(data, objective, n_labels, seed, epochs):
    """Train once; returns average precision and F1."""
    picker = ParticlePicker(data.particle_diameter, random_state=seed)
    picker.set_params(classifier__max_epochs=epochs)
    picker.set_params(**OBJECTIVES[objective])
    picker.fit(data.train, draw_labels(data.train_coordinates, n_labels, seed))
    picks = picker.predict(data.test, threshold=-np.inf)
    return (
        pick_average_precision_score(data.test_coordinates, picks, data.radius),
        pick_precision_recall_fscore(data.test_coordinates, picks, data.radius, threshold=0.0)[2],
    )


if __name__ == "__main__":
    main()
