"""
The reference picker, run as a program
======================================

Topaz is driven through its command line from its own environment, so that none of its code runs in
this one. CPU-seconds are user + system of the whole process, its start included.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import mrcfile
import numpy as np

from puclassify.io import (
    match_coordinates,
    read_coordinates,
    read_micrograph,
    write_coordinates,
)

__all__ = ["TopazRunner", "as_mrc", "cost_of_one_more", "cpu_seconds"]


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
    device : int, default=-1
        Number of a GPU; -1 is the CPU.
    """

    def __init__(self, program, steps=600, more=(), device=-1):
        self.program, self.steps, self.more, self.device = program, steps, more, device

    def __call__(self, data, labels, seed):
        """Train, pick; returns the picks and the CPU-seconds."""
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
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

    def pick_cost(self, paths, radius, model="resnet8_u32"):
        """Return the CPU-seconds of normalising, scoring and picking some MRC files.

        Parameters
        ----------
        paths : list of str
            The files.
        radius : float
            Suppression radius in pixels.
        model : str or path-like
            A model file, or the name of one of its pretrained ones.

        Returns
        -------
        float
            User + system.
        """
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            start = cpu_seconds(resource.RUSAGE_CHILDREN)
            self._preprocess_and_pick(paths, folder, radius, model)
            return cpu_seconds(resource.RUSAGE_CHILDREN) - start

    def pick_time(self, paths, radius, model="resnet8_u32", binning=1):
        """Return the seconds of wall time of downsampling, normalising, scoring and picking.

        Parameters
        ----------
        paths : list of str
            The files.
        radius : float
            Suppression radius in pixels, after downsampling.
        model : str or path-like
            A model file, or the name of one of its pretrained ones.
        binning : int, default=1
            How many times fewer pixels along each axis.

        Returns
        -------
        float
            Its start included.
        """
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
        """Downsample and normalise micrographs, as its manual asks for."""
        folder.mkdir()
        command = ["normalize"] if binning == 1 else ["preprocess", "-s", binning]
        self._run(*command, "--device", self.device, "-o", folder, *paths)
        return [str(path) for path in sorted(folder.iterdir())]

    def _run(self, *arguments):
        command = [self.program, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(command[:2])} failed:\n{done.stderr[-2000:]}")


def cost_of_one_more(cost, paths):
    """Return what a program takes for each of some files, without its start.

    Parameters
    ----------
    cost : callable
        Runs the program on some of the files and returns what that took.
    paths : list of str
        The files.

    Returns
    -------
    float
        The difference between all of them and the first, for each of the others.
    """
    first = cost(paths[:1])
    return (cost(paths) - first) / (len(paths) - 1)


def as_mrc(paths, folder):
    """Rewrite other images as MRC files, which the reference needs; this is not timed."""
    if all(path.endswith(".mrc") for path in paths):
        return paths
    folder.mkdir()
    files = [str(folder / f"{Path(path).stem}.mrc") for path in paths]
    for path, file in zip(paths, files, strict=True):
        mrcfile.write(file, np.asarray(read_micrograph(path), dtype=np.float32))
    return files


def cpu_seconds(who):
    """Return user + system seconds spent so far, by this process or by its ended children."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime
