"""
The micrographs that the picking benchmarks measure on
======================================================

Real ones are read from the folder named by ``PUCLASSIFY_DATA``; simulated ones are made here and
written as MRC files, so that reading is part of every measurement.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import mrcfile
import numpy as np

from puclassify.datasets import make_micrographs
from puclassify.io import match_coordinates, read_coordinates
from puclassify.metrics import pick_average_precision_score

__all__ = [
    "PickingSet",
    "average_precision",
    "beta_galactosidase",
    "draw_labels",
    "fit_and_pick",
    "simulated",
]

UNDER_LABELLED = "15_07_41"  # of the beta-galactosidase images: never scored


@dataclass
class PickingSet:
    """Micrographs to train on and others to test on.

    Parameters
    ----------
    name : str
        What the table calls it.
    train, test : list of str
        Paths of the micrographs.
    train_coordinates, test_coordinates : list of ndarray of shape (k_i, 2)
        All their particles as x, y in pixels of those files.
    particle_diameter, radius : float
        Diameter and matching radius in those pixels.
    """

    name: str
    train: list[str]
    train_coordinates: list[np.ndarray]
    test: list[str]
    test_coordinates: list[np.ndarray]
    particle_diameter: float
    radius: float


def beta_galactosidase(half: int) -> PickingSet:
    """Train on every second image of the eight from ``half`` on, test on the others.

    Parameters
    ----------
    half : {0, 1}
        Which direction.

    Returns
    -------
    PickingSet
        The 1024 x 1024 images; the labels were taken on images of four times as many pixels.
    """
    folder = Path(os.environ["PUCLASSIFY_DATA"]) / "micrographs"
    paths = sorted(str(path) for path in (folder / "bgal_images_1024").glob("*.png"))
    table = read_coordinates(folder / "bgal_coords_4096px" / "cryoppp.csv", step=4, offset=1.5)
    coordinates = match_coordinates(table, paths)
    train = range(half, len(paths), 2)
    test = [i for i in range(1 - half, len(paths), 2) if UNDER_LABELLED not in paths[i]]
    return PickingSet(
        f"beta-galactosidase, half {half}",
        [paths[i] for i in train],
        [coordinates[i] for i in train],
        [paths[i] for i in test],
        [coordinates[i] for i in test],
        particle_diameter=27.0,
        radius=13.5,
    )


def simulated(folder, kind: str, snr: float | None, random_state: int) -> PickingSet:
    """Simulate eight micrographs to train on and four to test on, as MRC files.

    Parameters
    ----------
    folder : path-like
        Where to write them.
    kind : str
        Of particle.
    snr : float or None
        As of `puclassify.datasets.make_micrographs`; None is its default.
    random_state : int
        Seed.

    Returns
    -------
    PickingSet
        The set.
    """
    settings = {} if snr is None else {"snr": snr}
    data = make_micrographs(12, kind=kind, random_state=random_state, **settings)
    level = "default snr" if snr is None else f"snr {snr:g}"
    folder = Path(folder) / f"{kind}, {level}, {random_state}"
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for index, micrograph in enumerate(data.micrographs):
        paths.append(str(folder / f"mic_{index:03d}.mrc"))
        with mrcfile.new(paths[-1], overwrite=True) as file:
            file.set_data(np.asarray(micrograph, dtype=np.float32))
    diameter = data.particle_diameter / data.pixel_size
    return PickingSet(
        f"simulated {kind}, {level}",
        paths[:8],
        list(data.coordinates[:8]),
        paths[8:],
        list(data.coordinates[8:]),
        particle_diameter=diameter,
        radius=diameter / 2,
    )


def draw_labels(coordinates, n_labels: int, seed: int) -> list[np.ndarray]:
    """Keep ``n_labels`` particles drawn at random over all micrographs.

    Parameters
    ----------
    coordinates : list of ndarray of shape (k_i, 2)
        All particles.
    n_labels : int
        How many to keep.
    seed : int
        Of the draw.

    Returns
    -------
    list of ndarray
        The labelled ones.
    """
    lengths = [len(xy) for xy in coordinates]
    kept = np.zeros(sum(lengths), dtype=bool)
    kept[np.random.default_rng(seed).permutation(len(kept))[:n_labels]] = True
    return [
        xy[chosen]
        for xy, chosen in zip(coordinates, np.split(kept, np.cumsum(lengths)[:-1]), strict=True)
    ]


def fit_and_pick(picker, data: PickingSet, labels) -> tuple[np.ndarray, float, float]:
    """Train a picker on a set and pick its test micrographs.

    Parameters
    ----------
    picker : ParticlePicker
        It is trained in place.
    data : PickingSet
        The set.
    labels : list of ndarray
        The labelled particles of the training micrographs.

    Returns
    -------
    picks : ndarray of arrays of shape (k, 3)
        All candidates.
    fit_seconds, pick_seconds : float
        CPU-seconds, user + system.
    """
    started = time.process_time()
    picker.fit(data.train, labels)
    trained = time.process_time()
    picks = picker.predict(data.test, threshold=-np.inf)
    return picks, trained - started, time.process_time() - trained


def average_precision(data: PickingSet, picks) -> float:
    """Measure picks against the particles of the test micrographs.

    Parameters
    ----------
    data : PickingSet
        The set.
    picks : sequence of ndarray of shape (k, 3)
        All candidates.

    Returns
    -------
    float
        Average precision, whatever the threshold.
    """
    return pick_average_precision_score(data.test_coordinates, picks, data.radius)
