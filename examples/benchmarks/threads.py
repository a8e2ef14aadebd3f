"""
As many threads as the work is worth
====================================

Runs pieces of work in processes of their own with the default number of threads and with fixed
numbers (``OMP_NUM_THREADS``), by turns, on an idle machine and beside a process that keeps one core
busy, and prints wall-clock seconds (medians) and how the default compares with the best fixed
number::

    python examples/benchmarks/threads.py

With three repetitions it takes about half an hour on two cores.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
import warnings

import numpy as np


def main():
    """Measure all work and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--work", nargs="+", choices=list(WORK), default=list(WORK))
    parser.add_argument("--fixed", nargs="+", type=int, default=[1, os.cpu_count() or 1])
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--limit", type=float, default=300.0, help="seconds for one run")
    parser.add_argument("--machine", nargs="+", default=["idle", "busy"])
    parser.add_argument("--run", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        print(json.dumps(measure(WORK[options.run])))
        return
    fixed = sorted(set(options.fixed))
    names = [f"{n} thread{'s' * (n > 1)}" for n in fixed]
    print("| work | machine | default | CPU-s | " + " | ".join(names) + " | default / best |")
    print("|" + " --- |" * (5 + len(fixed)))
    for name in options.work:
        for machine in options.machine:
            with busy_core() if machine == "busy" else contextlib.nullcontext():
                walls, cpu = compare(name, [None, *fixed], options)
            ratio = walls[None] / min(walls[n] for n in fixed)
            cells = [f"{walls[None]:.2f}", f"{cpu[None]:.2f}", *(f"{walls[n]:.2f}" for n in fixed)]
            print(f"| {name} | {machine} | {' | '.join(cells)} | {ratio:.2f} |", flush=True)


def compare(name, numbers, options):
    """Run one piece of work by turns with each number of threads; return medians."""
    walls, cpus = {n: [] for n in numbers}, {n: [] for n in numbers}
    for _ in range(options.repetitions):
        for number in numbers:
            environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
            if number is not None:
                environment["OMP_NUM_THREADS"] = str(number)
            command = [sys.executable, __file__, "--run", name]
            try:
                done = subprocess.run(
                    command,
                    env=environment,
                    timeout=options.limit,
                    capture_output=True,
                    check=True,
                    text=True,
                )
                wall, cpu = json.loads(done.stdout.splitlines()[-1])
            except subprocess.TimeoutExpired:
                wall, cpu = options.limit, float("nan")
            walls[number].append(wall)
            cpus[number].append(cpu)
    return (
        {number: statistics.median(values) for number, values in walls.items()},
        {number: statistics.median(values) for number, values in cpus.items()},
    )


@contextlib.contextmanager
def busy_core():
    """Keep one core busy."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def measure(make) -> tuple[float, float]:
    """Run a piece of work once to warm up and once for the clock; return wall and CPU seconds."""
    warnings.simplefilter("ignore")
    work = make()
    work()
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def estimate_priors():
    """Estimate class priors of 6,000 examples of 5 features, which trains 10 small forests."""
    from puclassify.prior import BBEPrior, DEDPULPrior

    rng = np.random.default_rng(0)
    X = rng.normal(size=(6000, 5))
    X[:2500] += 1.5
    y = np.zeros(6000, dtype=int)
    y[:1000] = 1
    return lambda: [one(random_state=0).fit(X, y) for one in (BBEPrior, DEDPULPrior)]


def estimate_prior_of_images():
    """Estimate the class prior of 2,000 images of 28 x 28 pixels."""
    from puclassify.prior import BBEPrior

    X, y = images(2000)
    return lambda: BBEPrior(random_state=0).fit(X, y)


def train_on_rows():
    """Train a multilayer perceptron on 5,000 rows."""
    from puclassify import PUImageClassifier

    rng = np.random.default_rng(0)
    X = rng.normal(size=(5000, 20)).astype(np.float32)
    y = (np.arange(5000) < 500).astype(int)
    return lambda: PUImageClassifier(max_epochs=5, random_state=0).fit(X, y)


def train_on_images():
    """Train the compact network on 3,000 images of 28 x 28 pixels."""
    from puclassify import PUImageClassifier

    X, y = images(3000)
    return lambda: PUImageClassifier(max_epochs=2, random_state=0).fit(X, y)


def predict_images():
    """Score 10,000 images."""
    from puclassify import PUImageClassifier

    X, y = images(10000)
    classifier = PUImageClassifier(max_epochs=1, random_state=0).fit(X[:500], y[:500])
    return lambda: classifier.predict_proba(X)


def images(n):
    """Draw noise in which some images, mostly labelled ones, have a bright square."""
    X = np.random.default_rng(0).normal(size=(n, 28, 28)).astype(np.float32)
    X[::4, 8:20, 8:20] += 1
    y = np.zeros(n, dtype=int)
    y[::8] = 1
    return X, y


def micrographs(n, edge):
    """Simulate micrographs."""
    from puclassify.datasets import make_micrographs

    return make_micrographs(
        n, shape=(edge, edge), particles_per_micrograph=40, particle_diameter=30.0, random_state=0
    )


def small_picker(data):
    """Make the default picker with three epochs."""
    from puclassify import ParticlePicker

    picker = ParticlePicker(data.particle_diameter, pixel_size=data.pixel_size, random_state=0)
    return picker.set_params(classifier__max_epochs=3)


def fit_picker():
    """Fit the default picker, estimates included, to four micrographs of 512 x 512 pixels."""
    data = micrographs(4, 512)
    return lambda: small_picker(data).fit(data.micrographs, data.coordinates)


def pick():
    """Pick four micrographs of 1024 x 1024 pixels."""
    data = micrographs(4, 1024)
    picker = small_picker(data).set_params(
        classifier__max_epochs=1, threshold=0.0, expected_particles=40
    )
    picker.fit(data.micrographs[:2], data.coordinates[:2])
    return lambda: picker.predict(data.micrographs)


def preprocess():
    """Downsample by 4 and normalise one micrograph of 4096 x 4096 pixels."""
    from puclassify.preprocessing import FourierDownsample, NormalizeMicrograph

    X = [np.random.default_rng(0).normal(size=(4096, 4096)).astype(np.float32)]
    steps = FourierDownsample(4), NormalizeMicrograph(clip=4.0)

    def run():
        Z = X
        for step in steps:
            Z = step.fit_transform(Z)

    return run


WORK = {
    "priors of 6,000 x 5": estimate_priors,
    "prior of 2,000 images": estimate_prior_of_images,
    "training on rows": train_on_rows,
    "training on images": train_on_images,
    "scores of 10,000 images": predict_images,
    "a picker's fit": fit_picker,
    "picking": pick,
    "preprocessing": preprocess,
}

if __name__ == "__main__":
    main()
