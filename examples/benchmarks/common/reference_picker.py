"""Topaz, the reference picker, run as a program from its own environment; and CPU-seconds.

None of its code runs in this process. CPU-seconds are user + system of the whole program, its
start included.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import mrcfile
import numpy as np

from common.picking_sets import PickingSet
from puclassify.io import (
    match_coordinates,
    read_coordinates,
    read_micrograph,
    write_coordinates,
)

__all__ = ["TopazRunner", "as_mrc", "cost_of_one_more", "cpu_seconds"]

PRETRAINED = "resnet8_u32"  # a network that comes with the program


class TopazRunner:
    """Runs the ``topaz`` program.

    Training takes ``steps`` of 128 regions; ``more`` are further arguments of ``topaz train``;
    ``device`` is the number of a GPU, or -1 for the CPU.
    """

    def __init__(self, program: str, steps: int = 600, more=(), device: int = -1):
        self.program, self.steps, self.more, self.device = program, steps, more, device

    def __call__(self, data: PickingSet, labels, seed: int):
        """Train and pick; return the picks and the CPU-seconds of both steps."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            train_files = as_mrc(data.train, folder / "train_mrc")
            test_files = as_mrc(data.test, folder / "test_mrc")
            start = cpu_seconds(resource.RUSAGE_CHILDREN)
            train = self._preprocess(train_files, folder / "train")
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
                self.device,
                "--num-workers",
                0,
                *self.more,
            )
            trained = cpu_seconds(resource.RUSAGE_CHILDREN)
            test = self._preprocess(test_files, folder / "test")
            table = folder / "picks.txt"
            model = sorted(folder.glob("model*.sav"))[-1]
            self._extract(test, data.radius, model, table)
            picked = cpu_seconds(resource.RUSAGE_CHILDREN)
            picks = match_coordinates(read_coordinates(table, format="tsv"), data.test)
        return picks, trained - start, picked - trained

    def pick_cost(self, paths: list[str], radius: float, model=PRETRAINED) -> float:
        """Return CPU-seconds to normalise, score and pick MRC files; radius in pixels."""
        with tempfile.TemporaryDirectory() as folder:
            start = cpu_seconds(resource.RUSAGE_CHILDREN)
            self._preprocess_and_pick(paths, Path(folder), radius, model)
            return cpu_seconds(resource.RUSAGE_CHILDREN) - start

    def pick_time(self, paths: list[str], radius: float, model=PRETRAINED, binning=1) -> float:
        """Return seconds of wall time for the same and the binning; radius in binned pixels."""
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            self._preprocess_and_pick(paths, Path(folder), radius, model, binning)
            return time.perf_counter() - start

    def _preprocess_and_pick(self, paths, folder, radius, model, binning=1):
        small = self._preprocess(paths, folder / "normalized", binning)
        self._extract(small, radius, model, folder / "picks.txt")

    def _extract(self, paths, radius, model, table):
        arguments = ["-r", round(radius), "-t", -6, "-m", model, "-o", table]
        self._run("extract", *arguments, "--device", self.device, *paths)

    def _preprocess(self, paths, folder, binning=1):
        """Downsample and normalise micrographs, as the manual of the program recommends."""
        folder.mkdir()
        command = ["normalize"] if binning == 1 else ["preprocess", "-s", binning]
        self._run(*command, "--device", self.device, "-o", folder, *paths)
        return [str(path) for path in sorted(folder.iterdir())]

    def _run(self, *arguments):
        command = [self.program, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(command[:2])} failed:\n{done.stderr[-2000:]}")


def cost_of_one_more(cost: Callable[[list[str]], float], paths: list[str]) -> float:
    """Return what each file after the first adds to the cost, which leaves out the start."""
    first = cost(paths[:1])
    return (cost(paths) - first) / (len(paths) - 1)


def as_mrc(paths: list[str], folder: Path) -> list[str]:
    """Rewrite images as MRC files, which the program needs, unless they all are."""
    if all(path.endswith(".mrc") for path in paths):
        return paths
    folder.mkdir()
    files = [str(folder / f"{Path(path).stem}.mrc") for path in paths]
    for path, file in zip(paths, files, strict=True):
        mrcfile.write(file, np.asarray(read_micrograph(path), dtype=np.float32))
    return files


def cpu_seconds(who: int) -> float:
    """Return user + system seconds so far of ``resource.RUSAGE_SELF`` or ``RUSAGE_CHILDREN``."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime
