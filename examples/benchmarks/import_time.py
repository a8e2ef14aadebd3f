"""Measure what it takes to import the package and to ask the command for its help.

Every statement or command runs in new processes, with the files in the system's cache::

    python examples/benchmarks/import_time.py
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

from common.tables import table_head, table_row

RUNS = {
    "nothing": ["-c", "pass"],
    "import puclassify": ["-c", "import puclassify"],
    "puclassify --version": ["-m", "puclassify", "--version"],
    "puclassify --help": ["-m", "puclassify", "--help"],
    "puclassify train --help": ["-m", "puclassify", "train", "--help"],
    "puclassify.io": ["-c", "import puclassify; puclassify.io"],
    "puclassify.plotting": ["-c", "import puclassify; puclassify.plotting"],
    "import sklearn.metrics": ["-c", "import sklearn.metrics"],
    "import torch": ["-c", "import torch"],
    "puclassify.ParticlePicker": ["-c", "import puclassify; puclassify.ParticlePicker"],
}


def main():
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--repetitions", type=int, default=5)
    options = parser.parse_args()
    print(table_head(["new process", "seconds, median", "largest"]))
    for name, arguments in RUNS.items():
        seconds(arguments)  # fills the cache
        taken = [seconds(arguments) for _ in range(options.repetitions)]
        print(table_row([name, f"{statistics.median(taken):.2f}", f"{max(taken):.2f}"]), flush=True)


def seconds(arguments):
    """Return how long a process of Python takes."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
