"""Measure the cost of a wrong guess at the number of particles.

Trains a picker with a third of, once and three times the true mean number of particles per
micrograph, and without a number, and prints average precision on held-out micrographs::

    PUCLASSIFY_DATA=... python examples/benchmarks/prior_sensitivity.py
    python examples/benchmarks/prior_sensitivity.py --simulated
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile

import numpy as np

from common.picking_sets import average_precision, beta_galactosidase, fit_and_pick, simulated
from puclassify import ParticlePicker
from puclassify.datasets import label_particles
from puclassify.metrics import pick_precision_recall_fscore


def main():
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--simulated", action="store_true", help="instead of the real images")
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--halves", nargs="+", type=int, choices=(0, 1), default=(0, 1))
    parser.add_argument("--factors", nargs="*", type=float, default=(1 / 3, 1.0, 3.0))
    options = parser.parse_args()
    if not options.simulated and not os.environ.get("PUCLASSIFY_DATA"):
        sys.exit("set PUCLASSIFY_DATA to the folder of the real images, or pass --simulated")
    print("expected particles | prior | AP mean (sd) | F1 at threshold 0 | runs")
    print("--- | --- | --- | --- | ---")
    with tempfile.TemporaryDirectory() as folder:
        for factor in (*options.factors, None):
            rows = []
            for seed in range(options.seeds):
                sets = (
                    [simulated(folder, "globular", None, 100 + seed)]
                    if options.simulated
                    else [beta_galactosidase(half) for half in options.halves]
                )
                rows += [measure(data, factor, options.labels, seed) for data in sets]
            prior, precision, f1 = np.array(rows).T
            name = "not given" if factor is None else f"{factor:.2g} x the truth"
            print(
                f"{name} | {prior.mean():.4f} | {precision.mean():.3f} "
                f"({precision.std():.3f}) | {f1.mean():.3f} | {len(rows)}",
                flush=True,
            )


def measure(data, factor, n_labels, seed):
    """Train once; return the prior, average precision and F1 at logit 0."""
    truth = np.mean([len(xy) for xy in data.train_coordinates])
    picker = ParticlePicker(
        data.particle_diameter,
        expected_particles=None if factor is None else factor * truth,
        random_state=seed,
    )
    labels = label_particles(data.train_coordinates, n_labels, random_state=seed)
    picks, *_ = fit_and_pick(picker, data, labels)
    return (
        picker.prior_,
        average_precision(data, picks),
        pick_precision_recall_fscore(data.test_coordinates, picks, data.radius, threshold=0.0)[2],
    )


if __name__ == "__main__":
    main()
