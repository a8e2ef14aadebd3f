"""Whether a picker's intervals hold on micrographs of the session that it was not trained on.

Splits sets at random into micrographs to train on and as many new ones, trains a picker on 100
labels, and counts how often the 90 % intervals of ``threshold_report_`` hold what is measured on
the new ones::

    PUCLASSIFY_DATA=... python examples/benchmarks/picking_intervals.py
    python examples/benchmarks/picking_intervals.py --sets sessions --splits 20 --epochs 8

The real set is beta-galactosidase, four micrographs of eight; the one that is hardly labelled is
never measured on. A simulated session has ten micrographs of one kind of particle, whose
signal-to-noise ratio, number of particles and contamination differ from one to the next, those of
an even one do not. Precision
and number on real micrographs are those of one expert's labels, which leave particles out.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings

import numpy as np

from common.picking_sets import REAL, UNDER_LABELLED, PickingSet, beta_galactosidase
from common.tables import table_head, table_row
from puclassify import ParticlePicker
from puclassify.datasets import label_particles, make_micrographs
from puclassify.metrics import pick_precision_recall_fscore

SESSIONS, EVEN = "sessions", "even sessions"
KINDS = ("globular", "ring", "elongated")
N_EACH = 5  # micrographs to train on in a simulated session, and new ones
MEASURES = ("precision", "recall", "f1", "n_particles")


def main():
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--sets", nargs="+", choices=(REAL, SESSIONS, EVEN), default=(REAL, SESSIONS)
    )
    parser.add_argument("--labels", nargs="+", type=int, default=[100])
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="number of the first split")
    parser.add_argument("--epochs", type=int, help="instead of the default")
    options = parser.parse_args()
    if REAL in options.sets and not os.environ.get("PUCLASSIFY_DATA"):
        sys.exit("set PUCLASSIFY_DATA to the folder of the real images, or name other --sets")
    print(table_head(["set", "labels", "split", *MEASURES]), flush=True)
    rows = {}
    for split in range(options.first, options.first + options.splits):
        for name in options.sets:
            for n_labels in options.labels:
                data = real_split(split) if name == REAL else session(split, name == EVEN)
                held, cells = measure(data, n_labels, split, options.epochs)
                if held is not None:
                    rows.setdefault((name, n_labels), []).append(held)
                print(table_row([name, n_labels, split, *cells]), flush=True)
    print("\nshare of the splits in which the interval holds what was measured\n")
    print(table_head(["set", "labels", "splits", *MEASURES]))
    for (name, n_labels), held in rows.items():
        shares = map("{:.2f}".format, np.mean(held, axis=0))
        print(table_row([name, n_labels, len(held), *shares]))


def real_split(seed: int) -> PickingSet:
    """Return four of the eight real micrographs to train on, and the others."""
    halves = [beta_galactosidase(half) for half in (0, 1)]
    coordinates = {
        path: xy
        for data in halves
        for path, xy in zip(data.train + data.test, data.train_coordinates + data.test_coordinates)
    }
    paths = sorted(coordinates)
    order = np.random.default_rng(seed).permutation(len(paths))
    train = [paths[i] for i in order[:4]]
    test = [paths[i] for i in order[4:] if UNDER_LABELLED not in paths[i]]
    return PickingSet(
        REAL,
        train,
        [coordinates[path] for path in train],
        test,
        [coordinates[path] for path in test],
        halves[0].particle_diameter,
        halves[0].radius,
    )


def session(seed: int, even: bool) -> PickingSet:
    """Simulate micrographs that differ, or do not, half of them to train on."""
    rng = np.random.default_rng(seed)
    micrographs, coordinates = [], []
    for index in range(2 * N_EACH):
        settings = {"snr": 0.2}
        if not even:
            settings = {
                "snr": 0.25 * np.exp(rng.normal(0, 0.35)),
                "particles_per_micrograph": min(int(150 * np.exp(rng.normal(0, 0.3))), 260),
                "contamination": float(rng.uniform(0.1, 1.0)),
            }
        kind = KINDS[seed % len(KINDS)]
        data = make_micrographs(1, kind=kind, random_state=1000 * seed + index, **settings)
        micrographs += data.micrographs
        coordinates += data.coordinates
    diameter = data.particle_diameter / data.pixel_size
    return PickingSet(
        EVEN if even else SESSIONS,
        micrographs[:N_EACH],
        coordinates[:N_EACH],
        micrographs[N_EACH:],
        coordinates[N_EACH:],
        diameter,
        diameter / 2,
    )


def measure(data: PickingSet, n_labels: int, seed: int, epochs: int | None):
    """Train once; return which intervals hold, None without a report, and the cells of a row."""
    labels = label_particles(data.train_coordinates, n_labels, random_state=seed)
    picker = ParticlePicker(data.particle_diameter, random_state=seed)
    if epochs is not None:
        picker.set_params(classifier__max_epochs=epochs)
    with warnings.catch_warnings(action="ignore"):
        picker.fit(data.train, labels)
    report = picker.threshold_report_
    if report is None:
        return None, ["no report"] * len(MEASURES)
    picks = picker.predict(data.test)
    scores = pick_precision_recall_fscore(
        data.test_coordinates, picks, data.radius, threshold=-np.inf
    )
    measured = [*scores, np.mean([len(xy) for xy in data.test_coordinates])]
    held, cells = [], []
    for name, value in zip(MEASURES, measured, strict=True):
        low, high = report[f"{name}_interval"]
        held.append(low <= value <= high)
        cells.append(f"{value:.3g} ({low:.3g} to {high:.3g})")
    return held, cells


if __name__ == "__main__":
    main()
