"""Compare networks for picking: average precision against operations.

Trains a picker with one network after another on the same labels. Prints average precision on
held-out micrographs after the last epoch, the operations for a score map of 1024 x 1024 pixels, and
the CPU-seconds of training::

    OMP_NUM_THREADS=1 PUCLASSIFY_DATA=... python examples/benchmarks/networks.py
    python examples/benchmarks/networks.py --sets elongated --networks resnet8 resnet9:24

``resnet9:24`` is the network with 24 units; "dilated" and "stride 8" are variants that were not
adopted. Sets and seeds are those of ``objectives_picking.py``.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from functools import partial

import numpy as np

from common.networks import build_network, gflop
from common.picking_sets import REAL, SNR, average_precision, fit_and_pick, picking_set
from common.tables import mean_sd, table_head, table_row
from puclassify import ParticlePicker
from puclassify.datasets import label_particles


def main():
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--networks",
        nargs="+",
        default=["resnet8", "resnet8:16", "resnet9", "resnet9:24", "dilated", "stride 8"],
    )
    parser.add_argument("--sets", nargs="+", choices=[REAL, *SNR], default=["ring", REAL])
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=12)
    options = parser.parse_args()
    if not os.environ.get("PUCLASSIFY_DATA"):
        options.sets = [name for name in options.sets if name != REAL]
    print(table_head(["set", "network", "GFLOP", "AP, mean (sd)", "train, CPU-s", "AP"]))
    with tempfile.TemporaryDirectory() as folder:
        for name in options.sets:
            for network in options.networks:
                rows = [
                    train(name, network, seed, folder, options) for seed in range(options.seeds)
                ]
                scores, seconds = np.transpose(rows)
                each = " ".join(f"{score:.3f}" for score in scores)
                cells = [name, network, f"{gflop(build_network(network)):.1f}", mean_sd(scores, 3)]
                print(table_row([*cells, f"{seconds.mean():.0f}", each]), flush=True)


def train(name, network, seed, folder, options):
    """Return average precision and CPU-seconds of training."""
    data = picking_set(name, folder, seed)
    picker = ParticlePicker(data.particle_diameter, random_state=seed)
    picker.set_params(
        classifier__max_epochs=options.epochs, classifier__module=partial(build_network, network)
    )
    labels = label_particles(data.train_coordinates, options.labels, random_state=seed)
    picks, seconds, _ = fit_and_pick(picker, data, labels)
    return average_precision(data, picks), seconds


if __name__ == "__main__":
    main()
