"""Measure the way from a clone to the first picks of one's own, each step with its seconds.

Clones this repository, installs it into a new environment with the releases of constraints.txt, and
trains and picks as the README does, with the files in the folder named by PUCLASSIFY_DATA::

    PUCLASSIFY_DATA=... python examples/benchmarks/first_picks.py
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common.tables import table_head, table_row

ROOT = Path(__file__).resolve().parents[2]
TRAIN = (
    *("train", "bgal_images_1024/*-14_*.png", "bgal_images_1024/*-15_1*.png"),
    *("--coordinates", "bgal_coords_4096px/cryoppp.csv", "--step", "4", "--offset", "1.5"),
    *("--diameter", "191", "--pixel-size", "7.08", "--output", "bgal.safetensors"),
)
PICK = ("pick", "bgal.safetensors", "bgal_images_1024/*-15_[23]*.png", "--output", "picks")


def main():
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.parse_args()
    if "PUCLASSIFY_DATA" not in os.environ:
        raise SystemExit("set PUCLASSIFY_DATA to the folder with real micrographs")
    print(table_head(["step", "wall s", "CPU s"]))
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for path in (Path(os.environ["PUCLASSIFY_DATA"]) / "micrographs").glob("bgal_*"):
            (work / path.name).symlink_to(path)
        command = str(work / "venv" / "bin" / "puclassify")
        pip = [str(work / "venv" / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        start = time.perf_counter(), cpu()
        step(work, "git clone", "git", "clone", "--quiet", str(ROOT), "clone")
        step(work, "python -m venv", sys.executable, "-m", "venv", "venv")
        step(work, "pip install", *pip, "--constraint", "clone/constraints.txt", "./clone[all]")
        step(work, "puclassify train", command, *TRAIN)
        step(work, "puclassify pick", command, *PICK)
        print(line("all", *start))


def step(work, title, *command):
    """Run a command and print what it took."""
    start = time.perf_counter(), cpu()
    done = subprocess.run(command, cwd=work, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{title} failed:\n{done.stdout}{done.stderr}")
    print(line(title, *start), flush=True)


def line(title, wall, busy):
    """Return a row of the table for what has passed since two times."""
    return table_row([title, f"{time.perf_counter() - wall:.0f}", f"{cpu() - busy:.0f}"])


def cpu():
    """Return the processor time of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
