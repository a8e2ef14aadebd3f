"""
Against the reference picker: accuracy and cost side by side
============================================================

Trains on the same labels, picks the same unseen micrographs, matches within the same radius and
counts CPU-seconds (user + system, reading included) for both. The reference, Topaz, is run as a
program from its own environment; without it only this package is measured::

    PUCLASSIFY_DATA=... python examples/benchmarks/against_topaz.py --topaz path/to/topaz
    python examples/benchmarks/against_topaz.py --simulated --seeds 3
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from puclassify import ParticlePicker
from puclassify.io import match_coordinates, read_coordinates, write_coordinates
from puclassify.metrics import pick_average_precision_score, pick_precision_recall_fscore

sys.path.insert(0, str(Path(__file__).resolve().parent))
from picking_sets import beta_galactosidase, draw_labels, simulated

KINDS = ("globular", "ring", "elongated")
SNR = (0.4, 0.2)  # REVISIT


def main():
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--simulated", action="store_true", help="instead of the real images")
    parser.add_argument("--topaz", default=shutil.which("topaz"), help="the program")
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--reference-steps", type=int, default=600, help="of 128 regions")
    options = parser.parse_args()
    if not options.simulated and not os.environ.get("PUCLASSIFY_DATA"):
        sys.exit("set PUCLASSIFY_DATA to the folder of the real images, or pass --simulated")
    print("set | labels | seed | picker | AP | F1 (threshold 0) | train CPU-s | CPU-s per image")
    print("--- | --- | --- | --- | --- | --- | --- | ---", flush=True)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(options.seeds):
            for data in picking_sets(options, folder, seed):
                labels = draw_labels(data.train_coordinates, options.labels, seed)
                rows.append(measure(data, labels, seed, "puclassify", run_puclassify))
                if options.topaz:
                    for name, more in (
                        ("Topaz, pretrained", []),
                        ("Topaz, from scratch", ["--no-pretrained"]),
                    ):
                        runner = TopazRunner(options.topaz, options.reference_steps, more)
                        rows.append(measure(data, labels, seed, name, runner))
    summarize(rows, options.labels)


def picking_sets(options, folder, seed):
    """Yield the sets of one seed."""
    if not options.simulated:
        yield from (beta_galactosidase(half) for half in (0, 1))
        return
    for kind in KINDS:
        for snr in SNR:
            yield simulated(folder, kind, snr, random_state=100 + seed)


def measure(data, labels, seed, name, run):
    """Train and pick with one picker; print and return its row."""
    picks, train_cpu, pick_cpu = run(data, labels, seed)
    average_precision = pick_average_precision_score(data.test_coordinates, picks, data.radius)
    f1 = pick_precision_recall_fscore(data.test_coordinates, picks, data.radius, threshold=0.0)[2]
    per_image = pick_cpu / len(data.test)
    print(
        f"{data.name} | {sum(map(len, labels))} | {seed} | {name} | {average_precision:.3f} | "
        f"{f1:.3f} | {train_cpu:.0f} | {per_image:.2f}",
        flush=True,
    )
    group = data.name.partition(", half")[0]
    return group, name, average_precision, f1, train_cpu, per_image


def summarize(rows, n_labels):
    """Print mean and spread per set and picker."""
    print(f"\nmean (standard deviation) over seeds and halves, {n_labels} labels\n")
    print("set | picker | AP | F1 (threshold 0) | train CPU-s | CPU-s per image")
    print("--- | --- | --- | --- | --- | ---")
    for key in dict.fromkeys(row[:2] for row in rows):
        values = np.array([row[2:] for row in rows if row[:2] == key])
        mean, spread = values.mean(axis=0), values.std(axis=0)
        print(
            f"{key[0]} | {key[1]} | {mean[0]:.3f} ({spread[0]:.3f}) | "
            f"{mean[1]:.3f} ({spread[1]:.3f}) | {mean[2]:.0f} | {mean[3]:.2f}"
        )


def run_puclassify(data, labels, seed):
    """Train the picker as it comes; returns its candidates and the CPU-seconds."""
    picker = ParticlePicker(data.particle_diameter, random_state=seed)
    start = cpu_seconds(resource.RUSAGE_SELF)
    picker.fit(data.train, labels)
    trained = cpu_seconds(resource.RUSAGE_SELF)
    picks = picker.predict(data.test, threshold=-np.inf)
    return picks, trained - start, cpu_seconds(resource.RUSAGE_SELF) - trained


class TopazRunner:
    """Runs the reference as a program.

    Parameters
    ----------
    program : str
        Path of the ``topaz`` command.
    steps : int
        Training steps of 128 regions.
    more : list of str
        Further arguments of ``topaz train``.
    """

    def __init__(self, program, steps, more):
        self.program, self.steps, self.more = program, steps, more

    def __call__(self, data, labels, seed):
        """Train, pick; returns the picks and the CPU-seconds."""
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            start = cpu_seconds(resource.RUSAGE_CHILDREN)
            train = self._preprocess(data.train, folder / "train")
            targets = folder / "labels.txt"
            write_coordinates(labels, targets, names=[Path(path).stem for path in train])
            expected = np.mean([len(xy) for xy in data.train_coordinates])
            self._run(
                "train",
                "--train-images",
                folder / "train",
                "--train-targets",
                targets,
                "--num-particles",
                round(expected),
                "--radius",
                max(1, round(data.particle_diameter / 8)),
                "--minibatch-size",
                128,
                "--epoch-size",
                self.steps,
                "--num-epochs",
                1,
                "--save-prefix",
                folder / "model",
                "--device",
                -1,
                "--num-workers",
                0,
                *self.more,
            )
            trained = cpu_seconds(resource.RUSAGE_CHILDREN)
            test = self._preprocess(data.test, folder / "test")
            table = folder / "picks.txt"
            model = sorted(folder.glob("model*.sav"))[-1]
            self._run(
                "extract",
                "-r",
                round(data.radius),
                "-t",
                -6,
                "-m",
                model,
                "-o",
                table,
                "--device",
                -1,
                *test,
            )
            picked = cpu_seconds(resource.RUSAGE_CHILDREN)
            picks = match_coordinates(read_coordinates(table, format="tsv"), data.test)
        return picks, trained - start, picked - trained

    def _preprocess(self, paths, folder):
        """Normalise micrographs, as its manual asks for; the sizes stay."""
        folder.mkdir()
        self._run("normalize", "--device", -1, "-o", folder, *paths)
        return [str(path) for path in sorted(folder.iterdir())]

    def _run(self, *arguments):
        command = [self.program, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(command[:2])} failed:\n{done.stderr[-2000:]}")


def cpu_seconds(who):
    """Return user + system seconds spent so far."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    started = time.time()
    main()
    print(f"\n{time.time() - started:.0f} s wall")
