"""Measure picking with no and few labels, from pretrained weights and from random ones.

On the real set, in both directions, each with other labels in every seed. Prints the average
precision on held-out micrographs, F1 at the default threshold and at the best one, the number of
particles that is expected in relation to the true one, and CPU-seconds of the fit (user + system,
reading and normalising included)::

    OMP_NUM_THREADS=1 PUCLASSIFY_DATA=... python examples/benchmarks/few_labels.py

Without labels the pretrained network looks at the held-out micrographs, as a user would let it.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np

from common.picking_sets import PickingSet, average_precision, beta_galactosidase
from common.tables import mean_sd, table_head, table_row
from puclassify import ParticlePicker
from puclassify.datasets import label_particles
from puclassify.metrics import pick_precision_recall_curve, pick_precision_recall_fscore

TITLES = (
    "labels",
    "start",
    "AP, mean (sd)",
    "F1 at the threshold",
    "best F1",
    "expected / true particles",
    "kept as it was",
    "CPU-s",
    "AP",
)


def main():
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--labels", nargs="+", type=int, default=[0, 10, 30, 100])
    parser.add_argument("--starts", nargs="+", default=["pretrained", "random"])
    parser.add_argument("--weights", default="pretrained", help="a file instead of the package's")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--directions", nargs="+", type=int, choices=[0, 1], default=[0, 1])
    options = parser.parse_args()
    print(table_head(TITLES), flush=True)
    for n_labels in options.labels:
        for start in options.starts:
            if n_labels or start != "random":
                print(row(n_labels, start, options), flush=True)


def row(n_labels: int, start: str, options) -> str:
    """Return the row of the table for a number of labels and a start."""
    init = options.weights if start == "pretrained" else "random"
    # Without labels nothing is drawn.
    seeds = range(options.seeds if n_labels else 1)
    results = [
        run(beta_galactosidase(half), n_labels, init, seed)
        for half in options.directions
        for seed in seeds
    ]
    scores, at, best, count, kept, cost = np.transpose(results)
    each = " ".join(f"{score:.3f}" for score in scores)
    columns = [mean_sd(one, 3) for one in (scores, at, best)]
    cells = [n_labels, start, *columns, mean_sd(count, 2), f"{kept.sum():.0f}"]
    return table_row([*cells, f"{cost.mean():.1f}", each])


def run(data: PickingSet, n_labels: int, init: str, seed: int) -> tuple[float, ...]:
    """Return the figures of one fit."""
    picker = ParticlePicker(data.particle_diameter, random_state=seed)
    picker.set_params(classifier__init=init)
    with warnings.catch_warnings(action="ignore"):  # of few labels
        started = time.process_time()
        if n_labels:
            labels = label_particles(data.train_coordinates, n_labels, random_state=seed)
            picker.fit(data.train, labels)
        else:
            picker.fit(data.test)
        cost = time.process_time() - started
        candidates = picker.predict(data.test, threshold=-np.inf)
    picks = [one[one[:, 2] > picker.threshold_] for one in candidates]
    *_, at = pick_precision_recall_fscore(data.test_coordinates, picks, data.radius)
    kept = (picker.pretrained_report_ or {}).get("kept") == "pretrained"
    return (
        average_precision(data, candidates),
        at,
        best_f1(data, candidates),
        count_ratio(picker, data.train_coordinates if n_labels else data.test_coordinates),
        float(kept and n_labels > 0),
        cost,
    )


def best_f1(data: PickingSet, candidates) -> float:
    """Return the largest F1 of the candidates above any threshold."""
    precision, recall, _ = pick_precision_recall_curve(
        data.test_coordinates, candidates, data.radius
    )
    return float(np.max(2 * precision * recall / np.maximum(precision + recall, 1e-9)))


def count_ratio(picker, truth) -> float:
    """Return the expected number of particles over the true one, NaN without an estimate."""
    if picker.expected_particles_ is None:
        return float("nan")
    return picker.expected_particles_ / np.mean([len(xy) for xy in truth])


if __name__ == "__main__":
    main()
