"""Compare objectives for picking, with few and with many labels.

Trains ResNet8, the network of Bepler et al. (2019), with every objective on the same labels, and
prints average precision on held-out micrographs after the last epoch::

    PUCLASSIFY_DATA=... python examples/benchmarks/objectives_picking.py
    python examples/benchmarks/objectives_picking.py --sets globular --labels 10 --seeds 1

Without ``PUCLASSIFY_DATA`` only simulated sets are measured. The default objectives are those of
Bepler et al. and "ours", that of the picker; ``--objectives`` names others. They have default
settings, except that GE-binomial has the slack 0.1, which is best here; with its default of 1 it is
"GE-binomial, slack 1". Seeds draw labels, weights, tiles and simulated micrographs; on the real
ones, even and odd seeds train on one half and on the other.
"""

from __future__ import annotations

import argparse
import os
import tempfile

import numpy as np

from common.picking_sets import REAL, SNR, average_precision, fit_and_pick, picking_set
from puclassify import ParticlePicker
from puclassify.datasets import label_particles
from puclassify.metrics import pick_precision_recall_fscore

OBJECTIVES = {
    "PN": {"classifier__criterion": "pn"},
    "nnPU": {"classifier__criterion": "nnpu"},
    "GE-KL": {"classifier__criterion": "ge_kl"},
    "GE-binomial": {"classifier__criterion__risk_weight": 0.0},
    "GE-binomial + autoencoder": {
        "classifier__criterion__risk_weight": 0.0,
        "classifier__reconstruction_weight": 0.1,
    },
    "ours": {},
    "ours + autoencoder": {"classifier__reconstruction_weight": 0.1},
    "GE-binomial, slack 1": {"classifier__criterion": "ge_binomial"},
    "uPU": {"classifier__criterion": "upu"},
    "absolute PU": {"classifier__criterion": "abspu"},
    "variational": {"classifier__criterion": "vpu"},
    "Dist-PU": {"classifier__criterion": "dist_pu"},
    "CVIR": {"classifier__criterion": "cvir"},
}
OF_BEPLER = ["PN", "nnPU", "GE-KL", "GE-binomial", "GE-binomial + autoencoder"]


def main():
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--objectives",
        nargs="+",
        choices=list(OBJECTIVES),
        metavar="NAME",
        default=[*OF_BEPLER, "ours"],
        help=", ".join(OBJECTIVES),
    )
    parser.add_argument("--sets", nargs="+", choices=[REAL, *SNR], default=[REAL, "ring"])
    parser.add_argument("--labels", nargs="+", type=int, default=[10, 100, 1000])
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--network", default="resnet8")
    options = parser.parse_args()
    names = list(options.sets)
    if REAL in names and not os.environ.get("PUCLASSIFY_DATA"):
        print(f"{REAL} is skipped: set PUCLASSIFY_DATA to the folder of its images")
        names.remove(REAL)
    print("set | labels | objective | AP mean (sd) | F1 at 0: mean (sd) | CPU-s of training | AP")
    print("--- | --- | --- | --- | --- | --- | ---", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            for n_labels in options.labels:
                for objective in options.objectives:
                    rows = [
                        measure(picking_set(name, folder, seed), objective, n_labels, seed, options)
                        for seed in range(options.seeds)
                    ]
                    ap, f1, seconds = np.mean(rows, axis=0)
                    ap_sd, f1_sd, _ = np.std(rows, axis=0)
                    each = " ".join(f"{row[0]:.3f}" for row in rows)
                    print(
                        f"{name} | {n_labels} | {objective} | {ap:.3f} ({ap_sd:.3f}) | "
                        f"{f1:.3f} ({f1_sd:.3f}) | {seconds:.0f} | {each}",
                        flush=True,
                    )


def measure(data, objective, n_labels, seed, options):
    """Train once; return average precision, F1 at logit 0 and CPU-seconds of training."""
    picker = ParticlePicker(data.particle_diameter, random_state=seed)
    picker.set_params(classifier__max_epochs=options.epochs, classifier__module=options.network)
    picker.set_params(**OBJECTIVES[objective])
    labels = label_particles(data.train_coordinates, n_labels, random_state=seed)
    picks, seconds, _ = fit_and_pick(picker, data, labels)
    return (
        average_precision(data, picks),
        pick_precision_recall_fscore(data.test_coordinates, picks, data.radius, threshold=0.0)[2],
        seconds,
    )


if __name__ == "__main__":
    main()
